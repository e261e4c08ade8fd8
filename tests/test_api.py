"""What `import fastdiar` gives."""

from __future__ import annotations

import ast
import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import fastdiar

PACKAGE = Path(fastdiar.__file__).parent
WITH_EXAMPLES = sorted(path for path in PACKAGE.rglob("*.py") if ">>>" in path.read_text(encoding="utf-8"))
LONGEST_FUNCTION = 50


def test_importing_imports_nothing_heavy() -> None:
    heavy = {"torch", "onnxruntime", "numpy", "scipy", "soundfile", "attrs", "typer"}
    code = f"import sys, fastdiar\nprint(*sorted(sys.modules.keys() & {heavy!r}))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "\n"


def test_diarizing_imports_no_torch() -> None:
    code = "import sys, fastdiar\nfastdiar.load, fastdiar.diarize, fastdiar.registry\nsys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", fastdiar.__all__)
def test_every_public_name_is_there_and_explained(name: str) -> None:
    assert getattr(fastdiar, name).__doc__
    assert name in dir(fastdiar)


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="module 'fastdiar' has no attribute 'diarise'"):
        _ = fastdiar.diarise


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_examples_in_docstrings(path: Path) -> None:
    relative = path.relative_to(PACKAGE.parent).with_suffix("")
    module = importlib.import_module(".".join(relative.parts).removesuffix(".__init__"))
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0


def test_every_function_fits_a_screen() -> None:
    long = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _lines(node) > LONGEST_FUNCTION:
                long.append(f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}: {_lines(node)} lines")
    assert long == []


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring."""
    first = function.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    return (function.end_lineno or 0) - function.lineno + 1 - ((first.end_lineno or 0) - first.lineno + 1 if documented else 0)

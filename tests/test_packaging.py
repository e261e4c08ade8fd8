"""What pip installs: the wheel is whole, and nobody gets what they did not ask for."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
LARGEST = 45_000_000
"""Bytes of a wheel."""
SOURCES = ("fastdiar", "pyproject.toml", "README.md", "LICENSE", "NOTICE")


@pytest.mark.skipif(not (ROOT / "fastdiar").is_dir(), reason="the package is installed, its sources are not here")
def test_the_wheel_holds_all_it_should_and_nothing_else(tmp_path: Path) -> None:
    pytest.importorskip("setuptools", minversion="77")
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, tree / name)
    ours = {path.relative_to(tree).as_posix() for path in (tree / "fastdiar").rglob("*") if path.is_file()}
    command = ["pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(tree)]
    subprocess.run([sys.executable, "-m", *command], check=True)
    (wheel,) = tmp_path.glob("fastdiar-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    assert {name for name in packed if ".dist-info/" not in name} == ours
    assert {"fastdiar/py.typed", "fastdiar/assets/quality/bundle.toml", "fastdiar/page/site/index.html"} <= packed
    licences = {Path(name).name for name in packed if "/licenses/" in name}
    texts = {path.name for path in (ROOT / "fastdiar").rglob("LICENSE.*")}
    assert licences == {"LICENSE", "NOTICE"} | texts and len(texts) >= 3
    assert wheel.stat().st_size <= LARGEST


def test_the_citation_is_of_this_version() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {PROJECT['version']}\n" in citation and f"\nlicense: {PROJECT['license']}\n" in citation
    assert f"## [Unreleased] - {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_base_is_light() -> None:
    heavy = {"torch", "torchaudio", "onnx", "onnxruntime", "onnxruntime-gpu", "pandas", "pyannote-metrics", "lightning-fabric"}
    assert not _names(PROJECT["dependencies"]) & heavy


def test_onnxruntime_comes_from_one_extra_alone() -> None:
    bringing = {extra for extra, requirements in EXTRAS.items() if any("onnxruntime" in name for name in _names(requirements))}
    assert bringing == {"cpu", "gpu"}


def test_torch_and_torchaudio_are_of_one_series() -> None:
    series = {each.name: str(each.specifier) for each in map(Requirement, EXTRAS["train"]) if each.name.startswith("torch")}
    assert series.keys() == {"torch", "torchaudio"}
    assert len(set(series.values())) == 1
    assert series["torch"].startswith("==")


def test_every_library_that_is_imported_is_asked_for() -> None:
    asked = _names(PROJECT["dependencies"]).union(*map(_names, EXTRAS.values()))
    distributions = packages_distributions()
    for library, path in sorted(_imported().items()):
        named = {canonicalize_name(name) for name in distributions.get(library, [library])}
        assert named & asked, f"{path} imports {library}, which no extra brings"


@pytest.mark.network
@pytest.mark.parametrize("extra", EXTRAS)
def test_every_extra_can_be_installed(extra: str) -> None:
    # What tensorrt itself asks for is on NVIDIA's own registry, which may be out of reach.
    options = ["--quiet", "--dry-run", "--ignore-installed", *(["--no-deps"] if extra == "tensorrt" else [])]
    command = [sys.executable, "-m", "pip", "install", *options, *PROJECT["dependencies"], *EXTRAS[extra]]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def _names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(text).name) for text in requirements}


def _imported() -> dict[str, Path]:
    """Every library that fastdiar imports, with a file that does."""
    found: dict[str, Path] = {}
    for path in sorted((ROOT / "fastdiar").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0]: path for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                # A namespace such as pyannote is shared by several distributions.
                found[node.module.partition(".")[0]] = path
    return {name: path for name, path in found.items() if name != "fastdiar" and name not in sys.stdlib_module_names}

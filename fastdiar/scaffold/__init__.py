"""A new package with one component, ready to be installed, tested and trained: `fastdiar new`.

The files are jinja2 templates in `template/`: those of every package, and one for each kind of component.
"""

from __future__ import annotations

import keyword
import re
from importlib.util import find_spec
from pathlib import Path

from fastdiar.core.component import KINDS
from fastdiar.core.errors import DataError, RegistryError, nearest, needs
from fastdiar.core.files import appearing
from fastdiar.registry import installed

TEMPLATE = Path(__file__).parent / "template"
MADE = tuple(kind for kind in KINDS if (TEMPLATE / "kinds" / f"{kind}.py.jinja").is_file())
"""The kinds that there is a template for."""
FILES = {
    "pyproject.toml": "pyproject.toml.jinja",
    "README.md": "README.md.jinja",
    "{module}/__init__.py": "__init__.py.jinja",
    "{module}/{name}.py": "kinds/{kind}.py.jinja",
    "recipes/{name}.toml": "recipe.toml.jinja",
    "tests/conftest.py": "conftest.py.jinja",
    "tests/test_{name}.py": "test.py.jinja",
}
"""Where a package's files come from; one that a kind has nothing for is left out."""
NAME = re.compile(r"[a-z]([a-z0-9_]*[a-z0-9])?")
RESERVED = {"fastdiar": "means the built-in components", "none": "means no plugin in FASTDIAR_PLUGINS"}


def new_package(kind: str, name: str, into: Path) -> Path:
    """Write the package `fastdiar-NAME` with the component `NAME/NAME` into the folder `into`; returns where it is.

    Raises `RegistryError` for a kind or name that cannot be, `DataError` where something is in its place, `MissingExtra`.
    """
    _check_kind(kind)
    _check_name(name)
    with needs("new", "fastdiar new"):
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    folder = into / f"fastdiar-{name}"
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder}: is there already: choose another folder with --into, or another name")
    values = {"kind": kind, "name": name, "module": f"fastdiar_{name}", "title": "".join(map(str.title, name.split("_")))}
    # Python and TOML are written, of a name that was checked: there is nothing to escape.
    templates = Environment(
        loader=FileSystemLoader(TEMPLATE),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    try:
        with appearing(folder) as beside:
            for place, source in FILES.items():
                path, text = beside / place.format(**values), templates.get_template(source.format(**values)).render(values)
                if text.strip():
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"{folder}: cannot be written: {error.strerror}") from None
    return folder


def _check_kind(kind: str) -> None:
    if kind not in MADE:
        raise RegistryError(f"no template for the kind '{kind}'{nearest(kind, MADE)}: expected one of {', '.join(MADE)}")


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        plain = re.sub(r"\W+", "_", name.lower()).strip("_")
        hint = f" (such as {plain})" if NAME.fullmatch(plain) and plain != name else ""
        raise RegistryError(
            f"{name!r} cannot be a package's name{hint}: expected lower-case letters, digits and '_', not a word of Python"
        )
    if name in RESERVED:
        raise RegistryError(f"the name '{name}' is taken: it {RESERVED[name]}: choose another")
    if name in installed().plugins():
        raise RegistryError(f"the name '{name}' is taken: a plugin called so is installed: choose another")
    if find_spec(f"fastdiar_{name}") is not None:
        raise RegistryError(f"the name '{name}' is taken: a module fastdiar_{name} is installed: choose another")

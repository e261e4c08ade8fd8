"""What the pages share: templates beside this file, in which strangers' words are escaped, and pictures as parts of a page."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template
from markupsafe import Markup
from matplotlib.figure import Figure

from fastdiar.evaluation.report import pictures


def template_of(name: str, **filters: Callable[[Any], str]) -> Template:
    """A page's template."""
    loader = FunctionLoader(lambda file: files(__package__).joinpath(file).read_text(encoding="utf-8"))
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"percent": percent, **filters}
    return environment.get_template(name)


def inline(figure: Figure) -> Markup:
    """A picture as part of a page. Its words are escaped already: matplotlib writes XML."""
    return Markup(pictures.svg(figure))


def percent(share: float | None) -> str:
    """A share of 1 in per cent, or a dash where there is none."""
    return "–" if share is None else f"{100 * share:.1f}"

"""What stands behind the `?` of a request: a key that nobody reads is a mistake, which is told instead of passed over."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import Request

from fastdiar.core.errors import nearest
from fastdiar.serving.problems import Problem, parameters


async def only_described(request: Request) -> None:
    """That a request's query has only keys that the OpenAPI description tells of; raises `Problem` 422."""
    expect(request.query_params, [each["name"] for each in parameters(request) if each["in"] == "query"])


def expect(keys: Iterable[str], known: Iterable[str]) -> None:
    """That all of the keys are known; raises `Problem` 422 with each that is not, and what comes nearest to it."""
    names = sorted(known)
    wrong = [f"no parameter '{key}'{nearest(key, names)}" for key in dict.fromkeys(keys) if key not in names]
    if wrong:
        raise Problem(
            422, f"{'; '.join(wrong)}: there are {', '.join(names)}" if names else f"{'; '.join(wrong)}: there are none"
        )

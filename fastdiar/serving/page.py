"""`GET /`: the page that people look at. Its files are known by name: no path that a client gives reaches the file system."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse

from fastdiar.page import SITE, policy

router = APIRouter(include_in_schema=False)


def _serving(path: Path, headers: dict[str, str]) -> Callable[[], Awaitable[FileResponse]]:
    async def file() -> FileResponse:
        return FileResponse(path, headers=headers)

    return file


for _path in sorted(path for path in SITE.rglob("*") if path.is_file()):
    _name = _path.relative_to(SITE).as_posix()
    if _name == "index.html":
        router.add_api_route("/", _serving(_path, {"Content-Security-Policy": policy()}))
    else:
        router.add_api_route(f"/{_name}", _serving(_path, {}))

"""What every request passes first: is it for this server, from somebody who may ask, and not too large."""

from __future__ import annotations

import hmac
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fastdiar.serving.problems import Problem, answer
from fastdiar.serving.settings import LOOPBACK, ServeSettings

OPEN = frozenset({"/v1/health", "/v1/ready"})
"""What anybody may ask; besides everything outside `/v1/` and `/metrics`, which holds nobody's data."""
SUBPROTOCOL = "bearer"
"""A page cannot give a WebSocket headers: it offers the subprotocols "bearer" and the token, and is answered "bearer"."""
DOCS_POLICY = "default-src 'self' data: 'unsafe-inline'; frame-ancestors 'none'"
"""What the page of the description may do; it starts itself by a script inside it."""
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""On every answer that does not say otherwise."""


class Gate:
    """ASGI middleware: refuses what may not come in, counts the body's bytes, and puts `HEADERS` on answers."""

    def __init__(self, app: ASGIApp, settings: ServeSettings) -> None:
        """Read the token; raises `FastdiarError`."""
        self._app, self._settings, self._token = app, settings, settings.token()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer why not."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        if (refusal := self._refusal(scope["path"], Headers(scope=scope))) is None:
            await self._app(scope, self._counted(receive), _with_headers(send, scope["path"]))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refusal.detail})
        else:
            await answer(refusal)(scope, receive, _with_headers(send, scope["path"]))

    def _refusal(self, path: str, headers: Headers) -> Problem | None:
        if self._settings.token_file is None and _split(f"//{headers.get('host', '')}").hostname not in LOOPBACK:
            # A page elsewhere may give its own name this machine's address, to read what is answered.
            return Problem(421, "this server answers to localhost alone")
        if "origin" in headers and _split(headers["origin"]).netloc != headers.get("host"):
            return Problem(403, "pages of other servers may not ask this one")
        if self._token is not None and _guarded(path) and not hmac.compare_digest(_shown(headers), self._token.encode()):
            return Problem(
                401, "this needs the server's token: Authorization: Bearer TOKEN", headers={"WWW-Authenticate": "Bearer"}
            )
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._settings.largest_upload:
            return self._too_large()
        return None

    def _counted(self, receive: Receive) -> Receive:
        taken = 0

        async def counting() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._settings.largest_upload:
                raise self._too_large()
            return message

        return counting

    def _too_large(self) -> Problem:
        return Problem(413, f"a request's body has at most {self._settings.largest_upload >> 20} MiB")


def _split(address: str) -> SplitResult:
    """The parts of an address; all of them empty where it is none."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def _guarded(path: str) -> bool:
    return path not in OPEN and (path.startswith("/v1/") or path == "/metrics")


def _shown(headers: Headers) -> bytes:
    """The token that a request shows; empty where it shows none."""
    kind, _, token = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return token.strip().encode()
    offered = [each.strip() for each in headers.get("sec-websocket-protocol", "").split(",")]
    return offered[1].encode() if len(offered) == 2 and offered[0] == SUBPROTOCOL else b""


def _with_headers(send: Send, path: str) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if path == "/docs":
                headers.setdefault("Content-Security-Policy", DOCS_POLICY)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending

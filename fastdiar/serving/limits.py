"""What every request passes first: is it for this server, from somebody who may ask, and not too large."""

from __future__ import annotations

import hmac
from urllib.parse import SplitResult, urlsplit

from anyio import move_on_after
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fastdiar.serving.problems import Problem, answer
from fastdiar.serving.settings import LOOPBACK, ServeSettings

OPEN = frozenset({"/v1/health", "/v1/ready"})
"""What anybody may ask; besides everything outside `/v1/` and `/metrics`, which holds nobody's data."""
SUBPROTOCOL = "bearer"
"""A page cannot give a WebSocket headers: it offers the subprotocols "bearer" and the token, and is answered "bearer"."""
END_BYTES, END_SECONDS = 4 << 20, 1.0
"""What is still read of a request that is refused, and for how long."""
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
        headers = Headers(scope=scope)
        refusal = self._refusal(scope["path"], headers)
        if scope["type"] == "websocket":
            if refusal is None:
                await self._app(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1008, "reason": refusal.detail})
            return
        body = _Body(receive, headers, self._settings.largest_upload)
        application = self._app if refusal is None else answer(refusal)
        await application(scope, body.receive, _answering(send, scope["path"], body))

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
            return _too_large(self._settings.largest_upload)
        return None


class _Body:
    """A request's body: counted as the application receives it, and read to its end before it is answered, where that is near.

    A client that is answered while it still sends may find its connection broken, and not read the answer.
    """

    def __init__(self, receive: Receive, headers: Headers, most: int) -> None:
        self._next, self._most, self._taken = receive, most, 0
        self._more = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers

    async def receive(self) -> Message:
        """The next message; raises `Problem` 413 where the body is too large."""
        message = await self._next()
        self._taken += len(message.get("body", b""))
        self._more = message.get("more_body", False)
        if self._taken > self._most:
            raise _too_large(self._most)
        return message

    async def end(self) -> None:
        """Read what is left, if that is not much."""
        with move_on_after(END_SECONDS):
            while self._more and self._taken < END_BYTES:
                message = await self._next()
                self._taken += len(message.get("body", b""))
                self._more = message.get("more_body", False)


def _too_large(most: int) -> Problem:
    return Problem(413, f"a request's body has at most {most:,} bytes")


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


def _answering(send: Send, path: str, body: _Body) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if path == "/docs":
                headers.setdefault("Content-Security-Policy", DOCS_POLICY)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            await body.end()
        await send(message)

    return sending

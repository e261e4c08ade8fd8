"""`WS /v1/stream`: who speaks, told while they speak.

The client sends 16-bit little-endian PCM in binary messages, channels interleaved, and the text `end` after the last. The server
sends events as JSON, as `fastdiar stream` prints them, `final` last, and closes. What goes wrong closes the connection with a
code and the reason.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Annotated

from anyio import fail_after, to_thread
from fastapi import APIRouter, Query, WebSocket
from fastapi.exceptions import WebSocketRequestValidationError
from starlette.websockets import WebSocketDisconnect

from fastdiar.core.audio import RATES
from fastdiar.core.errors import FastdiarError, ModelError
from fastdiar.live.diarizer import LiveDiarizer
from fastdiar.live.events import Event, to_json
from fastdiar.live.samples import pcm
from fastdiar.serving import metrics
from fastdiar.serving.limits import SUBPROTOCOL
from fastdiar.serving.problems import Problem
from fastdiar.serving.query import expect
from fastdiar.serving.service import Service

END = "end"
LARGEST_MESSAGE = 1 << 20
"""Bytes; half a minute at 16 kHz."""
LONGEST_REASON = 120
"""Bytes that a close frame has room for, or a few less."""
NOT_SOUND, NOT_ALLOWED, TOO_LARGE, FAILED, COME_AGAIN = 1007, 1008, 1009, 1011, 1013
"""Codes of closing (RFC 6455, and 1013 of its registry)."""
LANE = "streams"

router = APIRouter(tags=["live"])


class _Ended(Exception):
    """The stream is to be closed with this code, for this reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@router.websocket("/v1/stream")
async def stream(
    websocket: WebSocket,
    rate: Annotated[int, Query(ge=RATES[0], le=RATES[1])] = 16_000,
    channels: Annotated[int, Query(ge=1, le=16)] = 1,
) -> None:
    """Tell who speaks in what is sent."""
    service: Service = websocket.app.state.service
    await _accept(websocket)
    try:
        expect(websocket.query_params, ("rate", "channels"))
        async with service.streaming():
            with LiveDiarizer(service.diarizer, rate) as live:
                await _converse(websocket, live, rate, channels, service)
        await websocket.close()
    except WebSocketDisconnect:
        pass
    except _Ended as ended:
        await _close(websocket, ended.code, str(ended))
    except Problem as problem:
        await _close(websocket, COME_AGAIN if problem.status_code == 503 else NOT_ALLOWED, problem.detail)
    except ModelError:
        await _close(websocket, FAILED, "the server failed; its log says why")
        raise
    except FastdiarError as error:
        await _close(websocket, NOT_SOUND, str(error))


async def refuse(websocket: WebSocket, error: Exception) -> None:
    """Tell what is wrong with the parameters; a client that is not let in at all learns no reason."""
    assert isinstance(error, WebSocketRequestValidationError)
    await _accept(websocket)
    await _close(websocket, NOT_ALLOWED, "; ".join(f"{each['loc'][-1]}: {each['msg']}" for each in error.errors()))


async def _accept(websocket: WebSocket) -> None:
    await websocket.accept(SUBPROTOCOL if SUBPROTOCOL in websocket.scope.get("subprotocols", ()) else None)


async def _converse(websocket: WebSocket, live: LiveDiarizer, rate: int, channels: int, service: Service) -> None:
    async for data in _messages(websocket, rate, channels, service):
        samples = pcm(data, channels)
        metrics.AUDIO.labels(LANE).inc(len(samples) / rate)
        for event in await _computed(service, lambda samples=samples: live.push(samples)):
            await websocket.send_text(to_json(event))
    for event in await _computed(service, live.finish):
        await websocket.send_text(to_json(event))


async def _messages(websocket: WebSocket, rate: int, channels: int, service: Service) -> AsyncIterator[bytes]:
    """What is sent until `end`; raises `_Ended` where too much is, or nothing for too long."""
    left = service.settings.longest_stream_hours * 3600 * rate * channels * 2
    while True:
        try:
            with fail_after(service.settings.stream_idle_seconds):
                message = await websocket.receive()
        except TimeoutError:
            raise _Ended(NOT_ALLOWED, f"nothing came for {service.settings.stream_idle_seconds:g} s") from None
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        data = message.get("bytes")
        if data is None:
            if message.get("text") == END:
                return
            raise _Ended(NOT_SOUND, f"expected 16-bit samples in binary messages, then the text '{END}'")
        if len(data) > LARGEST_MESSAGE:
            raise _Ended(TOO_LARGE, f"a message has at most {LARGEST_MESSAGE} bytes")
        left -= len(data)
        if left < 0:
            raise _Ended(NOT_ALLOWED, f"a stream lasts at most {service.settings.longest_stream_hours:g} hours")
        yield data


async def _computed(service: Service, work: Callable[[], list[Event]]) -> list[Event]:
    with metrics.timed(LANE, "infer"):
        return await to_thread.run_sync(work, limiter=service.stream_threads)


async def _close(websocket: WebSocket, code: int, reason: str) -> None:
    await websocket.close(code, reason.encode()[:LONGEST_REASON].decode(errors="ignore"))

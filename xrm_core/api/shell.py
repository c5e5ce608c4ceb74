"""The shell around the application: request ids, safe headers, HEAD, timing and one log line per request."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from xrm_core.api.telemetry import Telemetry
from xrm_core.kernel.ids import new_id

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_SAFE: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_API_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_NO_STORE = (b"cache-control", b"no-store")
log = logging.getLogger("xrm.access")


class Shell:
    """An ASGI application around another one."""

    def __init__(self, application: Application, telemetry: Telemetry) -> None:
        self.application = application
        self.telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = _wanted_id(scope) or new_id().hex
        scope["xrm_request_id"] = request_id
        is_api = scope["path"].startswith("/api/")
        method: str = scope["method"]
        head = method == "HEAD"
        if head:
            scope["method"] = "GET"
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message.get("headers", ()))
                present = {name for name, _ in headers}
                headers.append((b"x-request-id", request_id.encode()))
                headers.extend(pair for pair in _SAFE if pair[0] not in present)
                if is_api:
                    headers.extend(pair for pair in (_API_POLICY, _NO_STORE) if pair[0] not in present)
                message["headers"] = headers
            elif head and message.get("body"):
                message["body"] = b""
            await send(message)

        try:
            await self.application(scope, receive, answer)
        finally:
            seconds = time.perf_counter() - started
            route = scope.get("path_template") or "unknown"
            self.telemetry.observe(method, route, status, seconds)
            if log.isEnabledFor(logging.INFO):
                # Made by hand: log.info would also look for the line of code that it was called from.
                record = logging.LogRecord(
                    log.name, logging.INFO, "", 0, "%s %s %d", (method, scope["path"], status), None
                )
                record.__dict__ |= {
                    "request_id": request_id,
                    "status": status,
                    "ms": round(seconds * 1000, 2),
                    "route": route,
                }
                log.handle(record)


def _wanted_id(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            return str(value.decode()) if _REQUEST_ID.fullmatch(value) else None
    return None

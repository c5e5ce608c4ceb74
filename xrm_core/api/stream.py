"""What is new, told to a page as it happens (server-sent events)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import orjson
from litestar import get
from litestar.response import Stream

from xrm_core.access.callers import Caller
from xrm_core.api.hub import Listener, News
from xrm_core.api.query import Parameters
from xrm_core.api.services import Req, Services, caller_of, services_of

LONGEST = 600
"""Seconds after which a page has to ask again, so that who may listen is looked at again."""
_QUIET = 15.0


@get("/stream")
async def stream(request: Req) -> Stream:
    """Notifications, progress of jobs, and which modules have changed, for as long as the page is open."""
    caller = await caller_of(request)
    seconds = Parameters(request.scope["query_string"], ("seconds",)).number("seconds", LONGEST, 1, LONGEST)
    services = services_of(request)
    listener = services.hub.join(caller.workspace, caller.account_id)
    return Stream(
        _lines(services, caller, listener, seconds),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _lines(services: Services, caller: Caller, listener: Listener, seconds: int) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    try:
        yield b"retry: 3000\n\nevent: hello\ndata: {}\n\n"
        while (left := end - loop.time()) > 0:
            try:
                news = await asyncio.wait_for(listener.news.get(), min(left, _QUIET))
            except TimeoutError:
                yield b": still here\n\n"
                continue
            line = await _line(services, caller, news)
            if line is not None:
                yield line
    finally:
        services.hub.leave(caller.workspace, listener)


async def _line(services: Services, caller: Caller, news: News) -> bytes | None:
    kind, data = news
    if kind == "rows":
        async with services.units.begin(caller.workspace, caller.actor) as unit:
            data = {
                module.name: data[module.id]
                for module in unit.catalog.modules.values()
                if module.id in data and unit.policy.allows(module.id, "see")
            }
        if not data:
            return None
    return b"event: " + kind.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"


HANDLERS = [stream]

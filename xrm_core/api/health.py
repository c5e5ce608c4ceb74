"""For operators: is the process alive, can it work, and its numbers."""

from __future__ import annotations

import asyncio

import orjson
from litestar import Response, get

from xrm_core.api.answers import JSON
from xrm_core.api.services import Req, services_of
from xrm_core.kernel.errors import XrmError

_PATIENCE = 3.0


@get("/health/live")
async def live() -> Response[bytes]:
    """The process answers."""
    return Response(b'{"status":"ok"}', media_type=JSON)


@get("/health/ready")
async def ready(request: Req) -> Response[bytes]:
    """The database answers too."""
    try:
        async with asyncio.timeout(_PATIENCE), services_of(request).database.control() as connection:
            await connection.execute("select 1")
    except (XrmError, TimeoutError) as error:
        body = {"status": "unavailable", "detail": str(error) or "The database does not answer."}
        return Response(orjson.dumps(body), status_code=503, media_type=JSON, headers={"Retry-After": "1"})
    return Response(b'{"status":"ok"}', media_type=JSON)


@get("/metrics")
async def metrics(request: Req) -> Response[bytes]:
    """Numbers in Prometheus' text format."""
    services = services_of(request)
    text = services.telemetry.text(services.database.gauges())
    return Response(text.encode(), media_type="text/plain; version=0.0.4; charset=utf-8")


HANDLERS = [live, ready, metrics]

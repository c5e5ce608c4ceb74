"""Answers to the scripts of a page: parts of pages as HTML, and changes as JSON that can be undone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import orjson
from litestar import Response

from xrm_core.access.callers import Caller
from xrm_core.records.unit import Unit
from xrm_core.web import render
from xrm_core.web.frame import html, shell
from xrm_core.web.services import Req, Visit, locale_of, people, services_of

Work = Callable[[Unit, Visit], Awaitable[dict[str, Any]]]


def part(here: Visit, template: str, **values: Any) -> str:
    """A part of a page from a template in `fragments/`."""
    frame = shell(here, "")
    return render.environment(frame.locale).get_template(f"fragments/{template}").render(shell=frame, **values)


def fragment(here: Visit, template: str, *, status: int = 200, **values: Any) -> Response[bytes]:
    """The same as an answer."""
    return html(part(here, template, **values), here.nonce, status=status)


async def change(request: Req, caller: Caller, work: Work) -> tuple[dict[str, Any], UUID | None]:
    """`work` in one transaction; what it tells, and the change that can be undone. The token is in the header."""
    caller.require_csrf(request.headers.get("x-csrf-token"))
    services = services_of(request)
    users = await people(services, caller)

    async def run(unit: Unit) -> tuple[dict[str, Any], UUID | None]:
        here = Visit(request, caller, unit, users, locale_of(request, caller))
        return await work(unit, here), unit.changed

    done = await services.units.run(caller.workspace, caller.actor, run)
    services.hub.nudge(caller.workspace.id)
    return done


def answer(data: dict[str, Any], change_id: UUID | None = None, *, status: int = 200) -> Response[bytes]:
    """JSON for a script, with the change that it may offer to undo."""
    headers = {"Cache-Control": "no-store", **({"X-Change-Id": str(change_id)} if change_id is not None else {})}
    return Response(orjson.dumps(data), status_code=status, media_type="application/json", headers=headers)

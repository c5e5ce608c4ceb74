"""Moving a record in time: to another day, hour, month or length, in the workspace's time zone."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import orjson
from litestar import Response, post

from xrm_core.kernel.errors import Malformed
from xrm_core.kernel.problem import Problem
from xrm_core.records import read, write
from xrm_core.records.unit import Unit
from xrm_core.web import formats
from xrm_core.web.arranging import day_names, spans
from xrm_core.web.calendars import Times
from xrm_core.web.describe import Describer
from xrm_core.web.editing import record_id
from xrm_core.web.services import Req, Visit, caller_of, services_of, visit

MORNING = time(9)
LARGEST = 2_000


@post("/m/{module:str}/{id:str}/reschedule", status_code=200)
async def reschedule(request: Req) -> Response[bytes]:
    """Put a record on another day (`to`), with a time or without, or change when it ends (`end_to`); null takes it off."""
    caller = await caller_of(request)
    caller.require_csrf(request.headers.get("x-csrf-token"))
    body = await _body(request)
    identity, name = record_id(request), request.path_params["module"]
    async with visit(request, caller) as here:
        module = here.unit.module(name)
        here.unit.policy.require(module.id, "edit")
        describer = Describer(here)
        names = day_names(describer, module)
        field, end = str(body.get("field", "")), str(body.get("end", ""))
        if field not in names:
            raise Malformed(Problem("unknown_field", "/field", "There is no such date."))
        times = Times(describer, module, field, end if end in names and not spans(module.fields[field]) else "")
        row = orjson.loads((await read.get(here.unit, name, identity)).json)
        values = _values(times, row, body)

        async def work(unit: Unit) -> tuple[write.Stored, UUID | None]:
            version = body.get("version")
            stored = await write.update(unit, name, identity, values, version if isinstance(version, int) else None)
            return stored, unit.changed

        stored, change = await services_of(request).units.run(caller.workspace, caller.actor, work)
        services_of(request).hub.nudge(caller.workspace.id)
        text = _said(here, times, orjson.loads(stored.json))
        found = {"version": stored.version, "change": str(change) if change else None, "text": text}
        return Response(orjson.dumps(found), media_type="application/json")


async def _body(request: Req) -> dict[str, Any]:
    raw = await request.body()
    try:
        found = orjson.loads(raw) if len(raw) <= LARGEST else None
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict) or not ({"to", "end_to"} & set(found)):
        raise Malformed(Problem("type", "", "A day is needed.", '{"field": "due", "to": "2026-04-01", "version": 1}'))
    return found


def _local(value: Any, place: str) -> tuple[date, time | None]:
    text = value if isinstance(value, str) else ""
    found: datetime | None = None
    try:
        if len(text) == 10:
            return date.fromisoformat(text), None
        found = datetime.fromisoformat(text)
    except ValueError:
        pass
    if found is None or found.tzinfo is not None:
        raise Malformed(Problem("date", place, "This is not a day, or a day with a time.", "2026-04-01T09:30"))
    return found.date(), found.time().replace(second=0, microsecond=0)


def _values(times: Times, row: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    start, end = times.of(row)
    if "end_to" in body:
        day, at = _local(body["end_to"], "/end_to")
        if times.ranged:
            return {times.start: {**(row.get(times.start) or {}), "end": day.isoformat()}}
        if not times.end:
            raise Malformed(Problem("unknown_field", "/end", "There is no end to change."))
        return {times.end: times.stored(datetime.combine(day, at or MORNING)) if times.timed else day.isoformat()}
    if body["to"] is None:
        return {times.start: None, **({times.end: None} if times.end else {})}
    day, at = _local(body["to"], "/to")
    if times.timed:
        kept = start.time() if isinstance(start, datetime) else MORNING
        new = datetime.combine(day, at or kept)
        found: dict[str, Any] = {times.start: times.stored(new)}
        if times.end and isinstance(start, datetime) and isinstance(end, datetime):
            found[times.end] = times.stored(end + (new - start))
        return found
    length = end - start if isinstance(start, date) and isinstance(end, date) else timedelta(0)
    if times.ranged:
        value = {"start": day.isoformat()}
        return {
            times.start: {**value, "end": (day + length).isoformat()} if end is not None or start is None else value
        }
    return {times.start: day.isoformat(), **({times.end: (day + length).isoformat()} if times.end and end else {})}


def _said(here: Visit, times: Times, row: dict[str, Any]) -> str:
    start, _ = times.of(row)
    title = row.get("title", "")
    if start is None:
        return here.t("{title} has no date now", title=title)
    day = start.date() if isinstance(start, datetime) else start
    when = formats.day(day.isoformat(), here.locale)
    if isinstance(start, datetime):
        when += f", {start:%H:%M}"
    return here.t("{title} moved to {day}", title=title, day=when)


HANDLERS = [reschedule]

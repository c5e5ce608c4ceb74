"""Notifications, and what there is to do today."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from litestar import Response, get, post

from xrm_core.api.answers import Answer, as_json, change
from xrm_core.api.body import Values, json_object
from xrm_core.api.query import Parameters, read_instant, record_id
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.kernel.errors import Invalid, NotFound
from xrm_core.kernel.problem import Problem
from xrm_core.records.today import today
from xrm_core.records.unit import Unit
from xrm_core.storage import notifications as store
from xrm_core.storage.notifications import Notification
from xrm_core.storage.rows import instant

MOST_COUNTED = 100
MOST_MARKED = 1_000


def shown(unit: Unit, one: Notification) -> dict[str, Any]:
    """A notification as the API shows it."""
    module = unit.catalog.modules.get(one.module_id or "")
    return {
        "id": str(one.id),
        "kind": one.kind,
        "at": instant(one.at),
        "title": one.title,
        "body": one.body,
        "module": module.name if module else None,
        "record": str(one.record_id) if one.record_id else None,
        "actor": one.actor,
        "read_at": instant(one.read_at) if one.read_at else None,
        "snoozed_until": instant(one.snoozed_until) if one.snoozed_until else None,
    }


@get("/notifications")
async def list_notifications(request: Req) -> Response[bytes]:
    """The caller's notifications, newest first, and how many are unread."""
    caller = await caller_of(request)
    parameters = Parameters(request.scope["query_string"], ("unread", "limit", "cursor"))
    limit, cursor = parameters.number("limit", 50, 1, 200), parameters.text("cursor")
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        connection = await unit.writer()
        found = await store.of_member(
            connection, unit.schema, caller.account_id, unit.now, only_unread=parameters.flag("unread"),
            before=record_id(cursor) if cursor else None, limit=limit + 1,
        )  # fmt: skip
        unread = await store.unread(connection, unit.schema, caller.account_id, unit.now, MOST_COUNTED)
        following = str(found[limit - 1].id) if len(found) > limit else None
        return as_json({"data": [shown(unit, one) for one in found[:limit]], "unread": unread, "next": following})


@get("/notifications/unread")
async def count_unread(request: Req) -> Response[bytes]:
    """How many notifications the caller has not read; 100 means many."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        found = await store.unread(await unit.writer(), unit.schema, caller.account_id, unit.now, MOST_COUNTED)
    return as_json({"unread": found})


@post("/notifications/read", status_code=200)
async def mark_read(request: Req) -> Response[bytes]:
    """Mark notifications as read (or with `read` false as unread): those named, or all."""
    body = Values(await json_object(request, optional=True), {"ids": list, "read": bool})
    ids = body.ids("ids")
    read = body.get("read") is not False
    if ids is None and not read:
        raise Invalid(Problem("required", "/ids", "Say which notifications are unread again."))

    async def work(unit: Unit) -> Answer:
        assert unit.actor.user_id is not None
        connection = await unit.transaction()
        at = unit.now if read else None
        done = await store.mark_read(connection, unit.schema, unit.actor.user_id, ids, at)
        unread = await store.unread(connection, unit.schema, unit.actor.user_id, unit.now, MOST_COUNTED)
        return Answer(200, orjson.dumps({"changed": done, "unread": unread}))

    return await _change(request, work)


@post("/notifications/{id:str}/snooze", status_code=200)
async def snooze(request: Req) -> Response[bytes]:
    """Let a notification come again at a time; without one, now."""
    body = Values(await json_object(request, optional=True), {"until": str})
    until = read_instant(body["until"], "until") if body.get("until") else None
    identity = record_id(request.path_params["id"])

    async def work(unit: Unit) -> Answer:
        assert unit.actor.user_id is not None
        if until is not None and until <= unit.now:
            raise Invalid(Problem("past", "/until", "This time has passed.", "Choose a later time."))
        if not await store.snooze(await unit.transaction(), unit.schema, unit.actor.user_id, identity, until):
            raise NotFound(Problem("not_found", "", "There is no such notification."))
        return Answer(204)

    return await _change(request, work)


@get("/today")
async def show_today(request: Req) -> Response[bytes]:
    """The caller's work queue: due tasks, today's events, and views that ask for attention."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        return as_json(await today(unit))


async def _change(request: Req, work: Callable[[Unit], Awaitable[Answer]]) -> Response[bytes]:
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    return await change(request, caller, work)


HANDLERS = [list_notifications, count_unread, mark_read, snooze, show_today]

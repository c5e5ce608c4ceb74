"""Notifications: a page, and the same list in a popover of every page."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post

from xrm_core.kernel.errors import NotFound
from xrm_core.kernel.problem import Problem
from xrm_core.records.inputs import read_uuid
from xrm_core.records.unit import Unit
from xrm_core.storage import notifications as store
from xrm_core.storage.notifications import Notification
from xrm_core.storage.rows import instant
from xrm_core.web import formats, render
from xrm_core.web.editing import form_of
from xrm_core.web.formatters import record_url
from xrm_core.web.frame import html, page, redirect, shell
from xrm_core.web.hx import hx
from xrm_core.web.services import MANY, Req, Visit, caller_of, services_of, visit
from xrm_core.web.views_today import NoticesPage, NoticeView

SHOWN = 30
ICONS = {"mention": "at-sign", "assigned": "user-check", "due": "alarm-clock", "job": "list-checks"}


@get("/notifications")
async def notices_page(request: Req) -> Response[bytes]:
    """What happened that concerns the person."""
    async with visit(request) as here:
        before = read_uuid(request.query_params.get("cursor", ""))
        connection = await here.unit.writer()
        member, schema, now = here.caller.account_id, here.unit.schema, here.unit.now
        found = await store.of_member(
            connection, schema, member, now, only_unread=False, before=before, limit=SHOWN + 1
        )
        unread = await store.unread(connection, schema, member, now, MANY)
        more = f"/notifications?cursor={found[SHOWN - 1].id}" if len(found) > SHOWN else None
        view = NoticesPage(tuple(_shown(here, one) for one in found[:SHOWN]), unread, more)
        frame = shell(here, here.t("Notifications"), place="notifications")
        said = hx(request.headers)
        if said.partial and said.target_id == "notices":
            return html(render.notices(view, frame), frame.nonce)
        return page(here, view, frame)


@post("/notifications/read")
async def read_notices(request: Req) -> Response[bytes]:
    """Mark one notification, or all, as read."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    wanted = form.text("id")
    identity = read_uuid(wanted) if wanted else None
    if wanted and identity is None:
        raise NotFound(Problem("not_found", "", "There is no such notification."))

    async def work(unit: Unit) -> None:
        ids = [identity] if identity is not None else None
        await store.mark_read(await unit.transaction(), unit.schema, caller.account_id, ids, unit.now)

    await services_of(request).units.run(caller.workspace, caller.actor, work)
    services_of(request).hub.nudge(caller.workspace.id)
    return redirect(form.text("next") or "/notifications")


def _shown(here: Visit, one: Notification) -> NoticeView:
    module = here.unit.catalog.modules.get(one.module_id or "")
    url: Any = record_url(module.name, str(one.record_id)) if module is not None and one.record_id else ""
    at, reader = instant(one.at), here.reader
    return NoticeView(
        str(one.id),
        one.title,
        one.body,
        ICONS.get(one.kind, "bell"),
        at,
        formats.since(at, reader.now, reader.locale, reader.zone),
        url,
        one.read_at is None,
        one.kind,
    )


HANDLERS = [notices_page, read_notices]

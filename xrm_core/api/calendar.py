"""Calendars: invitations and their answers, who is busy when, and a private feed per member."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from litestar import Response, get, post
from litestar import delete as remove

from xrm_core.api.answers import Answer, as_json, change
from xrm_core.api.body import Values, json_object
from xrm_core.api.query import Parameters, record_id
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.kernel.actor import Actor
from xrm_core.kernel.errors import Forbidden, Invalid, Malformed, NotFound
from xrm_core.kernel.problem import Problem
from xrm_core.messaging import events, ical
from xrm_core.messaging.addresses import parse_all
from xrm_core.messaging.ical import Entry
from xrm_core.messaging.invitations import invite, uid_of
from xrm_core.records import read
from xrm_core.records.unit import Unit
from xrm_core.storage import mailboxes, members
from xrm_core.storage import messages_calendar as store
from xrm_core.storage.messages_calendar import Invitation
from xrm_core.storage.rows import instant
from xrm_core.storage.workspaces import list_workspaces

LONGEST_SPAN = timedelta(days=62)
MOST_MEMBERS = 50
BACK, AHEAD = timedelta(days=90), timedelta(days=365)
_FEED = "calendar_feed"


def invitation_shown(one: Invitation) -> dict[str, Any]:
    """An invitation as the API shows it."""
    return {
        "record": str(one.record_id), "uid": one.uid, "sequence": one.sequence, "state": one.state,
        "organizer": one.organizer, "attendees": one.attendees, "start": one.details.get("start"),
        "end": one.details.get("end"), "title": one.details.get("title"), "at": instant(one.updated_at),
    }  # fmt: skip


@post("/calendar/invitations", status_code=200)
async def send_invitation(request: Req) -> Response[bytes]:
    """Invite the guests of a record that takes place at a time, or call it off with `cancel`."""
    caller = await caller_of(request)
    known = {"module": str, "record": str, "attendees": list, "text": str, "cancel": bool}
    body = Values(await json_object(request), known, ("module", "record"))
    people, problems = parse_all(body.get("attendees"), "/attendees")
    text = body.get("text") or ""
    if len(text) > 10_000:
        problems.append(Problem("text", "/text", "A text has at most 10000 characters."))
    if problems:
        raise Invalid(problems)
    office, identity = services_of(request).office, record_id(body["record"])

    async def work(unit: Unit) -> Answer:
        module = unit.module(body["module"])
        unit.policy.require(module.id, "edit")
        await read.get(unit, module.name, identity, fields=("title",))
        made = await invite(
            unit, office, module.name, identity, attendees=people if "attendees" in body.given else None, text=text,
            member=caller.account_id, cancel=bool(body.get("cancel")),
        )  # fmt: skip
        if made is None:
            raise Invalid(Problem("not_invited", "", "The event does not take place, and nobody was invited."))
        return Answer(200, orjson.dumps(invitation_shown(made)))

    return await change(request, caller, work)


@get("/calendar/invitations/{module:str}/{id:str}")
async def show_invitation(request: Req) -> Response[bytes]:
    """Whom a record's guests are, and what they answered."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    identity = record_id(request.path_params["id"])
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        module = unit.module(request.path_params["module"])
        await read.get(unit, module.name, identity, fields=("title",))
        found = await store.invitation(await unit.writer(), unit.schema, record=identity)
    if found is None or found.module_id != module.id:
        raise NotFound(Problem("not_found", "", "Nobody was invited."))
    return as_json(invitation_shown(found))


@get("/calendar/busy")
async def show_busy(request: Req) -> Response[bytes]:
    """When members (ids with commas between them) are busy from one moment to another; titles only as far as they may be seen."""
    caller = await caller_of(request)
    parameters = Parameters(request.scope["query_string"], ("members", "from", "to"))
    start, end = parameters.instant("from"), parameters.instant("to")
    if start is None or end is None or not start < end <= start + LONGEST_SPAN:
        raise Malformed(Problem("span", "/query/from", "Give 'from' and 'to', at most 62 days apart."))
    ids = [record_id(one) for one in parameters.names("members")] or [caller.account_id]
    if len(ids) > MOST_MEMBERS:
        raise Malformed(Problem("too_many", "/query/members", f"At most {MOST_MEMBERS} members."))
    services = services_of(request)
    found = []
    for one in dict.fromkeys(ids):
        async with services.units.begin(caller.workspace, caller.actor) as unit:
            connection = await unit.writer()
            member = await members.member(connection, unit.schema, one)
            if member is None or member.disabled_at is not None:
                raise NotFound(Problem("not_found", "/query/members", f"There is no member {one}."))
            seen = {event.record for event in await events.of_member(unit, start, end, one)}
            boxes = await mailboxes.listed(connection, unit.schema, kinds=("caldav",))
            theirs = await store.busy(
                connection, unit.schema, [box.id for box in boxes if box.member == one and box.enabled], start, end
            )
            zone = unit.zone
        actor = Actor(member.id, member.name, member.roles, "api", member.teams)
        async with services.units.begin(caller.workspace, actor) as unit:
            own = await events.of_member(unit, start, end)
        times: list[dict[str, str]] = []
        for event in own:
            begins, ends = event.span(zone)
            if begins < end and ends > start:
                shown = {"module": event.module, "record": str(event.record), "title": event.title}
                times.append(
                    {"start": instant(begins), "end": instant(ends), **(shown if event.record in seen else {})}
                )
        for item in theirs:
            if item.starts_at is not None and item.ends_at is not None:
                mine = {"title": item.title} if one == caller.account_id else {}
                times.append({"start": instant(item.starts_at), "end": instant(item.ends_at), **mine})
        times.sort(key=lambda time: (time["start"], time["end"]))
        found.append({"member": str(one), "name": member.name, "busy": times})
    return as_json({"data": found})


@post("/calendar/feed", status_code=200)
async def make_feed(request: Req) -> Response[bytes]:
    """A secret address under which the caller's calendar can be subscribed to; an earlier one ends to work."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    office = services_of(request).office

    async def work(unit: Unit) -> Answer:
        secret = secrets.token_urlsafe(32)
        await _keep(unit, caller.account_id, hashlib.sha256(secret.encode()).hexdigest())
        address = f"{office.public_url}/api/v1/calendar/feed/{caller.workspace.slug}/{caller.account_id}/{secret}"
        return Answer(200, orjson.dumps({"url": address}))

    return await change(request, caller, work)


@remove("/calendar/feed", status_code=200)
async def end_feed(request: Req) -> Response[bytes]:
    """Let the secret address of the caller's calendar work no more."""
    caller = await caller_of(request)

    async def work(unit: Unit) -> Answer:
        await _keep(unit, caller.account_id, None)
        return Answer(204)

    return await change(request, caller, work)


async def _keep(unit: Unit, account: UUID, digest: str | None) -> None:
    connection = await unit.transaction()
    member = await members.member(connection, unit.schema, account)
    if member is None:
        raise Forbidden(Problem("forbidden", "", "Only people have a calendar."))
    settings = {key: value for key, value in member.settings.items() if key != _FEED}
    await members.set_member_settings(
        connection, unit.schema, account, {**settings, _FEED: digest} if digest else settings
    )


@get("/calendar/feed/{workspace:str}/{id:str}/{secret:str}")
async def read_feed(request: Req) -> Response[bytes]:
    """A member's events as a calendar, for whoever knows the secret address."""
    services, path = services_of(request), request.path_params
    missing = NotFound(Problem("not_found", "", "There is no such calendar."))
    workspace = next((one for one in await list_workspaces(services.database) if one.slug == path["workspace"]), None)
    if workspace is None:
        raise missing
    async with services.database.writing() as connection:
        member = await members.member(connection, workspace.schema, record_id(path["id"]))
    known = str(member.settings.get(_FEED) or "") if member is not None and member.disabled_at is None else ""
    given = hashlib.sha256(str(path["secret"]).encode()).hexdigest()
    if member is None or not known or not hmac.compare_digest(known, given):
        raise missing
    actor = Actor(member.id, member.name, member.roles, "api", member.teams)
    async with services.units.begin(workspace, actor) as unit:
        found = await events.of_member(unit, unit.now - BACK, unit.now + AHEAD)
        now = unit.now
    office = services.office
    entries = [
        Entry(
            uid_of(office, one.record), one.title, one.start, one.end, now, place=one.place,
            url=f"{office.public_url}/m/{one.module}/{one.record}",
        )
        for one in found
    ]  # fmt: skip
    text = ical.write(entries, name=f"{workspace.name}: {member.name}")
    headers = {"Cache-Control": "private, max-age=300", "X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer"}
    return Response(text.encode(), media_type="text/calendar", headers=headers)


HANDLERS = [send_invitation, show_invitation, show_busy, make_feed, end_feed, read_feed]

"""Invitations: guests of an event get one per state of it, updates and cancellations follow the record, answers come back."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import orjson

from xrm_core.catalog import CompiledModule
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.errors import Invalid, NotFound
from xrm_core.kernel.problem import Problem
from xrm_core.messaging import events, ical
from xrm_core.messaging.accounts import account
from xrm_core.messaging.addresses import Mailable, parse_all
from xrm_core.messaging.effects import Never
from xrm_core.messaging.ical import Entry, Found
from xrm_core.messaging.mail import LONGEST_TEXT, Mail, queue
from xrm_core.messaging.office import Office
from xrm_core.records.unit import Unit, Units
from xrm_core.storage import messages_calendar as store
from xrm_core.storage import records as record_store
from xrm_core.storage.messages_calendar import Invitation
from xrm_core.storage.outbox import Effect
from xrm_core.storage.workspaces import Workspace

_BATCH = 100


def uid_of(office: Office, record: UUID) -> str:
    """The UID of a record in all calendars, for ever."""
    return f"{record}@{office.domain}"


async def invite(
    unit: Unit,
    office: Office,
    module_name: str,
    identifier: UUID,
    *,
    attendees: Sequence[Mailable] | None = None,
    title: str = "",
    text: str = "",
    member: UUID | None = None,
    cancel: bool = False,
    silent: bool = False,
    given_event: events.Happening | None = None,
) -> Invitation | None:
    """Tell the guests of an event what they do not know yet, in the unit's transaction; what they know then.

    Guests are those given, else those that the module names. Nothing is sent when nothing changed, nor with `silent`,
    which is for a mail that carries the invitation itself. `given_event` is for records of modules that are no events
    themselves. Raises Invalid.
    """
    module = unit.module(module_name)
    connection = await unit.transaction()
    # Two who invite at once must not both be the first.
    await record_store.fetch(connection, module.table, [identifier], lock=True)
    before = await store.invitation(connection, unit.schema, record=identifier, lock=True)
    found = await events.happening(unit, module, identifier) or given_event
    if found is None:
        raise Invalid(
            Problem("no_event", "", f"{module.name} has no event with a time here.", "Fill in when it begins.")
        )
    details = before.details if before is not None else {}
    title = title or str(details.get("own_title") or "")
    if title:
        found = replace(found, title=title)
    text = text or str(details.get("text") or "")
    active = found.active and not cancel
    if before is None and not active:
        return None
    given = details.get("given") if attendees is None else [one.as_dict() for one in attendees]
    if given is not None:
        attendees = [Mailable(one["address"], one["name"]) for one in given]
    else:
        attendees = await events.guests(unit, module, identifier, found.who)
    organizer = await _organizer(unit, office, member or next(iter(found.who), None))
    people = {one.address: one for one in attendees if one.address != organizer.address}
    if not people and before is None:
        raise Invalid(
            Problem("nobody", "/attendees", "There is nobody to invite.", "Give attendees, or fill in links.")
        )
    known = {one["address"]: one for one in before.attendees} if before is not None else {}
    digest = _digest(found, text)
    changed = before is None or before.digest != digest or (before.state == "active") != active
    new = [one for address, one in people.items() if address not in known]
    gone = [Mailable(one["address"], one["name"]) for address, one in known.items() if address not in people]
    if before is not None and not changed and not new and not gone:
        await store.touch(connection, unit.schema, identifier, unit.now)
        return before
    # Who accepted another time has not accepted this one.
    moved = before is None or details.get("start") != str(found.start)
    kept = [
        {**one.as_dict(), "status": "NEEDS-ACTION" if moved or address not in known else known[address]["status"]}
        for address, one in people.items()
    ]
    now = Invitation(
        identifier, module.id, before.uid if before else uid_of(office, identifier),
        (before.sequence + changed) if before else 0, "active" if active else "cancelled", digest, organizer.as_dict(), kept,
        {"start": str(found.start), "end": str(found.end), "title": found.title, "own_title": title, "place": found.place,
         "text": text, "given": given, "member": str(member) if member else None}, unit.now,
    )  # fmt: skip
    await store.put_invitation(connection, unit.schema, now)
    if silent:
        return now
    if gone and active:
        await _send(unit, office, module, replace(now, state="cancelled"), found, gone, member)
    told = list(people.values()) if changed else new
    if told:
        await _send(unit, office, module, now, found, told, member)
    return now


async def carried(
    unit: Unit,
    office: Office,
    module_name: str,
    identifier: UUID,
    people: Sequence[Mailable],
    given: dict[str, Any],
    member: UUID | None,
) -> tuple[str, str]:
    """The invitation that a mail carries to these people: (method, iCalendar text).

    `given` may hold title, start, end and place; when it takes place is the record's own affair if its module has events.
    """
    connection = await unit.transaction()
    module = unit.module(module_name)
    await record_store.fetch(connection, module.table, [identifier], lock=True)
    before = await store.invitation(connection, unit.schema, record=identifier, lock=True)
    all_of_them = {
        one["address"]: Mailable(one["address"], one["name"]) for one in (before.attendees if before else ())
    }
    all_of_them |= {one.address: one for one in people}
    title, fallback = str(given.get("title") or ""), _given(module.name, identifier, given)
    now = await invite(
        unit, office, module_name, identifier, attendees=list(all_of_them.values()), title=title, member=member,
        silent=True, given_event=fallback,
    )  # fmt: skip
    found = await events.happening(unit, module, identifier) or fallback
    if now is None or found is None or now.state != "active":
        raise Invalid(Problem("called_off", "", "The event does not take place."))
    return "REQUEST", _calendar(unit, now, replace(found, title=now.details["title"]))


def _given(module: str, identifier: UUID, given: dict[str, Any]) -> events.Happening | None:
    """An event from plain data; None without a beginning."""
    try:
        start = datetime.fromisoformat(str(given["start"])).astimezone(UTC)
        end = datetime.fromisoformat(str(given.get("end") or given["start"])).astimezone(UTC)
    except (KeyError, ValueError):
        return None
    end = end if end > start else start + events.DEFAULT_LENGTH
    place, title = str(given.get("place") or "")[:1000], str(given.get("title") or "")[:500]
    return events.Happening(module, identifier, title, start, end, place, True, ())


async def _organizer(unit: Unit, office: Office, member: UUID | None) -> Mailable:
    """Whom guests answer: the address that their mail comes from."""
    mail = Mail((), "", "", member=member)
    sending = await account(unit, await unit.transaction(), office, mail)
    if sending is None:
        return Mailable(f"xrm@{office.domain}", "")
    return sending.reply_to if sending.reply_to is not None else sending.sender


def _digest(found: events.Happening, text: str) -> bytes:
    parts = [found.title, str(found.start), str(found.end), found.place, text]
    return hashlib.sha256(orjson.dumps(parts)).digest()


def _calendar(unit: Unit, now: Invitation, found: events.Happening) -> str:
    cancelled = now.state != "active"
    entry = Entry(
        now.uid, found.title, found.start, found.end, unit.now, now.sequence, found.place, str(now.details.get("text") or ""),
        cancelled=cancelled, organizer=Mailable(now.organizer["address"], now.organizer["name"]),
        attendees=[(Mailable(one["address"], one["name"]), one["status"]) for one in now.attendees],
    )  # fmt: skip
    return ical.write([entry], method="CANCEL" if cancelled else "REQUEST")


async def _send(
    unit: Unit,
    office: Office,
    module: CompiledModule,
    now: Invitation,
    found: events.Happening,
    people: list[Mailable],
    member: UUID | None,
) -> None:
    method = "REQUEST" if now.state == "active" else "CANCEL"
    word = "Cancelled: " if method == "CANCEL" else "Updated: " if now.sequence else ""
    when = found.start.isoformat(" ", "minutes") if isinstance(found.start, datetime) else str(found.start)
    lines = [found.title, when.replace("+00:00", " UTC"), found.place, "", str(now.details.get("text") or "")]
    mail = Mail(
        tuple(people), f"{word}{found.title}"[:240], "\n".join(lines).strip()[:LONGEST_TEXT], member=member,
        records=((module.name, now.record_id),), calendar=(method, _calendar(unit, now, found)), kind="invitation",
    )  # fmt: skip
    who = hashlib.sha256("\n".join(sorted(one.address for one in people)).encode()).hexdigest()[:16]
    # Somebody who was taken off and invited again at the same state of the event is told again.
    key = f"invitation:{now.record_id}:{now.sequence}:{method.lower()}:{who}"
    if not await queue(unit, office, mail, key):
        await queue(unit, office, mail, f"{key}:{unit.now.isoformat()}")


async def deliver(
    units: Units, office: Office, workspace: Workspace, effect: Effect, begin: Callable[[], Awaitable[bool]]
) -> dict[str, Any]:
    """An invitation that an automation asked for: `{"module", "record", "attendees"?, "text"?, "member"?, "cancel"?}`."""
    given = effect.payload
    try:
        record, member = UUID(str(given["record"])), UUID(str(given["member"])) if given.get("member") else None
        people, problems = parse_all(given.get("attendees"), "/attendees")
        if problems:
            raise Invalid(problems)
    except (KeyError, ValueError) as error:
        raise Never(f"the invitation cannot be read: {error}") from None
    except Invalid as error:
        raise Never(str(error)) from None

    async def work(unit: Unit) -> dict[str, Any]:
        made = await invite(
            unit, office, str(given.get("module")), record, attendees=people or None, text=str(given.get("text") or ""),
            member=member, cancel=bool(given.get("cancel")),
        )  # fmt: skip
        return {"sequence": made.sequence, "state": made.state} if made is not None else {"state": "none"}

    try:
        return await units.run(workspace, SYSTEM, work)
    except (Invalid, NotFound) as error:
        raise Never(str(error)) from None


async def refresh(units: Units, office: Office, workspace: Workspace) -> int:
    """Tell guests of events that changed, moved or were called off since; how many events that were."""
    async with units.begin(workspace, SYSTEM) as unit:
        connection = await unit.writer()
        wanted = []
        for module_id in await store.invited_modules(connection, unit.schema):
            module = unit.catalog.modules.get(module_id)
            if module is not None and module.definition.event is not None:
                table = module.table.qualified
                for record in await store.outdated(connection, unit.schema, table, module_id, _BATCH):
                    wanted.append((module.name, record))
    told = 0
    for name, record in wanted:

        async def work(unit: Unit, name: str = name, record: UUID = record) -> bool:
            connection = await unit.transaction()
            before = await store.invitation(connection, unit.schema, record=record, lock=True)
            if before is None or before.state != "active":
                return False
            member = UUID(before.details["member"]) if before.details.get("member") else None
            try:
                after = await invite(unit, office, name, record, member=member)
            except (Invalid, NotFound):
                after = await _called_off(unit, office, name, before, member)
            return after is not None and after.sequence != before.sequence

        told += await units.run(workspace, SYSTEM, work)
    return told


async def _called_off(unit: Unit, office: Office, name: str, before: Invitation, member: UUID | None) -> Invitation:
    """The record is gone or has no time any more: its guests hear that it does not take place."""
    details = before.details
    start, end = (_moment(details[key]) for key in ("start", "end"))
    found = events.Happening(name, before.record_id, details["title"], start, end, details["place"], False, ())
    now = replace(before, state="cancelled", sequence=before.sequence + 1, updated_at=unit.now)
    connection = await unit.transaction()
    await store.put_invitation(connection, unit.schema, now)
    people = [Mailable(one["address"], one["name"]) for one in before.attendees]
    module = unit.catalog.module(name)
    if people:
        await _send(unit, office, module, now, found, people, member)
    return now


def _moment(text: str) -> events.Moment:
    return datetime.fromisoformat(text) if len(text) > 10 else date.fromisoformat(text)


async def answered(unit: Unit, reply: Found, sender: str) -> tuple[Invitation, str] | None:
    """Note an answer to an invitation; None unless whoever sent it was invited, and it is about what we sent last."""
    connection = await unit.transaction()
    known = await store.invitation(connection, unit.schema, uid=reply.uid, lock=True)
    if known is None or reply.sequence < 0:
        return None
    status = next((told for address, told in reply.attendees if address == sender), None)
    if status is None or all(one["address"] != sender for one in known.attendees):
        return None
    if reply.sequence < known.sequence and known.details.get("start") != str(reply.start):
        return None  # an answer to an earlier time
    people = [{**one, "status": status} if one["address"] == sender else one for one in known.attendees]
    after = replace(known, attendees=people)
    await store.put_invitation(connection, unit.schema, after)
    return after, status

"""Records that take place at a time, as calendars know them: when, where, who, and whether they still take place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from xrm_core.catalog import CompiledModule
from xrm_core.fields.email import Email
from xrm_core.kernel.errors import Malformed, NotFound
from xrm_core.kernel.kinds import Kind
from xrm_core.messaging.addresses import Mailable, normal
from xrm_core.records import read
from xrm_core.records.query import RecordQuery
from xrm_core.records.unit import Unit
from xrm_core.storage import members

DEFAULT_LENGTH = timedelta(hours=1)
_MOST = 50
Moment = datetime | date


@dataclass(frozen=True, slots=True)
class Happening:
    """One record as an event; days without a time have dates, their end is the first day after it."""

    module: str
    record: UUID
    title: str
    start: Moment
    end: Moment
    place: str
    active: bool
    who: tuple[UUID, ...]

    def span(self, zone: str) -> tuple[datetime, datetime]:
        """Beginning and end as moments."""
        return _moment(self.start, zone), _moment(self.end, zone)


def _moment(value: Moment, zone: str) -> datetime:
    if isinstance(value, datetime):
        return value
    return datetime.combine(value, time(), ZoneInfo(zone)).astimezone(UTC)


async def happening(unit: Unit, module: CompiledModule, identifier: UUID) -> Happening | None:
    """The event that a record is; None when it has no time, or the module is none of events. Raises NotFound."""
    if module.definition.event is None:
        return None
    found = await read.get(unit, module.name, identifier)
    record = orjson.loads(found.json)
    active = "archived_at" not in record or record["archived_at"] is None
    if active and module.definition.event.when is not None:
        condition = f"({module.definition.event.when}) and id == '{identifier}'"
        active = bool(
            (await read.find(unit, RecordQuery(module.name, filter=condition, limit=1, fields=("title",)))).rows
        )
    return of_record(module, record, active=active)


def of_record(module: CompiledModule, record: dict[str, Any], *, active: bool = True) -> Happening | None:
    """The event in a record's JSON."""
    event = module.definition.event
    if event is None:
        return None
    start = _read(module, event.start, record)
    if start is None:
        return None
    end = _read(module, event.end, record) if event.end else None
    if isinstance(start, datetime):
        end = end if isinstance(end, datetime) and end > start else start + DEFAULT_LENGTH
    else:
        last = end if isinstance(end, date) and not isinstance(end, datetime) and end >= start else start
        end = last + timedelta(days=1)
    who = tuple(dict.fromkeys(user for name in event.who for user in _users(record.get(name))))
    place = str(record.get(event.place) or "") if event.place else ""
    return Happening(module.name, UUID(record["id"]), record.get("title") or "", start, end, place, active, who)


def _read(module: CompiledModule, name: str, record: dict[str, Any]) -> Moment | None:
    known, value = module.fields.get(name), record.get(name)
    if known is None or not isinstance(value, str):
        return None
    if known.kind is Kind.DATE:
        return date.fromisoformat(value)
    return datetime.fromisoformat(value).astimezone(UTC) if known.kind is Kind.INSTANT else None


def _users(value: Any) -> list[UUID]:
    if isinstance(value, dict):
        value = value.get("id")
    if isinstance(value, str):
        return [UUID(value)]
    return [UUID(one["id"] if isinstance(one, dict) else one) for one in value or ()]


def mail_fields(module: CompiledModule) -> list[str]:
    """Names of the fields that hold mail addresses, in their order."""
    return [name for name, known in module.fields.items() if isinstance(known.definition, Email)]


async def guests(unit: Unit, module: CompiledModule, identifier: UUID, who: Sequence[UUID]) -> list[Mailable]:
    """Whom an event concerns: our people, and those that its links lead to, by their first mail address."""
    found: dict[str, Mailable] = {}
    connection = unit.current or await unit.writer()
    for one in who:
        member = await members.member(connection, unit.schema, one)
        if member is not None and member.disabled_at is None and (address := normal(member.email)):
            found.setdefault(address, Mailable(address, _name(member.name)))
    event = module.definition.event
    for path in event.guests if event is not None else ():
        for person_module, record in await _along(unit, module, identifier, path.split(".")):
            given = next((record[name] for name in mail_fields(person_module) if record.get(name)), None)
            address = normal(str(given)) if given else None
            if address:
                found.setdefault(address, Mailable(address, _name(record.get("title") or "")))
    return list(found.values())


def _name(text: str) -> str:
    return "".join(c for c in text if c >= " " and c not in '@<>;"\x7f')[:100].strip()


async def _along(
    unit: Unit, module: CompiledModule, identifier: UUID, path: Sequence[str]
) -> list[tuple[CompiledModule, dict[str, Any]]]:
    """The records at the end of a path of links."""
    here = [(module, orjson.loads((await read.get(unit, module.name, identifier)).json))]
    for name in path:
        following: list[tuple[CompiledModule, dict[str, Any]]] = []
        for at, record in here:
            link = at.links.get(name)
            if link is not None and not link.many:
                value = record.get(name)
                target = unit.catalog.find(value["module"]) if isinstance(value, dict) else None
                if target is not None:
                    try:
                        linked = await read.get(unit, target.name, UUID(value["id"]))
                    except NotFound:
                        continue
                    following.append((target, orjson.loads(linked.json)))
                continue
            rows = (await read.related(unit, at.name, UUID(record["id"]), name, limit=_MOST)).rows
            for row in rows:
                linked_record = orjson.loads(row)
                target = unit.catalog.find(linked_record["module"])
                if target is not None:
                    following.append((target, linked_record))
        here = following[:_MOST]
    return here


async def of_member(unit: Unit, start: datetime, end: datetime, member: UUID | None = None) -> list[Happening]:
    """Events of a member (by default the actor) between two moments, in all modules that the actor sees."""
    who = str(member or unit.actor.user_id)
    found = []
    for module in unit.catalog.modules.values():
        event = module.definition.event
        if event is None or not event.who or not unit.policy.allows(module.id, "see"):
            continue
        days = module.fields.get(event.start)
        first, last = (start.date().isoformat(), end.date().isoformat())
        if days is not None and days.kind is not Kind.DATE:
            # What began before may still go on: nothing that somebody attends lasts longer than this.
            first, last = ((one).strftime("%Y-%m-%dT%H:%M:%SZ") for one in (start - timedelta(days=14), end))
        parts = [f"{event.start} >= '{first}'", f"{event.start} <= '{last}'"]
        parts.append("(" + " or ".join(_has(module, name, who) for name in event.who) + ")")
        if event.when is not None:
            parts.append(f"({event.when})")
        cursor: str | None = None
        while True:
            query = RecordQuery(module.name, filter=" and ".join(parts), sort=(event.start,), limit=500, cursor=cursor)
            try:
                page = await read.find(unit, query)
            except Malformed:
                break  # it speaks of what the actor may not see
            for row in page.rows:
                one = of_record(module, orjson.loads(row))
                if one is not None and one.span(unit.zone)[1] >= start:
                    found.append(one)
            cursor = page.next
            if cursor is None or len(found) > 5_000:
                break
    return sorted(found, key=lambda one: one.span(unit.zone))


def _has(module: CompiledModule, name: str, user: str) -> str:
    known = module.fields.get(name)
    return f"contains({name}, '{user}')" if known is not None and known.kind is Kind.LIST else f"{name} == '{user}'"

"""Back-test: what an automation would have done in the past, worked out from the history; nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from xrm_core.automation import arming
from xrm_core.automation.compiled import Ready
from xrm_core.automation.match import SILENT, before_of, trigger_of
from xrm_core.automation.trying import checked
from xrm_core.catalog import CompiledModule
from xrm_core.definitions.automation import Automation
from xrm_core.definitions.automation_scope import needs_before, with_before
from xrm_core.definitions.triggers import Cron, TimeTrigger
from xrm_core.expressions.evaluate import compile as compile_python
from xrm_core.expressions.typed import Over, walk
from xrm_core.expressions.values import from_json
from xrm_core.kernel.clock import today
from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.problem import Problem
from xrm_core.records import past
from xrm_core.records.environment import RecordEnv, sources_of
from xrm_core.records.settle import Change
from xrm_core.records.timeline import then
from xrm_core.records.unit import Unit
from xrm_core.storage import definitions as definition_store
from xrm_core.storage import events as event_store
from xrm_core.storage import occurrences as store
from xrm_core.storage.database import Connection
from xrm_core.storage.rows import Event, Row, instant
from xrm_core.storage.sql import asking

MOST_RECORDS = 50_000
MOST_SHOWN = 1_000
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Fired:
    """One time that it would have run."""

    at: datetime
    record_id: UUID | None
    title: str
    trigger: str
    holds: bool
    """False: it would have been due, but the condition did not hold."""


@dataclass(frozen=True, slots=True)
class _State:
    """A record from one moment on; `event` brought it there."""

    since: datetime
    row: Row | None
    events: tuple[Event, ...]


async def backtest(unit: Unit, automation: Automation, since: datetime, until: datetime) -> dict[str, Any]:
    """What would have run when and for whom, and other runs that were about the same records on the same days."""
    one = checked(unit, automation)
    connection = await unit.writer()
    fired: list[Fired] = []
    seen = 0
    exact = one.automation.when is None
    if one.module is None:
        fired += [Fired(at, None, "", "cron", True) for at in _calendar(unit, one, since, until)]
        exact = True
    else:
        unit.policy.require(one.module.id, "see")
        holds = _Condition(unit, connection, one)
        exact = holds.exact
        after = None
        while ids := await definition_store.record_ids(connection, unit.schema, one.module.id, after, _BATCH):
            after, seen = ids[-1], seen + len(ids)
            if seen > MOST_RECORDS:
                raise Invalid(Problem("too_large", "", f"A back-test looks at {MOST_RECORDS} records at most."))
            states = await _states(unit, connection, one.module, ids, since)
            for history in states.values():
                fired += await _of_record(unit, one, holds, history, since, until)
    fired.sort(key=lambda found: (found.at, str(found.record_id)))
    ran = [found for found in fired if found.holds]
    conflicts = await _conflicts(unit, connection, one, ran, since, until)
    return {
        "from": instant(since), "to": instant(until), "records": seen, "exact": exact, "fired": len(ran),
        "suppressed": len(fired) - len(ran),
        "runs": [
            {
                "at": instant(found.at), "record": str(found.record_id) if found.record_id else None, "title": found.title,
                "trigger": found.trigger, "state": "would_run" if found.holds else "condition",
            }
            for found in fired[:MOST_SHOWN]
        ],
        "conflicts": conflicts,
    }  # fmt: skip


async def _conflicts(
    unit: Unit, connection: Connection, one: Ready, ran: Sequence[Fired], since: datetime, until: datetime
) -> list[dict[str, Any]]:
    """Other automations that ran for the same records on the same days."""
    names = {known.id: known.name for known in unit.catalog.definitions.automations}
    days = {(found.record_id, today(found.at, unit.zone)) for found in ran if found.record_id}
    counts: dict[str, int] = {}
    if days:
        for other in await store.find(
            connection, unit.schema, states=["done", "running", "waiting"], since=since, until=until, limit=20_000
        ):
            if other.automation_id != one.id and (other.record_id, today(other.due_at, unit.zone)) in days:
                counts[other.automation_id] = counts.get(other.automation_id, 0) + 1
    return [{"automation": names.get(key, key), "same_day": count} for key, count in sorted(counts.items())]


def _calendar(unit: Unit, one: Ready, since: datetime, until: datetime) -> Iterator[datetime]:
    zone = ZoneInfo(unit.zone)
    for trigger in one.timed:
        at = trigger.following(since, zone)
        while at is not None and at < until:
            yield at
            at = trigger.following(at, zone)


# -- the past of a record -------------------------------------------------------------------------------------------------


async def _states(
    unit: Unit, connection: Connection, module: CompiledModule, ids: Sequence[UUID], since: datetime
) -> dict[UUID, list[_State]]:
    """What each record was, from `since` on, the oldest state first."""
    rows = {}
    for identifier in ids:
        row = await arming.row_of(connection, module, identifier)
        if row is not None:
            rows[identifier] = row
    later = await event_store.after(connection, unit.schema, list(rows), since)
    found: dict[UUID, list[_State]] = {}
    for identifier, row in rows.items():
        events = later.get(identifier, [])
        groups: list[list[Event]] = []
        for event in events:  # newest first
            last = groups[-1][-1] if groups else None
            if (
                last is not None
                and last.change_id == event.change_id
                and last.at == event.at
                and last.actor == event.actor
            ):
                groups[-1].append(event)
            else:
                groups.append([event])
        history = []
        undone = 0
        for group in groups:
            history.append(_State(group[0].at, _as_it_was(module, row, events[:undone]), tuple(reversed(group))))
            undone += len(group)
        history.append(_State(since, _as_it_was(module, row, events), ()))
        found[identifier] = history[::-1]
    return found


def _as_it_was(module: CompiledModule, row: Row, undone: Sequence[Event]) -> Row | None:
    document = then(row, undone)
    if document is None:
        return None
    texts = {known.id for known in module.fields.values() if known.beside}
    system = {"version", "title", "owner", "stage", "stage_entered_at", "archived_at"}
    owner = document.get("owner")
    return replace(
        row, version=document["version"], owner=UUID(owner) if owner else None, stage=document.get("stage"),
        stage_entered_at=_moment(document.get("stage_entered_at")), archived_at=_moment(document.get("archived_at")),
        title=document.get("title") or "",
        data={key: value for key, value in document.items() if key not in texts and key not in system and value is not None},
        beside={key: value for key, value in document.items() if key in texts and value},
    )  # fmt: skip


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


async def _of_record(
    unit: Unit, one: Ready, holds: _Condition, history: Sequence[_State], since: datetime, until: datetime
) -> list[Fired]:
    fired: list[Fired] = []
    delivered: set[tuple[str, str]] = set()
    for place, state in enumerate(history):
        ends = history[place + 1].since if place + 1 < len(history) else until
        if place and state.events and state.events[0].actor.get("kind") not in SILENT:
            found = await _event(unit, one, holds, history[place - 1].row, state)
            if found is not None:
                fired.append(found)
        if state.row is not None and state.row.archived_at is None:
            for number, trigger in enumerate(one.automation.triggers):
                if isinstance(trigger, TimeTrigger):
                    for mark, at in _due(unit, one, trigger, state, ends):
                        key = (f"{number}:{mark}", "" if trigger.only_once() else at.isoformat())
                        if key not in delivered and at >= since:
                            delivered.add(key)
                            ok = await holds(state.row, None, at)
                            if ok or not isinstance(trigger, Cron):
                                fired.append(Fired(at, state.row.id, state.row.title, trigger.kind, ok))
    return fired


async def _event(unit: Unit, one: Ready, holds: _Condition, before: Row | None, state: _State) -> Fired | None:
    row, module = state.row, one.module
    if row is None or module is None:
        return None
    keys: set[str] = set()
    for event in state.events:
        keys |= set(event.changes)
    if before is None:
        keys |= {"stage", "archived_at", *row.data}
    change = Change(module, row.id, keys, before, row)
    trigger = trigger_of(one, change)
    if trigger is None or not await holds(row, before_of(change), state.since):
        return None
    return Fired(state.since, row.id, row.title, trigger, True)


def _due(unit: Unit, one: Ready, trigger: TimeTrigger, state: _State, ends: datetime) -> Iterator[tuple[str, datetime]]:
    zone = ZoneInfo(unit.zone)
    assert state.row is not None and one.module is not None
    if not trigger.of_record:
        at = trigger.following(state.since, zone)
        while at is not None and at < ends:
            yield "", at
            at = trigger.following(at, zone)
        return
    for due in trigger.due(arming.values_of(one.module, state.row), zone):
        following = trigger.following(due.at, zone)
        if following is None:
            if state.since <= due.at < ends:
                yield f"{due.mark}:{due.basis}" if not trigger.only_once() else due.mark, due.at
            continue
        again: datetime | None = due.at
        while again is not None and again < ends:
            if again > state.since:
                yield "", again
            again = trigger.following(again, zone)


class _Condition:
    """The condition of an automation at moments of the past; what is linked is looked at as it was, lists as they are."""

    def __init__(self, unit: Unit, connection: Connection, one: Ready) -> None:
        self.unit, self.connection, self.one = unit, connection, one
        self.typed = one.condition(one.automation.when) if one.automation.when is not None else None
        plain = with_before(self.typed, lambda ids: None) if self.typed is not None else None
        self.lists = plain is not None and any(isinstance(part, Over) for part in walk(plain))
        self.exact = not self.lists
        self.wanted = (
            sources_of(unit.catalog, one.module, [plain]) if plain is not None and one.module is not None else []
        )

    async def __call__(self, row: Row, before: dict[str, Any] | None, at: datetime) -> bool:
        if self.typed is None or self.one.module is None:
            return True
        typed = self.typed
        if needs_before(typed):
            typed = with_before(typed, lambda ids: self._was(before or {}, ids))
        targets = {}
        if self.lists:
            modules = self.unit.catalog.modules
            return bool(await asking.holding(self.connection, modules, self.one.module, typed, [row.id], self.unit))
        if self.wanted:
            targets = await past.targets_at(self.unit, self.connection, self.one.module, [row], self.wanted, at)
        env = RecordEnv(self.unit, self.one.module, row, targets)
        env.now, env.today = at, today(at, self.unit.zone)
        return bool(compile_python(typed)(env))

    def _was(self, before: dict[str, Any], ids: tuple[str, ...]) -> Any:
        assert self.one.module is not None
        known = self.one.module.fields_by_id.get(ids[0])
        return from_json(known.kind, before.get(ids[0])) if known is not None else before.get(ids[0])

"""Arming: the moments at which something is due for a record are rows, and follow the dates they are reckoned from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from xrm_core.automation.compiled import Ready, listeners
from xrm_core.catalog import CompiledModule
from xrm_core.definitions.triggers import TimeTrigger
from xrm_core.expressions.values import from_json
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.kinds import Kind
from xrm_core.records.settle import Change
from xrm_core.records.unit import Unit, Units
from xrm_core.storage import definitions as definition_store
from xrm_core.storage import occurrences as store
from xrm_core.storage import records as record_store
from xrm_core.storage.database import Connection
from xrm_core.storage.model import SYSTEM_KINDS
from xrm_core.storage.occurrences import Occurrence
from xrm_core.storage.rows import Row
from xrm_core.storage.workspaces import Workspace

BATCH = 1000
_TIMES = frozenset({Kind.DATE, Kind.INSTANT})


def values_of(module: CompiledModule, row: Row) -> Callable[[str], object]:
    """The values of a record by name: days and instants as Python values, everything else as it is stored."""

    def get(name: str) -> object:
        known = module.fields.get(name)
        kind = known.kind if known is not None else SYSTEM_KINDS.get(name)
        value: Any = row.get(known.id if known is not None else name)
        if kind in _TIMES:
            found: date | datetime | None = from_json(kind, value)
            return found
        return value

    return get


def wanted(unit: Unit, one: Ready, row: Row) -> list[Occurrence]:
    """Everything that is due for a record as it is now; what would have been due before now is suppressed as past."""
    module = one.module
    assert module is not None
    zone = ZoneInfo(unit.zone)
    get = values_of(module, row)
    found = []
    for number, trigger in enumerate(one.automation.triggers):
        if not isinstance(trigger, TimeTrigger) or not trigger.of_record:
            continue
        for due in trigger.due(get, zone):
            at, mark = due.at, f"{number}:{due.mark}"
            following = trigger.following(at, zone)
            while following is not None and at <= unit.now:  # it comes again: the next time counts
                at, following = following, trigger.following(following, zone)
            key = f"{one.id}:{row.id}:{mark}" + ("" if trigger.only_once() else f":{due.basis}:{at.isoformat()}")
            made = Occurrence(
                new_id(), one.id, module.id, row.id, at, key, "due", unit.now,
                timed=True, mark=mark, basis=due.basis, next_at=at,
            )  # fmt: skip
            if at < unit.now:
                made.state, made.reason, made.next_at, made.done_at = "suppressed", "past", None, unit.now
            found.append(made)
    return found


async def rearm(unit: Unit, connection: Connection, one: Ready, changes: Sequence[Change]) -> None:
    """Bring the due times of changed records up to date: new ones stored, others moved or cancelled with the reason."""
    new: list[Occurrence] = []
    for change in changes:
        if change.after is not None and change.after.archived_at is None:
            new += wanted(unit, one, change.after)
    old = [change.id for change in changes if change.before is not None]
    keys = {made.key for made in new}
    if old:
        marks = {(made.record_id, made.mark) for made in new}
        gone = {change.id: "erased" if change.after is None else "archived" for change in changes
                if change.after is None or change.after.archived_at is not None}  # fmt: skip
        closing: dict[tuple[store.State, str], list[UUID]] = {}
        for known in await store.pending(connection, unit.schema, [one.id], old):
            if known.record_id in gone:
                closing.setdefault(("cancelled", gone[known.record_id]), []).append(known.id)
            elif known.key not in keys:
                moved = (known.record_id, known.mark) in marks
                closing.setdefault(("moved", "moved") if moved else ("cancelled", "no_date"), []).append(known.id)
        for (state, reason), ids in closing.items():
            await store.close(connection, unit.schema, ids, state, reason, unit.now)
    await put(unit, connection, new)


async def put(unit: Unit, connection: Connection, rows: Sequence[Occurrence]) -> None:
    """Store due times; those that were moved or cancelled before are due again."""
    await store.put(connection, unit.schema, rows, revive=True)


async def row_of(connection: Connection, module: CompiledModule, record_id: UUID, *, lock: bool = False) -> Row | None:
    """The record with everything that it stores."""
    beside = any(known.beside for known in module.fields.values())
    found = await record_store.fetch(connection, module.table, [record_id], lock=lock, beside=beside)
    return found.get(record_id)


# -- when automations are switched on or changed ------------------------------------------------------------------------


async def bring_up_to_date(units: Units, workspace: Workspace) -> int:
    """Arm the records of automations that are new, changed or switched on; how many records were looked at.

    Goes on where it was interrupted; records that are written meanwhile are armed by their own writing.
    """
    looked = 0
    async with units.begin(workspace, SYSTEM) as unit:
        known = await store.arming(await unit.writer(), unit.schema)
        work = []
        for one in listeners(unit.catalog).by_id.values():
            armed, cursor = known.get(one.id, ("", None))
            if armed != one.armed_for() or cursor is not None:
                work.append(one.id)
        gone = [key for key, (armed, _) in known.items() if armed and key not in listeners(unit.catalog).by_id]
    for automation_id in gone:
        await _disarm(units, workspace, automation_id, "removed")
    for automation_id in work:
        looked += await _arm(units, workspace, automation_id)
    return looked


async def _disarm(units: Units, workspace: Workspace, automation_id: str, reason: str) -> None:
    async def work(unit: Unit) -> None:
        connection = await unit.transaction()
        await store.close_all(connection, unit.schema, automation_id, reason, unit.now)
        await store.note_arming(connection, unit.schema, automation_id, "", None, unit.now)

    await units.run(workspace, SYSTEM, work)


async def _arm(units: Units, workspace: Workspace, automation_id: str) -> int:
    looked = 0
    while True:

        async def batch(unit: Unit) -> tuple[int, bool]:
            one = listeners(unit.catalog).by_id.get(automation_id)
            connection = await unit.transaction()
            armed, cursor = (await store.arming(connection, unit.schema)).get(automation_id, ("", None))
            target = one.armed_for() if one is not None else ""
            if one is None or not target:
                await store.close_all(connection, unit.schema, automation_id, "switched_off", unit.now)
                await store.note_arming(connection, unit.schema, automation_id, "", None, unit.now)
                return 0, True
            if armed != target:
                # The old times are not those of the new triggers; what stays the same is revived by its key.
                await store.close_all(connection, unit.schema, automation_id, "changed", unit.now)
                cursor = None
            await put(unit, connection, _calendar(unit, one))
            if one.module is None or not any(trigger.of_record for trigger in one.timed):
                await store.note_arming(connection, unit.schema, automation_id, target, None, unit.now)
                return 0, True
            ids = await definition_store.record_ids(connection, unit.schema, one.module.id, cursor, BATCH)
            rows = await record_store.fetch(connection, one.module.table, ids, lock=True)
            await put(
                unit,
                connection,
                [made for row in rows.values() if row.archived_at is None for made in wanted(unit, one, row)],
            )
            done = len(ids) < BATCH
            await store.note_arming(connection, unit.schema, automation_id, target, None if done else ids[-1], unit.now)
            return len(ids), done

        count, done = await units.run(workspace, SYSTEM, batch)
        looked += count
        if done:
            return looked


def _calendar(unit: Unit, one: Ready) -> list[Occurrence]:
    return [
        made
        for number, trigger in enumerate(one.automation.triggers)
        if isinstance(trigger, TimeTrigger) and not trigger.of_record
        for made in calendar(unit, one, number, unit.now)
    ]


def calendar(unit: Unit, one: Ready, number: int, after: datetime) -> Iterable[Occurrence]:
    """The next time of a trigger that follows the calendar."""
    trigger = one.automation.triggers[number]
    assert isinstance(trigger, TimeTrigger)
    at = trigger.following(after, ZoneInfo(unit.zone))
    if at is not None:
        yield Occurrence(
            new_id(), one.id, one.module.id if one.module else None, None, at, f"{one.id}:{number}:{at.isoformat()}",
            "due", unit.now, timed=True, mark=f"{number}:", basis="", next_at=at,
        )  # fmt: skip

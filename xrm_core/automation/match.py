"""Matching: in the transaction of a change, what it sets going is stored, and what must happen at once happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from xrm_core.automation import arming
from xrm_core.automation.compiled import Ready, listeners
from xrm_core.automation.evaluating import Subject
from xrm_core.automation.runner import run_at_once
from xrm_core.catalog import CompiledModule
from xrm_core.definitions.triggers import Happening, MailReceived
from xrm_core.definitions.triggers.base import What
from xrm_core.kernel.ids import new_id
from xrm_core.records.settle import Change
from xrm_core.records.unit import Unit
from xrm_core.storage import occurrences as store
from xrm_core.storage.database import Connection
from xrm_core.storage.occurrences import Occurrence
from xrm_core.storage.rows import Row

SILENT = frozenset({"system", "import"})
"""Who sets nothing going by what they write: it is not news, it comes in bulk."""
DEEPEST = 10
AGAIN = 2
"""How often one automation may run for one record in a chain of automations that set each other going."""


class Matching:
    """Hears of every change; given to `Units` where automations are at work."""

    def watches(self, unit: Unit, module: CompiledModule, keys: frozenset[str]) -> bool:
        """Whether a change of these keys can concern an automation."""
        watched = listeners(unit.catalog).watched.get(module.id)
        return watched is not None and not watched.isdisjoint(keys)

    async def after(self, unit: Unit, connection: Connection, changes: Sequence[Change]) -> Mapping[UUID, Row]:
        """Store what these changes set going, move what is due at other times now, and do what must be done at once."""
        known = listeners(unit.catalog)
        erased = [change.id for change in changes if change.after is None]
        if erased:
            await store.forget_records(connection, unit.schema, erased, unit.now)
        if not known.watched:
            return {}
        by_module: dict[str, dict[UUID, Change]] = {}
        for change in changes:
            if change.module.id in known.watched:
                mine = by_module.setdefault(change.module.id, {})
                mine[change.id] = _joined(mine.get(change.id), change)
        changed: dict[UUID, Row] = {}
        for module_id, found in by_module.items():
            for one in known.timed.get(module_id, ()):
                concerned = [change for change in found.values() if _moves(one, change)]
                if concerned:
                    await arming.rearm(unit, connection, one, concerned)
            listening = known.events.get(module_id, ()) if unit.actor.kind not in SILENT else ()
            if listening:
                seen = [(change, happening_of(change)) for change in found.values()]
                for one in listening:
                    matching = [(c, trigger) for c, happening in seen if (trigger := trigger_of(one, c, happening))]
                    if matching:
                        changed.update(await self._match(unit, connection, one, matching))
        return changed

    async def told(
        self, unit: Unit, connection: Connection, module: CompiledModule, ids: Sequence[UUID], what: str,
        facts: Mapping[str, Any],
    ) -> None:  # fmt: skip
        """An e-mail reached these records: it sets going what waits for one, and ends sequences that a reply ends."""
        if what == "mail_received":
            ending = [one.id for one in listeners(unit.catalog).by_id.values() if one.automation.exit_on_reply]
            await store.ask_to_end(connection, unit.schema, ending, ids, "reply", unit.now)
        for one in listeners(unit.catalog).by_id.values():
            if one.automation.live and one.module is not None and one.module.id == module.id:
                if what == "mail_received" and any(isinstance(t, MailReceived) for t in one.automation.triggers):
                    for identifier in ids:
                        await start(unit, connection, one, identifier, facts=dict(facts), mark=what)

    async def _match(
        self, unit: Unit, connection: Connection, one: Ready, changes: Sequence[tuple[Change, str]]
    ) -> Mapping[UUID, Row]:
        changed: dict[UUID, Row] = {}
        fresh: list[Occurrence] = []
        for change, trigger in changes:
            row = change.after
            if row is None:
                continue
            before = before_of(change) if one.uses_before else {}
            subject = Subject(unit, connection, one, row, before)
            if not await subject.holds(one.automation.when):
                continue
            made = occurrence(unit, one, row, before=before, mark=trigger)
            if not one.automation.at_once:
                fresh.append(made)
                continue
            if made.state != "suppressed":
                made.next_at = None
            if await store.put(connection, unit.schema, [made]) and made.state != "suppressed":
                changed.update(await run_at_once(unit, connection, one, made))
        await store.put(connection, unit.schema, fresh)
        return changed


def occurrence(
    unit: Unit, one: Ready, row: Row | None, *, before: dict[str, Any] | None = None, mark: str = "",
    facts: dict[str, Any] | None = None,
) -> Occurrence:  # fmt: skip
    """A run that is due now; it is suppressed if automations have set each other going for too long."""
    record = row.id if row is not None else None
    identifier = new_id()
    key = f"{one.id}:{record}:{identifier}"
    if one.automation.once_per and row is not None and one.module is not None:
        ids = {part.name: part.id for part in one.module.parts}
        key = f"{one.id}:{record}:once:" + ":".join(
            str(row.get(ids.get(name, name))) for name in one.automation.once_per
        )
    context: dict[str, Any] = {}
    if before:
        context["before"] = before
    if facts:
        context["facts"] = facts
    chain = unit.cause.chain
    if chain:
        context["chain"] = [[automation, str(subject) if subject else None] for automation, subject in chain]
    made = Occurrence(
        identifier, one.id, one.module.id if one.module else None, record, unit.now, key, "due", unit.now,
        mark=mark, next_at=unit.now, context=context,
    )  # fmt: skip
    if len(chain) >= DEEPEST or sum(entry == (one.id, record) for entry in chain) >= AGAIN:
        made.state, made.reason, made.next_at, made.done_at = "suppressed", "loop", None, unit.now
    return made


async def start(
    unit: Unit, connection: Connection, one: Ready, record_id: UUID | None, *, facts: dict[str, Any] | None = None,
    mark: str = "started",
) -> Occurrence | None:  # fmt: skip
    """Let an automation run for a record, whatever its triggers say; None if it has run for it as often as it may."""
    from_record = None
    if record_id is not None and one.module is not None:
        from_record = await arming.row_of(connection, one.module, record_id)
        if from_record is None:
            return None
    made = occurrence(unit, one, from_record, mark=mark, facts=facts)
    return made if await store.put(connection, unit.schema, [made]) else None


def _joined(first: Change | None, later: Change) -> Change:
    if first is None:
        return Change(later.module, later.id, set(later.keys), later.before, later.after)
    return Change(first.module, first.id, first.keys | later.keys, first.before, later.after)


def _moves(one: Ready, change: Change) -> bool:
    return (
        change.before is None
        or change.after is None
        or "archived_at" in change.keys
        or not one.timed_keys.isdisjoint(change.keys)
    )


def _what(change: Change) -> What:
    before, after = change.before, change.after
    if before is None:
        return "created"
    if after is None:
        return "erased"
    if (before.archived_at is None) != (after.archived_at is None):
        return "restored" if after.archived_at is None else "archived"
    return "changed"


def trigger_of(one: Ready, change: Change, happening: Happening | None = None) -> str | None:
    """The kind of the trigger that waits for this change; None if none does."""
    happening = happening or happening_of(change)
    changed = happening.what == "changed"
    for trigger, watched in one.events:
        if watched is not None and (not changed or watched.isdisjoint(change.keys)):
            continue
        if trigger.matches(happening):
            return trigger.kind
    return None


def happening_of(change: Change) -> Happening:
    """A change as triggers see it: by names."""
    module = change.module
    ids: dict[str, str] | None = module.memo.get("ids by name")
    if ids is None:
        ids = module.memo["ids by name"] = {part.name: part.id for part in module.parts}
    known, names = ids, module.names
    before, after = change.before, change.after

    def was(name: str) -> object:
        return before.get(known.get(name, name)) if before is not None else None

    def now(name: str) -> object:
        return after.get(known.get(name, name)) if after is not None else None

    return Happening(_what(change), frozenset(names.get(key, key) for key in change.keys), was, now)


def before_of(change: Change) -> dict[str, Any]:
    """The values of a changed record as they were, in their stored form, by id."""
    row = change.before
    if row is None:
        return {}
    return dict(row.data) | {
        key: row.get(key) for key in ("title", "owner", "stage", "stage_entered_at", "created_at", "updated_at")
    }

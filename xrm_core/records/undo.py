"""Undoing what was done in one go: everything as it was before, or a conflict that names who changed what since."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from xrm_core.catalog import CompiledModule
from xrm_core.catalog.computations import TITLE
from xrm_core.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem
from xrm_core.records import linking, rules, searching, wording
from xrm_core.records.environment import RecordEnv, load_targets, target_of
from xrm_core.records.settle import Change, LinkChange, settle
from xrm_core.records.unit import Unit
from xrm_core.records.write import refused_as_taken
from xrm_core.storage import changes as change_store
from xrm_core.storage import jobs as job_store
from xrm_core.storage import links as link_store
from xrm_core.storage import records as store
from xrm_core.storage.database import Connection
from xrm_core.storage.errors import Taken
from xrm_core.storage.hops import link_key
from xrm_core.storage.links import LinkRow
from xrm_core.storage.rows import Event, Row

MOST = 100_000
"""Events of one change that can be undone in one go."""
SHOWN = 50
_MOMENTS = frozenset({"stage_entered_at", "archived_at"})
_NEVER = frozenset({TITLE, "title", "stage_reason"})


@dataclass(slots=True)
class Undone:
    """What an undo did: the change that it is itself (which can be undone again), and how many records it touched."""

    change_id: UUID
    undoes: UUID
    records: list[tuple[str, UUID]]


@dataclass(slots=True)
class _Wish:
    """One record: what it shall have again, and what it must have now for that."""

    module: CompiledModule
    id: UUID
    created: bool = False
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    version: int = 0


@dataclass(slots=True)
class _Plan:
    records: dict[UUID, _Wish] = field(default_factory=dict)
    links: dict[tuple[str, UUID, UUID], tuple[dict[str, Any] | None, dict[str, Any] | None]] = field(
        default_factory=dict
    )
    """A many-to-many link: what it was (None: not there) and what it became."""


async def undo(unit: Unit, change_id: UUID) -> Undone:
    """Undo one change; raises NotFound, Forbidden, or Conflict with a problem for everything that was changed since."""
    connection = await unit.transaction()
    if await change_store.undone_by(connection, unit.schema, change_id) is not None:
        raise Conflict(Problem("already_undone", "", "This was undone already.", "Undo the undoing to do it again."))
    if await job_store.is_open(connection, unit.schema, change_id):
        raise Conflict(Problem("job_running", "", "A job is still working on this.", "Wait for its end, or stop it."))
    events = await change_store.of_change(connection, unit.schema, change_id, MOST + 1)
    _require_author(unit, events)
    plan = _plan(unit, events)
    rows = await _lock(connection, plan)
    await _require(unit, connection, plan, rows)
    await _unchanged(unit, connection, plan, rows, change_id)
    restored = {identifier: _restored(unit, plan.records[identifier], row) for identifier, row in rows.items()}
    await _targets(unit, connection, plan, rows, restored)
    await _dependents(unit, connection, plan, rows, restored)
    changes = await _write(unit, connection, plan, rows, restored)
    links = await _links(unit, connection, plan)
    if not changes and not links:
        raise Conflict(Problem("nothing_to_undo", "", "Everything is as it was before already."))
    moved = await settle(unit, connection, changes, links)
    await _verify(unit, connection, plan, changes, moved, [change_id])
    await change_store.note_undone(connection, unit.schema, change_id, unit.change_id, unit.now)
    done = {(change.module.name, change.id) for change in changes}
    return Undone(unit.change_id, change_id, sorted(done))


async def redo(unit: Unit, change_id: UUID) -> Undone:
    """Do again what was undone, by undoing the undoing."""
    connection = await unit.transaction()
    by = await change_store.undone_by(connection, unit.schema, change_id)
    if by is None:
        raise Conflict(Problem("not_undone", "", "This was not undone, so it cannot be done again."))
    return await undo(unit, by)


@dataclass(slots=True)
class Restored:
    """How many records have values back that they had before, and what stays because somebody changed it since."""

    records: int
    kept: dict[UUID, list[Problem]]
    modules: dict[UUID, str]
    """The module of each record."""


async def restore(unit: Unit, change_ids: Sequence[UUID], records: Collection[UUID]) -> Restored:
    """Give records the values back that they had before some changes; what was changed since stays, and is told.

    The caller has made sure that the actor may do so. Raises Conflict or Invalid if one of the records cannot be as it was.
    """
    connection = await unit.transaction()
    events = await change_store.to_records(connection, unit.schema, change_ids, records)
    plan = _plan(unit, [event for event in events if event.module_id in unit.catalog.modules])
    for key, source, _ in plan.links:
        plan.records.setdefault(source, _Wish(unit.catalog.modules[key.partition(".")[0]], source))
    rows = await _rows(connection, plan)
    plan.records = {identifier: wish for identifier, wish in plan.records.items() if identifier in rows}
    plan.links = {ends: pair for ends, pair in plan.links.items() if ends[1] in rows}
    kept = await _leave_changed(unit, connection, plan, rows, change_ids)
    restored = {identifier: _restored(unit, plan.records[identifier], row) for identifier, row in rows.items()}
    await _targets(unit, connection, plan, rows, restored)
    changes = await _write(unit, connection, plan, rows, restored)
    links = await _links(unit, connection, plan)
    moved = await settle(unit, connection, changes, links)
    await _verify(unit, connection, plan, changes, moved, change_ids)
    done = {change.id for change in changes} | {source for _, source, _ in plan.links}
    return Restored(len(done), kept, {wish.id: wish.module.id for wish in plan.records.values()})


async def _leave_changed(
    unit: Unit, connection: Connection, plan: _Plan, rows: dict[UUID, Row], change_ids: Sequence[UUID]
) -> dict[UUID, list[Problem]]:
    """Take out of a plan what is not as the changes left it; what is neither that nor as it was before is told."""
    wrong: list[tuple[_Wish, str]] = []
    for wish in plan.records.values():
        row = rows[wish.id]
        for key in [key for key, value in wish.after.items() if not _same(row.get(key), value)]:
            if not _same(row.get(key), wish.before[key]):
                wrong.append((wish, key))
            del wish.before[key]
        if "stage" in wish.after and not {"stage", "stage_entered_at"} <= wish.before.keys():
            # Somebody who moved it on and back again has moved it.
            wish.before.pop("stage", None)
            wish.before.pop("stage_entered_at", None)
    staged = {wish.id for wish, key in wrong if key == "stage"}
    wrong = [(wish, key) for wish, key in wrong if key not in _MOMENTS or wish.id not in staged]
    links = await _links_changed(unit, connection, plan)
    there = await _links_there(unit, connection, plan)
    ids = {wish.id for wish, _ in wrong} | {source for _, source, _ in links}
    later = await change_store.later(connection, unit.schema, list(ids), change_ids) if ids else {}
    kept: dict[UUID, list[Problem]] = {}
    for wish, key in wrong:
        kept.setdefault(wish.id, []).append(_who(unit, wish.module, rows[wish.id], key, later.get(wish.id, [])))
    for ends in links:
        key, source, _ = ends
        old = plan.links.pop(ends)[0]
        if (old is not None) != (ends in there) or (old is not None and (old.get("attributes") or None) != there[ends]):
            module_id, _, link_id = key.partition(".")
            told = _who(unit, unit.catalog.modules[module_id], rows[source], link_id, later.get(source, []))
            kept.setdefault(source, []).append(told)
    return kept


def _require_author(unit: Unit, events: list[Event]) -> None:
    if not events:
        raise NotFound(Problem("unknown_change", "", "There is no such change.", "GET /api/v1/changes lists yours."))
    if len(events) > MOST:
        raise Conflict(Problem("too_many", "", f"More than {MOST} entries cannot be undone in one go."))
    mine = unit.me is not None and all(event.actor.get("id") == unit.me for event in events)
    if not (mine or unit.policy.design):
        raise Forbidden(Problem("not_yours", "", "You can undo what you did yourself.", "Ask an administrator."))
    if any(event.kind == "erased" for event in events):
        raise Conflict(Problem("erased", "", "Records that were erased for ever cannot come back."))


def _plan(unit: Unit, events: list[Event]) -> _Plan:
    plan = _Plan()
    for event in events:
        module = unit.catalog.modules.get(event.module_id)
        if module is None:
            raise Conflict(Problem("module_gone", "", "A module that this change was made in is not in use any more."))
        if event.kind in ("linked", "unlinked"):
            _plan_link(plan, module, event)
            continue
        wish = plan.records.get(event.record_id)
        if wish is None:
            wish = plan.records[event.record_id] = _Wish(module, event.record_id, event.kind == "created")
        wish.version = event.version
        computed = {known.id for known in module.fields.values() if known.computed}
        for key, pair in event.changes.items():
            if key in _NEVER or key in computed:
                continue
            if event.kind == "created":
                wish.after[key] = pair
            else:
                # What somebody wrote between two of the changes is what the later one found.
                if key not in wish.after or not _same(wish.after[key], pair[0]):
                    wish.before[key] = pair[0]
                wish.after[key] = pair[1]
    return plan


def _plan_link(plan: _Plan, module: CompiledModule, event: Event) -> None:
    for key, (old, new) in event.changes.items():
        link = module.links_by_id.get(key)
        if link is None or not link.many:
            continue  # the other side's entry about the same link
        end = new or old
        ends = (link_key(link), event.record_id, UUID(end["id"]))
        first = plan.links[ends][0] if ends in plan.links else old
        plan.links[ends] = (first, new)


async def _lock(connection: Connection, plan: _Plan) -> dict[UUID, Row]:
    found = await _rows(connection, plan)
    gone = [wish for wish in plan.records.values() if wish.id not in found]
    if gone:
        raise Conflict(
            [
                Problem("erased", f"/{one.module.name}/{one.id}", "The record was erased for ever.")
                for one in gone[:SHOWN]
            ]
        )
    return found


async def _rows(connection: Connection, plan: _Plan) -> dict[UUID, Row]:
    by_module: dict[str, tuple[CompiledModule, set[UUID]]] = {}
    for wish in plan.records.values():
        by_module.setdefault(wish.module.id, (wish.module, set()))[1].add(wish.id)
    found: dict[UUID, Row] = {}
    for _, (module, ids) in sorted(by_module.items()):
        beside = any(known.beside for known in module.fields.values())
        found |= await store.fetch(connection, module.table, ids, lock=True, beside=beside)
    return found


# -- what the actor may do ------------------------------------------------------------------------------------------------


async def _require(unit: Unit, connection: Connection, plan: _Plan, rows: dict[UUID, Row]) -> None:
    by_module: dict[str, list[_Wish]] = {}
    for wish in plan.records.values():
        by_module.setdefault(wish.module.id, []).append(wish)
    for module_id, wishes in by_module.items():
        rights = unit.policy.module(module_id)
        for action in ("edit", "archive"):
            wanted = [wish for wish in wishes if (action == "archive") == _archives(wish)]
            if not wanted:
                continue
            unit.policy.require(module_id, action)
            scope = unit.scope(wanted[0].module, action)
            if scope is None:
                continue
            table = wanted[0].module.table
            allowed = await store.within_scope(connection, table, [wish.id for wish in wanted], scope)
            # Somebody who gave a record away may take it back.
            mine = {wish.id for wish in wanted if unit.me is not None and wish.before.get("owner") == unit.me}
            if any(wish.id not in allowed | mine for wish in wanted):
                raise NotFound(Problem("not_found", "", "You may not change all of the records any more."))
        for wish in wishes:
            for key in wish.before:
                if key in rights.hidden or key in rights.read_only:
                    raise Forbidden(Problem("forbidden", "", "You may not change all of the fields any more."))
    for key, source, target in plan.links:
        module = unit.catalog.modules[key.partition(".")[0]]
        linking.require_link(unit, module, module.links_by_id[key.partition(".")[2]])
        if source not in rows or plan.records[source].created:
            other = unit.catalog.modules.get((plan.links[key, source, target][0] or {}).get("module", ""))
            await linking.visible(unit, connection, module, source, edit=True, live=False)
            if other is not None:
                await linking.visible(unit, connection, other, target, edit=False, live=False)


def _archives(wish: _Wish) -> bool:
    return wish.created or "archived_at" in wish.before


# -- what was changed since -----------------------------------------------------------------------------------------------


def _same(one: Any, other: Any) -> bool:
    return (one or None) == (other or None) if isinstance(one, str) or isinstance(other, str) else one == other


def _additions(wish: _Wish, row: Row) -> Iterable[str]:
    """What a new record has been given since."""
    for part in wish.module.parts:
        if part.id not in wish.after and row.get(part.id) not in (None, "") and not getattr(part, "computed", False):
            yield part.id
    for key in ("owner", "stage", "archived_at"):
        if key not in wish.after and row.get(key) is not None:
            yield key


async def _unchanged(unit: Unit, connection: Connection, plan: _Plan, rows: dict[UUID, Row], change_id: UUID) -> None:
    """Raises Conflict unless everything is still as the change left it."""
    wrong: list[tuple[_Wish, str]] = []
    for wish in plan.records.values():
        row = rows[wish.id]
        wrong += [(wish, key) for key, value in wish.after.items() if not _same(row.get(key), value)]
        if wish.created:
            wrong += [(wish, key) for key in _additions(wish, row)]
    wrong_links = await _links_changed(unit, connection, plan)
    if not wrong and not wrong_links:
        return
    ids = {wish.id for wish, _ in wrong} | {source for _, source, _ in wrong_links}
    later = await change_store.later(connection, unit.schema, list(ids), [change_id])
    problems = [_who(unit, wish.module, rows[wish.id], key, later.get(wish.id, [])) for wish, key in wrong]
    for key, source, _ in wrong_links:
        module_id, _, link_id = key.partition(".")
        module = unit.catalog.modules[module_id]
        problems.append(_who(unit, module, rows.get(source), link_id, later.get(source, []), source))
    more = len(problems) - SHOWN
    shown = list(dict.fromkeys(problems))[:SHOWN]
    if more > 0:
        shown.append(Problem("more", "", f"And {more} more values were changed since."))
    raise Conflict(shown)


def _who(
    unit: Unit, module: CompiledModule, row: Row | None, key: str, later: list[Event], identifier: UUID | None = None
) -> Problem:
    """Who changed a value since, and to what."""
    event = next((one for one in later if key in one.changes), None)
    place = f"/{module.name}/{row.id if row else identifier}/{module.names.get(key, key)}"
    label = wording.label_of(unit, module, key)
    title = f"{row.title}: " if row and row.title else ""
    if key in unit.policy.module(module.id).hidden:
        return Problem("changed_since", f"/{module.name}/{row.id if row else identifier}", f"{title}changed since.")
    if event is None:
        return Problem("changed_since", place, f"{title}{label} was changed since.", "Change it by hand.")
    pair = event.changes[key]
    value = wording.value_of(unit, module, key, pair[1]) if isinstance(pair, list) and len(pair) == 2 else None
    to = f" to {value}" if value is not None else ""
    by = event.actor.get("name") or "Somebody"
    at = event.at.strftime("%Y-%m-%d %H:%M UTC")
    return Problem(
        "changed_since", place, f"{title}{by} changed {label}{to} on {at}.", "Keep it, or change it by hand."
    )


async def _links_changed(unit: Unit, connection: Connection, plan: _Plan) -> list[tuple[str, UUID, UUID]]:
    if not plan.links:
        return []
    now = await _links_there(unit, connection, plan)
    wrong = []
    for ends, (_, new) in plan.links.items():
        if (new is not None) != (ends in now) or (new is not None and (new.get("attributes") or None) != now[ends]):
            wrong.append(ends)
    return wrong


async def _links_there(
    unit: Unit, connection: Connection, plan: _Plan
) -> dict[tuple[str, UUID, UUID], dict[str, Any] | None]:
    kinds, sources = {key for key, _, _ in plan.links}, {source for _, source, _ in plan.links}
    found = await link_store.of_sources(connection, unit.schema, sorted(kinds), sources)
    return {(row.link_id, row.source_id, row.target_id): row.attributes or None for row in found}


# -- the way back ---------------------------------------------------------------------------------------------------------


def _restored(unit: Unit, wish: _Wish, row: Row) -> Row:
    """The record as it was before."""
    found = row.copy()
    if wish.created:
        found.archived_at = row.archived_at or unit.now
        return found
    beside = {known.id for known in wish.module.fields.values() if known.beside}
    for key, value in wish.before.items():
        if key == "owner":
            found.owner = UUID(value) if value else None
        elif key == "stage":
            found.stage = value
        elif key in _MOMENTS:
            setattr(found, key, datetime.fromisoformat(value) if value else None)
        elif key in beside:
            found.beside[key] = value or ""
        elif value is None:
            found.data.pop(key, None)
        else:
            found.data[key] = value
    return found


async def _targets(
    unit: Unit, connection: Connection, plan: _Plan, rows: dict[UUID, Row], restored: dict[UUID, Row]
) -> None:
    """What is linked to again must be there; raises Conflict."""
    wanted: dict[str, dict[UUID, tuple[CompiledModule, UUID, str]]] = {}
    for wish in plan.records.values():
        for key in wish.before:
            link = wish.module.links_by_id.get(key)
            if link is not None and restored[wish.id].archived_at is None:
                module_id, target = target_of(restored[wish.id].data.get(key), link.targets)
                if target is not None:
                    wanted.setdefault(module_id, {})[target] = (wish.module, wish.id, link.name)
    for (key, source, target), (old, _) in plan.links.items():
        if old is not None:
            module = unit.catalog.modules[key.partition(".")[0]]
            name = module.names.get(key.partition(".")[2], "")
            wanted.setdefault(old["module"], {})[target] = (module, source, name)
    problems = []
    for module_id, targets in sorted(wanted.items()):
        known = unit.catalog.modules.get(module_id)
        found = await store.exist(connection, known.table, targets) if known else {}
        for target, (module, identifier, name) in targets.items():
            coming_back = target in restored and restored[target].archived_at is None
            if found.get(target) is not False and not coming_back:
                place = f"/{module.name}/{identifier}/{name}"
                problems.append(Problem("no_target", place, "What it was linked to is archived or gone by now."))
    if problems:
        raise Conflict(problems[:SHOWN])


async def _dependents(
    unit: Unit, connection: Connection, plan: _Plan, rows: dict[UUID, Row], restored: dict[UUID, Row]
) -> None:
    """Records that go away must not be needed by others that stay; raises Conflict."""
    leaving: dict[str, tuple[CompiledModule, set[UUID]]] = {}
    for identifier, row in restored.items():
        if row.archived_at is not None and rows[identifier].archived_at is None:
            module = plan.records[identifier].module
            leaving.setdefault(module.id, (module, set()))[1].add(identifier)
    problems = []
    for module, ids in leaving.values():
        for inverse in module.inverses.values():
            link = inverse.link
            if link.many or link.column is None:
                continue
            if not link.definition.owner and link.definition.on_delete == "unlink":
                continue
            holding = unit.catalog.modules[link.module_id]
            found = await link_store.referring(
                connection, holding.table.qualified, link.column, ids, lock=True, with_archived=False
            )
            for holder, target in found:
                if holder not in restored or restored[holder].archived_at is None:
                    label = label_text(holding.definition.label, unit.workspace.locale)
                    text = f"{rows[target].title or 'The record'} is in use by another {label} by now."
                    problems.append(
                        Problem("in_use", f"/{module.name}/{target}", text, "Undo or archive that one first.")
                    )
    if problems:
        raise Conflict(problems[:SHOWN])


async def _write(
    unit: Unit, connection: Connection, plan: _Plan, rows: dict[UUID, Row], restored: dict[UUID, Row]
) -> list[Change]:
    by_module: dict[str, list[_Wish]] = {}
    for wish in plan.records.values():
        by_module.setdefault(wish.module.id, []).append(wish)
    changes: list[Change] = []
    for module_id, wishes in sorted(by_module.items()):
        module = unit.catalog.modules[module_id]
        before, after, events, entries, leaving = [], [], [], [], []
        for wish in wishes:
            old, new = rows[wish.id], restored[wish.id]
            keys = {key for key in (*wish.before, "archived_at") if not _same(old.get(key), new.get(key))}
            if not keys:
                continue
            new.version += 1
            new.updated_at, new.updated_by = unit.now, unit.actor.user_id
            pairs = {key: [old.get(key), new.get(key)] for key in sorted(keys)}
            events.append(
                Event(
                    new_id(), module_id, new.id, new.version, "undone", unit.actor.as_dict(), unit.now, pairs,
                    unit.change_id,
                )
            )  # fmt: skip
            entries.append(searching.entry(module, new) if new.archived_at is None else None)
            if new.archived_at is not None and old.archived_at is None:
                leaving.append(new.id)
            kept = new.beside
            written = new.copy()
            written.beside = {key: value for key, value in kept.items() if key in keys}
            before.append(old)
            after.append(written)
            changes.append(Change(module, new.id, keys, old, new, prepared=False))
        try:
            done = await store.update_many(connection, module.table, after, before, events, entries)
        except Taken as taken:
            raise Conflict(refused_as_taken(module, taken).problems) from taken
        assert len(done) == len(after), "the rows are locked"
        await store.remove_search(connection, module.table, leaving)
    return changes


async def _links(unit: Unit, connection: Connection, plan: _Plan) -> list[LinkChange]:
    gone: list[LinkRow] = []
    back: list[LinkRow] = []
    attributes: dict[linking.Ends, dict[str, Any] | None] = {}
    for (key, source, target), (old, new) in plan.links.items():
        end = old or new
        if end is None or (old is None and new is None):
            continue
        row = LinkRow(key, source, end["module"], target, (old or {}).get("attributes") or None)
        if new is not None:
            gone.append(row)
        if old is not None:
            back.append(row)
        if old is not None and new is not None:
            attributes[key, source, target] = new.get("attributes")
    await linking.log_attributes(unit, connection, attributes, [_explicit(row) for row in back])
    removed = await link_store.remove(connection, unit.schema, gone)
    added = await link_store.add(connection, unit.schema, back)
    stayed = set(attributes)
    fresh = [row for row in added if (row.link_id, row.source_id, row.target_id) not in stayed]
    lost = [row for row in removed if (row.link_id, row.source_id, row.target_id) not in stayed]
    await linking.log(unit, connection, fresh, lost)
    return [LinkChange(row.link_id, row.source_id, row.target_id) for row in (*added, *removed)]


def _explicit(row: LinkRow) -> LinkRow:
    return LinkRow(row.link_id, row.source_id, row.target_module, row.target_id, row.attributes or {})


async def _verify(
    unit: Unit,
    connection: Connection,
    plan: _Plan,
    changes: list[Change],
    moved: dict[UUID, Row],
    change_ids: Sequence[UUID],
) -> None:
    """What others changed since must get along with what is restored; raises Invalid. Untouched records are as they were."""
    touched = [one for one in changes if one.before is not None and one.before.version != plan.records[one.id].version]
    if not touched:
        return
    later = await change_store.later(connection, unit.schema, [one.id for one in touched], [*change_ids, unit.change_id])
    made = {event.change_id for events in later.values() for event in events if event.change_id is not None}
    void = await change_store.void(connection, unit.schema, list(made))
    problems: list[Problem] = []
    for one in touched:
        if all(event.change_id in void for event in later.get(one.id, [])):
            continue
        module, row = one.module, moved.get(one.id, one.after)
        assert row is not None
        if row.archived_at is not None:
            continue
        wanted = rules.rules_of(unit.catalog, module).needed(one.keys)
        names = {source.ids[0] for source in wanted}
        targets = await load_targets(unit, connection, module, [row], wanted, names)
        many = {link_key(link): link.id for link in module.links.values() if link.many}
        known = await link_store.linked(connection, unit.schema, [row.id], list(many))
        linked = {many[key] for key in known.get(row.id, ())}
        env = RecordEnv(unit, module, row, targets)
        found, _ = rules.verify(unit.catalog, module, env, one.before, one.keys, linked, unit.workspace.locale)
        problems += [problem.under(f"/{module.name}/{row.id}") for problem in found]
    if problems:
        raise Invalid(problems[:SHOWN])

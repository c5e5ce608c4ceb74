"""Keeping computed values right: from a set of changes to everything that they move, in sets, in the same transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from xrm_core.catalog import CompiledModule
from xrm_core.catalog.computations import TITLE, Computation, Trigger
from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem
from xrm_core.records import computed, searching
from xrm_core.records.environment import RecordEnv, Targets, load_targets, target_of
from xrm_core.records.unit import Unit
from xrm_core.storage import records as store
from xrm_core.storage.database import Connection
from xrm_core.storage.hops import Hop
from xrm_core.storage.rows import Event, Row
from xrm_core.storage.sql import computed as sql_computed


@dataclass(slots=True)
class Change:
    """One record that was written: which keys changed, and its document before and after (None: was not, is not there)."""

    module: CompiledModule
    id: UUID
    keys: set[str]
    before: Row | None
    after: Row | None
    prepared: bool = True
    """Whether the record's own formulas were evaluated before it was written."""


@dataclass(slots=True)
class LinkChange:
    """A many-to-many link that was added or removed."""

    link_key: str
    source_id: UUID
    target_id: UUID


@dataclass(slots=True)
class _State:
    """What one settling knows of the records it has touched."""

    rows: dict[str, dict[UUID, Row]] = field(default_factory=dict)
    before: dict[str, dict[UUID, Row]] = field(default_factory=dict)
    unsaved: dict[str, dict[UUID, set[str]]] = field(default_factory=dict)
    pending: set[tuple[str, str]] = field(default_factory=set)
    """(module id, key) of what is unsaved."""
    dirty: dict[Computation, set[UUID]] = field(default_factory=dict)


async def settle(
    unit: Unit,
    connection: Connection,
    changes: Sequence[Change],
    links: Sequence[LinkChange] = (),
    *,
    guarded: bool = True,
) -> dict[UUID, Row]:
    """Recompute and store everything that depends on these changes; the caller's transaction must be open.

    Returns the records whose computed values were stored. Raises Invalid if a rule of another record does not hold any
    more that speaks of its lists, unless nobody asks (`guarded`).
    """
    work = Settling(unit, connection)
    await work.note(changes, links)
    await work.run()
    if guarded:
        await work.hold({change.id for change in changes})
    await _react(unit, connection, [*changes, *work.moved], work.stored)
    return work.stored


async def recompute(unit: Unit, connection: Connection, wanted: dict[Computation, set[UUID]]) -> int:
    """Recompute these values and all that depends on them; returns how many records changed."""
    work = Settling(unit, connection)
    for node, ids in wanted.items():
        work.mark(node, ids)
    await work.run()
    count = len(work.stored)
    await _react(unit, connection, work.moved, work.stored)
    return count


async def _react(unit: Unit, connection: Connection, changes: Sequence[Change], stored: dict[UUID, Row]) -> None:
    if unit.reactions is not None and changes:
        stored.update(await unit.reactions.after(unit, connection, changes))


class Settling:
    """One run: computations are taken in the order of the graph, so each is evaluated once, for all its records."""

    def __init__(self, unit: Unit, connection: Connection) -> None:
        self.unit = unit
        self.connection = connection
        self.catalog = unit.catalog
        self.graph = unit.catalog.graph
        self.state = _State()
        self.stored: dict[UUID, Row] = {}
        self.moved: list[Change] = []
        """Records whose computed values were stored, as they were before and are now."""
        self.ways: dict[tuple[str, str, str, frozenset[UUID]], set[UUID]] = {}
        self.guards: dict[Computation, set[UUID]] = {}
        self._linked: dict[str, tuple[Sequence[Change], set[UUID]]] = {}

    # -- what is dirty ------------------------------------------------------------------------------------------------

    def mark(self, node: Computation, ids: Iterable[UUID]) -> None:
        found = set(ids)
        if found:
            (self.guards if node.is_guard else self.state.dirty).setdefault(node, set()).update(found)

    async def note(self, changes: Sequence[Change], links: Sequence[LinkChange]) -> None:
        """Mark what a set of written records and links moves."""
        grouped: dict[tuple[str, str], list[Change]] = {}
        for change in changes:
            # Most keys move nothing.
            for key in change.keys & self._moving(change.module):
                grouped.setdefault((change.module.id, key), []).append(change)
        for (module_id, key), found in grouped.items():
            for trigger in self.graph.by_change.get((module_id, key), ()):
                await self._follow(trigger, found)
            for node in self.graph.local.get((module_id, key), ()):
                self.mark(
                    node,
                    (
                        one.id
                        for one in found
                        if one.after is not None and (not one.prepared or (node.by_sql and one.before is not None))
                    ),
                )
        fresh: dict[str, list[UUID]] = {}
        for change in changes:
            if change.before is None and change.after is not None:
                fresh.setdefault(change.module.id, []).append(change.id)
        for module_id, made in fresh.items():
            # The lists of a new record are empty, as it was evaluated, except those that begin at a record it links to.
            for node in self.graph.of_module.get(module_id, ()):
                if node.begins_elsewhere:
                    self.mark(node, made)
        by_link: dict[str, list[LinkChange]] = {}
        for link in links:
            by_link.setdefault(link.link_key, []).append(link)
        for link_key, moved in by_link.items():
            for side, trigger in self.graph.by_link.get(link_key, ()):
                ids = {one.source_id if side == "source" else one.target_id for one in moved}
                self.mark(trigger.computation, await self._back(trigger.back, ids, locked=False))

    def _moving(self, module: CompiledModule) -> frozenset[str]:
        """The keys of a module whose change moves something."""
        found: frozenset[str] | None = module.memo.get("moving")
        if found is None:
            known = (*self.graph.by_change, *self.graph.local)
            found = module.memo["moving"] = frozenset(key for module_id, key in known if module_id == module.id)
        return found

    async def _follow(self, trigger: Trigger, changes: Sequence[Change]) -> None:
        back = trigger.back
        locked = False
        if trigger.start == "targets":
            ids = self._targets(changes, trigger.link)
        elif back and back[-1].kind == "inverse":
            # The last step leads against a link of the changed records themselves: no need to ask the database.
            ids = self._targets(changes, back[-1].link.id)
            back = back[:-1]
        else:
            if not back:
                by_sql = trigger.computation.by_sql
                changes = [one for one in changes if not one.prepared or (by_sql and one.before is not None)]
            ids = {change.id for change in changes}
            locked = True
        self.mark(trigger.computation, await self._back(back, ids, locked=locked))

    def _targets(self, changes: Sequence[Change], link_id: str) -> set[UUID]:
        # What hangs on the same change often leads along the same link.
        known = self._linked.get(link_id)
        if known is None or known[0] is not changes:
            known = self._linked[link_id] = (changes, _targets(changes, link_id))
        return known[1]

    async def _back(self, hops: Sequence[Hop], ids: set[UUID], *, locked: bool) -> set[UUID]:
        """The records from which the steps lead to one of `ids`.

        Step by step, and each record on the way is locked before it is asked where it leads: somebody who links it to
        something else at this moment has either finished by then, or will find what we have written.
        """
        for hop in reversed(hops):
            if not ids:
                return ids
            ids = await self._one_back(hop, frozenset(ids), locked=locked)
            locked = False
        return set(ids)

    async def _one_back(self, hop: Hop, ids: frozenset[UUID], *, locked: bool) -> set[UUID]:
        # Many values look along the same links, and no link changes while we settle: each way is asked for once.
        key = (hop.kind, hop.link_key, hop.start, ids)
        found = self.ways.get(key)
        if found is None:
            if not locked:
                for end in hop.ends:
                    await store.lock(self.connection, self.catalog.modules[end].table, ids)
            cursor = self.connection.cursor()
            await cursor.execute(sql_computed.back_statement(self.catalog.modules, (hop,)), (list(ids),))
            found = self.ways[key] = {one for (one,) in await cursor.fetchall()}
        return found

    # -- evaluating ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        dirty = self.state.dirty
        concerned: dict[str, set[UUID]] = {}
        for node, ids in dirty.items():
            concerned.setdefault(node.module_id, set()).update(ids)
        for module_id in sorted(concerned):
            # Everybody takes what they are going to move in the same order, so that two seldom wait for each other.
            await self._rows(self.catalog.modules[module_id], concerned[module_id])
        while dirty:
            node = min(dirty, key=lambda one: one.rank)
            if node.is_rollup:
                await self._rollups(node)
            elif node.by_sql:
                ids = dirty.pop(node)
                await self._by_sql(node, ids)
            else:
                ids = dirty.pop(node)
                await self._in_memory(node, ids)
        await self._save()

    async def _rows(self, module: CompiledModule, ids: Iterable[UUID]) -> dict[UUID, Row]:
        known = self.state.rows.setdefault(module.id, {})
        wanted = set(ids)
        missing = wanted - known.keys()
        if missing:
            beside = any(f.beside for f in module.fields.values())
            loaded = await store.fetch(self.connection, module.table, missing, lock=True, beside=beside)
            known.update(loaded)
            self.state.before.setdefault(module.id, {}).update({key: row.copy() for key, row in loaded.items()})
        return {one: known[one] for one in wanted if one in known}

    async def _in_memory(self, node: Computation, ids: set[UUID]) -> None:
        module = self.catalog.modules[node.module_id]
        rows = await self._rows(module, ids)
        if not rows:
            return
        targets: Targets = {}
        wanted = computed.sources(self.catalog, module, [node])
        if wanted:
            await self._save_for([node])
            links = {source.ids[0] for source in wanted}
            targets = await load_targets(self.unit, self.connection, module, rows.values(), wanted, links)
        moved = set()
        for identifier, row in rows.items():
            if computed.evaluate(self.catalog, node, RecordEnv(self.unit, module, row, targets)):
                moved.add(identifier)
        await self._moved(module, node, moved)

    async def _by_sql(self, node: Computation, ids: set[UUID]) -> None:
        module = self.catalog.modules[node.module_id]
        rows = await self._rows(module, ids)
        await self._save_for([node])
        values = await sql_computed.formula_values(
            self.connection, self.catalog.modules, module, node.aggregate, list(rows), self.unit
        )
        moved = {
            identifier
            for identifier, value in values.items()
            if computed.put(node, rows[identifier].data, computed.stored(self.catalog, node, value))
        }
        await self._moved(module, node, moved)

    async def _rollups(self, first: Computation) -> None:
        """All dirty roll-ups over the same list that may be computed now, in one statement."""
        dirty = self.state.dirty
        together = [first]
        for node in sorted(dirty, key=lambda one: one.rank):
            if (
                node is not first
                and node.module_id == first.module_id
                and node.path == first.path
                and self._reads_before(node, first.rank)
            ):
                together.append(node)
        ids: set[UUID] = set()
        for node in together:
            ids |= dirty[node]
        module = self.catalog.modules[first.module_id]
        # Locked first: two writers that move the same total wait for each other, and the second one sees the first one's record.
        rows = await self._rows(module, ids)
        for node in together:
            del dirty[node]
        if not rows:
            return
        await self._save_for(together)
        values = await sql_computed.rollup_values(
            self.connection,
            self.catalog.modules,
            first.path,
            [node.aggregate for node in together],
            list(rows),
            self.unit,
        )
        for node in together:
            moved = {
                identifier
                for identifier, row in rows.items()
                if computed.put(node, row.data, computed.stored(self.catalog, node, values[identifier][node.key]))
            }
            await self._moved(module, node, moved)

    def _reads_before(self, node: Computation, rank: int) -> bool:
        for reading in node.readings:
            end = reading.hops[-1].ends[0] if reading.hops else node.module_id
            for other in self.graph.of_module.get(end, ()):
                if other.key == reading.key and other.rank >= rank:
                    return False
        return True

    async def _moved(self, module: CompiledModule, node: Computation, ids: set[UUID]) -> None:
        if not ids:
            return
        unsaved = self.state.unsaved.setdefault(module.id, {})
        rows = self.state.rows[module.id]
        self.state.pending.add((module.id, node.key))
        for identifier in ids:
            unsaved.setdefault(identifier, set()).add(node.key)
        changes = [Change(module, identifier, {node.key}, rows[identifier], rows[identifier]) for identifier in ids]
        for trigger in self.graph.by_change.get((module.id, node.key), ()):
            await self._follow(trigger, changes)
        for other in self.graph.local.get((module.id, node.key), ()):
            self.mark(other, ids)
        for guard in self.graph.held.get((module.id, node.key), ()):
            self.mark(guard, ids)

    # -- rules of other records ---------------------------------------------------------------------------------------

    async def hold(self, written: set[UUID]) -> None:
        """Hold what moved against the rules of the records whose lists it is in; raises Invalid.

        The records that are being written are asked by their own writing.
        """
        problems = []
        for guard, ids in sorted(self.guards.items(), key=lambda one: (one[0].module_id, one[0].key)):
            module = self.catalog.modules[guard.module_id]
            asked = sorted(ids - written)
            if not asked or guard.value is None:
                continue
            # Two writers that fill one list wait for each other, and the second one sees what the first one put in.
            await store.lock(self.connection, module.table, asked)
            failing = await sql_computed.failing(
                self.connection, self.catalog.modules, module, guard.condition, guard.value, asked, self.unit
            )
            if failing:
                rows = await store.fetch(self.connection, module.table, failing)
                problems += [self._refusal(module, guard.key, row) for row in rows.values() if row.archived_at is None]
        if problems:
            raise Invalid(problems)

    def _refusal(self, module: CompiledModule, name: str, row: Row) -> Problem:
        message = next((rule.message for rule in module.definition.rules if rule.name == name), None)
        text = label_text(message, self.unit.workspace.locale) if message else f"The rule {name} does not hold."
        return Problem(f"rule:{name}", "", text, f"{label_text(module.definition.label)}: {row.title}")

    # -- storing ------------------------------------------------------------------------------------------------------

    async def _save_for(self, nodes: Iterable[Computation]) -> None:
        """Store what is new if the database is about to read it for one of these computations."""
        pending = self.state.pending
        if pending and any(
            (end, reading.key) in pending
            for node in nodes
            for reading in node.readings
            for end in (reading.hops[-1].ends if reading.hops else (node.module_id,))
        ):
            await self._save()

    async def _save(self) -> None:
        self.state.pending.clear()
        for module_id, unsaved in self.state.unsaved.items():
            if not unsaved:
                continue
            module = self.catalog.modules[module_id]
            rows = self.state.rows[module_id]
            keys = sorted(set().union(*unsaved.values()))
            changed = [rows[identifier] for identifier in sorted(unsaved)]
            title = TITLE in keys
            await store.write_computed(
                self.connection, module.table, changed, [key for key in keys if key != TITLE], title
            )
            await self._log(module, unsaved)
            await self._search(module, unsaved)
            if self.unit.reactions is not None:
                before = self.state.before[module_id]
                self.moved += [
                    Change(module, row.id, set(unsaved[row.id]), before[row.id].copy(), row.copy()) for row in changed
                ]
            for row in changed:
                row.revision += 1
                self.stored[row.id] = row
            self.state.before[module_id].update({identifier: rows[identifier].copy() for identifier in unsaved})
            unsaved.clear()

    async def _log(self, module: CompiledModule, unsaved: dict[UUID, set[str]]) -> None:
        events = []
        rows, before = self.state.rows[module.id], self.state.before[module.id]
        for identifier, keys in unsaved.items():
            row = rows[identifier]
            pairs = {key: [before[identifier].get(key), row.get(key)] for key in keys}
            events.append(
                Event(
                    new_id(),
                    module.id,
                    identifier,
                    row.version,
                    "computed",
                    self.unit.actor.as_dict(),
                    self.unit.now,
                    pairs,
                    self.unit.change_id,
                )
            )
        await store.insert_events(self.connection, self.unit.schema, events)

    async def _search(self, module: CompiledModule, unsaved: dict[UUID, set[str]]) -> None:
        searched = {known.id for known in searching.searched(module)} | {TITLE}
        rows = self.state.rows[module.id]
        entries: list[dict[str, Any]] = []
        for identifier, keys in unsaved.items():
            if keys & searched:
                row = rows[identifier]
                entry = searching.entry(module, row) if row.archived_at is None else None
                if entry is not None:
                    entries.append({"id": identifier, "title": entry.title, "folded": entry.folded, "tsv": entry.tsv})
        await store.write_search(self.connection, module.table, entries)


def _targets(changes: Iterable[Change], link_id: str) -> set[UUID]:
    found: set[UUID] = set()
    for change in changes:
        for row in (change.before, change.after):
            if row is not None:
                _, target = target_of(row.data.get(link_id), ("",))
                if target is not None:
                    found.add(target)
    return found

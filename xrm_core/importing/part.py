"""One part of a file in one transaction: links found, records found again, values checked, the good rows stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from xrm_core.catalog import Catalog, CompiledModule
from xrm_core.importing import writing
from xrm_core.importing.convert import Ask, Converter, Item, located
from xrm_core.importing.lookups import Found, Lookups, title_way
from xrm_core.importing.mapping import Assigned, Mapping
from xrm_core.importing.outcome import Outcome, with_column
from xrm_core.importing.reader import Line
from xrm_core.importing.targets import KEY
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem, pointer
from xrm_core.records.inputs import Reference
from xrm_core.records.prepare import Draft
from xrm_core.records.references import SEVERAL, resolve
from xrm_core.records.unit import Unit
from xrm_core.storage import imports as store
from xrm_core.storage import records as record_store
from xrm_core.storage.database import Connection

Mark = tuple[object, ...]


@dataclass(frozen=True)
class Prepared:
    """A mapping made ready for one version of the definitions."""

    catalog: Catalog
    module: CompiledModule
    assigned: list[Assigned]
    converter: Converter
    mapping: Mapping
    match: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Later:
    """A link within the file's own module whose target may come in a later row."""

    line: Line
    record: UUID | None
    ask: Ask


@dataclass
class Memory:
    """What later parts of a file must know of earlier ones."""

    seen: dict[tuple[int, int], int] = field(default_factory=dict)
    """Unique values by their hash, and the row that has them."""
    matches: set[Mark] = field(default_factory=set)
    """What a dry run would have made, by what rows are matched with."""


@dataclass
class Part(Outcome):
    """What one part did; thrown away when the server undid it and it is done again."""

    later: list[Later] = field(default_factory=list)
    made: list[tuple[Item, Draft]] = field(default_factory=list)
    changed: list[tuple[Item, Draft]] = field(default_factory=list)
    would: list[Item] = field(default_factory=list)
    """Rows that a dry run could not store because they refer to rows that it would have made."""
    memory: Memory = field(default_factory=Memory)


class Work:
    """The work on one part."""

    def __init__(self, unit: Unit, connection: Connection, prepared: Prepared, lookups: Lookups, known: Memory, dry: bool) -> None:
        self.unit = unit
        self.connection = connection
        self.prepared = prepared
        self.module = prepared.module
        self.mapping = prepared.mapping
        self.lookups = lookups
        self.known = known
        self.dry = dry
        self.part = Part()

    async def run(self, items: Sequence[Item]) -> Part:
        """Everything from checked cells to stored records."""
        self.part.counts["rows"] = len(items)
        self.part.position = items[-1].line.number
        ready = await self._resolve([item for item in items if self._readable(item)])
        while ready:
            # Rows about one record are not stored together: the second finds what the first has made.
            ready = await self._write(ready)
        keys = [(item.key, draft.row.id) for item, draft in (*self.part.made, *self.part.changed) if item.key is not None]
        await store.add_keys(self.connection, self.unit.schema, self.module.id, self.lookups.source, keys)
        return self.part

    def refuse(self, item: Item, problems: Sequence[Problem]) -> None:
        """A row cannot be stored."""
        if self.dry and item.promised:
            problems = [one for one in problems if one.path.split("/")[1:2] not in ([name] for name in item.promised)]
            if all(one.code.startswith("rule:") for one in problems):
                self.part.would.append(item)
                self.part.counts["created"] += 1
                return
        column_of = self.prepared.converter.column_of
        self.part.note(item.line, [with_column(problem, column_of) for problem in problems], left_out=True)
        self.part.later = [one for one in self.part.later if one.line is not item.line]

    def _readable(self, item: Item) -> bool:
        problem = item.line.problem
        found = list(item.problems)
        if problem is not None and not (problem.code == "columns" and self.mapping.ragged == "fill"):
            found.insert(0, problem)
        if found:
            self.part.note(item.line, found, left_out=True)
        return not found

    # -- links ----------------------------------------------------------------------------------------------------------

    async def _resolve(self, items: Sequence[Item]) -> list[Item]:
        asks = [ask for item in items for ask in item.asks]
        if not asks:
            return list(items)
        answers = await self.lookups.find(self.unit, self.connection, self.module, asks)
        good = []
        for item in items:
            problems: list[Problem] = []
            later: list[Later] = []
            self._reset(item)
            for ask in item.asks:
                found = answers.get(ask)
                if isinstance(found, Found):
                    put(self.module, item, ask, found)
                elif found is None and self._may_come(ask):
                    later.append(Later(item.line, None, ask))
                else:
                    problems += located(ask.column, [unresolved(ask, several=found is not None)])
            left_out = bool(problems) and self.mapping.unresolved == "skip"
            if problems:
                self.part.note(item.line, problems, left_out=left_out)
            if not left_out:
                self.part.later += later
                good.append(item)
        return good

    def _reset(self, item: Item) -> None:
        # A part may be done again after the server undid it.
        item.promised.clear()
        for ask in item.asks:
            link = self.module.links.get(ask.target.name)
            if link is not None and link.many:
                item.input.many[link.id] = []
            elif link is not None:
                item.input.links.pop(link.id, None)
            elif ask.target.kind == "user":
                item.input.values.pop(self.module.fields[ask.target.name].id, None)

    def _may_come(self, ask: Ask) -> bool:
        link = self.module.links.get(ask.target.name)
        own = link is not None and self.module.id in link.targets and ask.target.module in (None, self.module.name)
        return own and link is not None and not link.definition.required

    # -- records ----------------------------------------------------------------------------------------------------------

    async def _write(self, items: list[Item]) -> list[Item]:
        """Store these rows; returns those that have to wait because an earlier row is about the same record."""
        part, module, unit = self.part, self.module, self.unit
        fresh, changes, rest = list(items), list[tuple[UUID, Item]](), list[Item]()
        if self.prepared.match:
            fresh, changes, rest = await self._match(items)
        # A run finds the values of earlier parts in the database; a dry run has to remember them.
        seen, before = part.memory.seen, self.known.seen
        fresh = await writing.without_doubles(unit, self.connection, module, fresh, seen, before, self.refuse)
        made = await writing.create(unit, module, fresh, self.refuse)
        changed = await writing.update(unit, module, changes, self.refuse)
        part.made += made
        part.changed += changed
        part.counts["created"] += len(made)
        for _, draft in changed:
            part.counts["updated" if draft.changed or draft.many else "unchanged"] += 1
        if part.later:
            records = {id(item.line): draft.row.id for item, draft in (*made, *changed)}
            part.later = [Later(one.line, records.get(id(one.line), one.record), one.ask) for one in part.later]
        for item, draft in (*made, *changed):
            if draft.warnings:
                part.warn(item.line, draft.warnings, self.prepared.converter.column_of)
        return rest

    async def _match(self, items: list[Item]) -> tuple[list[Item], list[tuple[UUID, Item]], list[Item]]:
        """(rows about new records, (record, row) of known ones, rows that must wait)."""
        part, mapping = self.part, self.mapping
        marks = [self._mark(item) for item in items]
        found = await self._existing(items, marks)
        fresh: list[Item] = []
        changes: list[tuple[UUID, Item]] = []
        rest: list[Item] = []
        taken: set[Mark] = set()
        for index, (item, mark) in enumerate(zip(items, marks, strict=True)):
            if mark is None:
                fresh.append(item)
            elif mark in taken:
                rest.append(item)
            elif index in found:
                one = found[index]
                taken.add(mark)
                if one is None:
                    named = ", ".join(self.prepared.match)
                    self.refuse(item, [Problem("ambiguous", "", f"Several records have this {named}.", "Match by more.")])
                elif mapping.existing == "skip":
                    part.counts["skipped"] += 1
                else:
                    changes.append((one, item))
            elif self.dry and self._would_be_there(item, mark):
                part.counts["skipped" if mapping.existing == "skip" else "updated"] += 1
            elif mapping.missing == "skip":
                place = pointer(self.prepared.match[0])
                hint = "Import the record itself first."
                self.refuse(item, [Problem("not_found", place, f"No record of {self.module.name} has this value.", hint)])
            else:
                taken.add(mark)
                if self.dry:
                    part.memory.matches.add(mark)
                fresh.append(item)
        return fresh, changes, rest

    def _would_be_there(self, item: Item, mark: Mark) -> bool:
        if mark in self.known.matches or mark in self.part.memory.matches:
            return True
        return item.key is not None and self.lookups.promised([self.module], KEY, item.key)

    def _mark(self, item: Item) -> Mark | None:
        """What tells which record the row is about; None when the row does not say it."""
        match = self.prepared.match
        if match == (KEY,):
            return None if item.key is None else (item.key,)
        if match == ("id",):
            return None if item.id is None else (item.id,)
        found = []
        for name in match:
            known = self.module.fields[name]
            value = item.input.values.get(known.id)
            if value is None:
                return None
            projected = known.definition.project(value)
            found.append(tuple(projected) if isinstance(projected, list) else projected)
        return tuple(found)

    async def _existing(self, items: Sequence[Item], marks: Sequence[Mark | None]) -> dict[int, UUID | None]:
        """The record that each row is about, by the row's place; None where several fit."""
        match = self.prepared.match
        asked = [(index, items[index]) for index, mark in enumerate(marks) if mark is not None]
        if match == (KEY,):
            keys = [item.key for _, item in asked if item.key is not None]
            known = await store.by_keys(self.connection, self.module.table, self.lookups.source, keys)
            return {index: known[item.key] for index, item in asked if item.key in known}
        if match == ("id",):
            ids = [item.id for _, item in asked if item.id is not None]
            there = await record_store.exist(self.connection, self.module.table, ids) if ids else {}
            return {index: item.id for index, item in asked if item.id is not None and there.get(item.id) is False}
        references = []
        for _, item in asked:
            by = {name: item.input.values.get(self.module.fields[name].id) for name in match}
            references.append(Reference(self.module.name, None, by=by))
        await resolve(self.unit, self.connection, references)
        found: dict[int, UUID | None] = {}
        for (index, _), reference in zip(asked, references, strict=True):
            if reference.id is not None or reference.attributes == SEVERAL:
                found[index] = reference.id
        return found


def put(module: CompiledModule, item: Item, ask: Ask, found: Found) -> None:
    """Set what a cell refers to."""
    name = ask.target.name
    if found.id is None:
        item.promised.add(name)
    elif ask.target.kind == "owner":
        item.input.owner, item.input.has_owner = found.id, True
    elif ask.target.kind == "user":
        known = module.fields[name]
        if known.definition.kind is Kind.LIST:
            ids = item.input.values.setdefault(known.id, [])
            item.input.values[known.id] = list(dict.fromkeys([*ids, str(found.id)]))
        else:
            item.input.values[known.id] = str(found.id)
    else:
        link = module.links[name]
        reference = Reference(found.module, found.id, path=pointer(name))
        if link.many:
            item.input.many.setdefault(link.id, []).append(reference)
        else:
            item.input.links[link.id] = reference


def unresolved(ask: Ask, *, several: bool) -> Problem:
    """A cell that leads nowhere."""
    how = ask.target.detail or ("name or e-mail address" if ask.target.kind != "link" else "key, e-mail address or title")
    shown = ask.text if len(ask.text) <= 80 else ask.text[:79] + "…"
    what = "Several records have" if several else "No user has" if ask.target.kind != "link" else "No record has"
    hint = "Name a field that tells them apart." if several else "Import it first, or choose to import rows without the link."
    return Problem("unresolved", "", f"{what} the {how} {shown!r}.", hint)


def promise(lookups: Lookups, module: CompiledModule, part: Part) -> None:
    """Tell later rows and files of a dry run what this part would have made."""
    way = title_way(module)
    texts = {known.id: name for name, known in module.fields.items() if known.column is not None}
    for item, draft in part.made:
        lookups.promise(module, "title", draft.row.title)
        if way != "title":
            lookups.promise(module, way, draft.row.title)
        _promise_values(lookups, module, texts, item, draft.row.data)
    for item in part.would:
        _promise_values(lookups, module, texts, item, item.input.values)


def _promise_values(
    lookups: Lookups, module: CompiledModule, texts: dict[str, str], item: Item, values: dict[str, object]
) -> None:
    if item.key is not None:
        lookups.promise(module, KEY, item.key)
    for key, name in texts.items():
        value = values.get(key)
        if isinstance(value, str):
            lookups.promise(module, name, value)

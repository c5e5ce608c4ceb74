"""Running an import: part by part, each in a transaction of its own; a dry run is the same and undoes each part."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from uuid import UUID

from xrm_core.importing.convert import Converter, Item, Rewrite, located
from xrm_core.importing.lookups import Found, Lookups
from xrm_core.importing.mapping import Mapping, assign
from xrm_core.importing.outcome import Outcome, with_column
from xrm_core.importing.part import Later, Memory, Part, Prepared, Work, promise, put, unresolved
from xrm_core.importing.reader import Line, Table
from xrm_core.importing.targets import KEY, Target, read_target
from xrm_core.importing.writing import update
from xrm_core.kernel.actor import Actor
from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.problem import Problem
from xrm_core.records.inputs import Input
from xrm_core.records.prepare import parse_context
from xrm_core.records.unit import Unit, Units
from xrm_core.storage import imports as store
from xrm_core.storage.workspaces import Workspace

AT_ONCE = 1_000
TOGETHER = 2
"""Parts under way at the same time: one is made ready while the server stores the other."""
Progress = Callable[[int, int], None]
Each = Callable[[Outcome], None]


def prepare(
    unit: Unit, module_name: str, columns: tuple[str, ...], mapping: Mapping, rewrite: Rewrite | None = None
) -> Prepared:
    """A mapping made ready; raises Invalid with all that is wrong with it, Forbidden without the right to import."""
    unit.policy.require_import()
    module = unit.module(module_name)
    if mapping.missing == "create":
        unit.policy.require(module.id, "create")
    assigned, problems = assign(unit, module, columns, mapping)
    if problems:
        raise Invalid(problems)
    constants: list[tuple[Target, str]] = []
    for text, value in mapping.constants.items():
        target = read_target(unit, module, text)
        assert isinstance(target, Target)
        constants.append((target, value))
    plain = parse_context(unit)
    context = replace(
        plain,
        region=mapping.region or plain.region,
        currency=mapping.currency or plain.currency,
        zone=mapping.zone or plain.zone,
    )
    converter = Converter(module, assigned, mapping, constants, context, rewrite)
    match = mapping.match or ((KEY,) if converter.has_key else ("id",) if "id" in converter.column_of else ())
    if match and mapping.existing == "update":
        unit.policy.require(module.id, "edit")
    return Prepared(unit.catalog, module, assigned, converter, mapping, match)


class Importer:
    """Imports one file into one module."""

    def __init__(
        self,
        units: Units,
        workspace: Workspace,
        actor: Actor,
        module: str,
        table: Table,
        mapping: Mapping,
        *,
        import_id: UUID | None = None,
        lookups: Lookups | None = None,
        rewrite: Rewrite | None = None,
        promises: bool = False,
    ) -> None:
        self.units = units
        self.workspace = workspace
        self.actor = actor
        self.module_name = module
        self.table = table
        self.mapping = mapping
        self.import_id = import_id
        self.lookups = lookups or Lookups(mapping.source)
        self.rewrite = rewrite
        self.promises = promises
        """Whether other files of a dry run refer to what this one would make."""
        self.outcome = Outcome()
        self._memory = Memory()
        self._later: list[Later] = []
        self._prepared: Prepared | None = None

    async def prepare(self) -> Prepared:
        """The mapping, made ready for the definitions as they are now."""
        async with self.units.begin(self.workspace, self.actor) as unit:
            return self._ready(unit)

    def _ready(self, unit: Unit) -> Prepared:
        if self._prepared is None or self._prepared.catalog is not unit.catalog:
            self._prepared = prepare(unit, self.module_name, self.table.columns, self.mapping, self.rewrite)
        return self._prepared

    async def run(
        self,
        *,
        dry: bool = False,
        after: int = 0,
        done: Sequence[tuple[int, int]] = (),
        counts: dict[str, int] | None = None,
        progress: Progress | None = None,
        each: Each | None = None,
    ) -> Outcome:
        """Import the rows after record number `after` that are not in `done`; with `dry` nothing is kept.

        `counts` go on from an earlier run.
        """
        prepared = await self.prepare()
        if counts:
            self.outcome.counts.update(counts)
        self.outcome.position = after
        lines = _without(self.table.lines(after), done)
        together = 1 if dry or self._depends_on_order(prepared) else TOGETHER
        flying: deque[asyncio.Task[Part]] = deque()
        waiting = asyncio.create_task(asyncio.to_thread(_take, lines, prepared.converter))

        async def landed() -> None:
            part = await flying.popleft()
            self._keep(part, each)
            if dry:
                self._memory.seen |= part.memory.seen
                self._memory.matches |= part.memory.matches
            if progress is not None:
                rows = self.outcome.counts["rows"]
                progress(rows, max(self.table.estimate, rows))

        try:
            while items := await waiting:
                # The next rows are read and parsed while the server stores these.
                waiting = asyncio.create_task(asyncio.to_thread(_take, lines, (await self.prepare()).converter))
                if len(flying) >= together:
                    await landed()
                flying.append(asyncio.create_task(self._one(items, after, dry)))
                after = items[-1].line.number
                if together == 1:
                    await landed()
            while flying:
                await landed()
        finally:
            # A thread reads the file, and another part may be about to be stored: both come to their end.
            rest = [waiting, *flying]
            await asyncio.wait(rest)
            for one in rest:
                if not one.cancelled():
                    one.exception()
        for start in range(0, len(self._later), AT_ONCE):
            self._keep(await self._link(self._later[start : start + AT_ONCE], dry), each)
        return self.outcome

    def _depends_on_order(self, prepared: Prepared) -> bool:
        """Whether a part may need what the one before it made, or both may change the same other record."""
        columns = prepared.converter.column_of
        return bool(prepared.match) or any(name in prepared.module.links for name in columns)

    async def _one(self, items: list[Item], after: int, dry: bool) -> Part:
        work = partial(self._tried if dry else self._stored, items=items, after=after)
        return await self.units.run(self.workspace, self.actor, work)

    async def _stored(self, unit: Unit, *, items: list[Item], after: int) -> Part:
        connection = await unit.transaction()
        part = await Work(unit, connection, self._ready(unit), self.lookups, self._memory, False).run(items)
        await self._note(unit, part, (after, part.position), changed=bool(part.changed))
        return part

    async def _tried(self, unit: Unit, *, items: list[Item], after: int) -> Part:
        connection = await unit.transaction()
        prepared = self._ready(unit)
        async with connection.transaction(force_rollback=True):
            part = await Work(unit, connection, prepared, self.lookups, self._memory, True).run(items)
        if self.promises or self._links_to_itself(prepared):
            promise(self.lookups, prepared.module, part)
        await self._note(unit, part, None, changed=False)
        return part

    def _links_to_itself(self, prepared: Prepared) -> bool:
        module = prepared.module
        links = (module.links.get(name) for name in prepared.converter.column_of)
        return any(link is not None and module.id in link.targets for link in links)

    async def _note(self, unit: Unit, part: Part, rows: tuple[int, int] | None, *, changed: bool) -> None:
        """Keep what was done, in the transaction that did it; `rows` is None for a dry run."""
        if self.import_id is None:
            return
        connection = await unit.transaction()
        if rows is not None and part.made:
            ids = [draft.row.id for _, draft in part.made]
            await store.remember(connection, unit.schema, self.import_id, unit.module(self.module_name).id, ids)
        if changed and unit.changed is not None:
            await store.remember_change(connection, unit.schema, self.import_id, unit.changed)
        await store.add_rows(connection, unit.schema, self.import_id, [row.stored() for row in part.rows])
        await store.advance(connection, unit.schema, self.import_id, rows, part.counts, unit.now)

    def _keep(self, part: Part, each: Each | None) -> None:
        self.outcome.add(part)
        self._later += part.later
        if each is not None:
            each(part)

    # -- links to rows that came later ------------------------------------------------------------------------------------

    async def _link(self, later: list[Later], dry: bool) -> Part:
        return await self.units.run(self.workspace, self.actor, partial(self._linked, later=later, dry=dry))

    async def _linked(self, unit: Unit, *, later: list[Later], dry: bool) -> Part:
        """Set links within the module, now that all rows of the file are there."""
        prepared = self._ready(unit)
        connection = await unit.transaction()
        part = Part()
        answers = await self.lookups.find(unit, connection, prepared.module, [one.ask for one in later])
        items: dict[tuple[UUID, str], tuple[Line, Item]] = {}
        for one in later:
            found = answers.get(one.ask)
            if not isinstance(found, Found):
                part.note(one.line, located(one.ask.column, [unresolved(one.ask, several=found is not None)]), left_out=False)
            elif one.record is not None and not dry:
                item = items.setdefault((one.record, one.ask.target.name), (one.line, Item(one.line, Input())))[1]
                put(prepared.module, item, one.ask, found)

        def refuse(item: Item, problems: Sequence[Problem]) -> None:
            found = [with_column(problem, prepared.converter.column_of) for problem in problems]
            part.note(item.line, found, left_out=False)

        # A record with several such links is changed once per link, so that no change holds it twice.
        for name in dict.fromkeys(name for _, name in items):
            await update(unit, prepared.module, [(key[0], item) for key, (_, item) in items.items() if key[1] == name], refuse)
        await self._note(unit, part, None, changed=bool(items))
        return part


def _without(lines: Iterator[Line], done: Sequence[tuple[int, int]]) -> Iterator[Line]:
    """The rows that an earlier run did not deal with."""
    if not done:
        return lines
    return (line for line in lines if not any(start < line.number <= end for start, end in done))


def _take(lines: Iterator[Line], converter: Converter) -> list[Item]:
    """The next rows, parsed."""
    return [converter.item(line) for line in islice(lines, AT_ONCE)]

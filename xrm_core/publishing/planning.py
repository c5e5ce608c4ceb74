"""A change as people review it: checked, counted, with samples of what would fail and everything that it concerns."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from xrm_core.catalog import Catalog
from xrm_core.definitions import edit
from xrm_core.definitions.checks import check
from xrm_core.definitions.collection import DefinitionSet, body
from xrm_core.definitions.diff import Change
from xrm_core.definitions.link import Link
from xrm_core.definitions.module import Module
from xrm_core.definitions.names import free_name, name_from
from xrm_core.definitions.retype import separate
from xrm_core.definitions.rule import UniqueRule
from xrm_core.definitions.uses import Place, located, uses_of
from xrm_core.fields import FIELD_TYPES, Field
from xrm_core.fields.base import Rejected
from xrm_core.kernel.actor import Actor
from xrm_core.kernel.errors import Invalid, NotFound
from xrm_core.kernel.problem import Problem
from xrm_core.kernel.text import fold
from xrm_core.publishing.history import get_version
from xrm_core.publishing.impact import counter
from xrm_core.publishing.plan import ChangePlan, current, plan
from xrm_core.publishing.taking import old_catalog, values_of
from xrm_core.publishing.values import Fill, Plans, Seen, Taker, derive, shown_as
from xrm_core.records.prepare import parse_context
from xrm_core.records.unit import Unit, Units
from xrm_core.storage import conversions, drafts
from xrm_core.storage import definitions as store
from xrm_core.storage.database import Connection
from xrm_core.storage.tables import table_name
from xrm_core.storage.workspaces import Workspace

SAMPLES = 10
MOST_VALUES = 200_000
"""Different values that a review looks at; beyond them its counts are for those alone."""
MOST_RECORDS = 20_000
"""Records on which a review tries an expression."""
_CHUNK = 1_000

Wanted = Callable[[DefinitionSet], DefinitionSet]


@asynccontextmanager
async def _unit(units: Units, workspace: Workspace, actor: Actor) -> AsyncIterator[Unit]:
    async with units.begin(workspace, actor) as unit:
        unit.policy.require_design()
        yield unit


async def plan_set(
    units: Units,
    workspace: Workspace,
    actor: Actor,
    wanted: Wanted,
    *,
    samples: int = SAMPLES,
) -> ChangePlan:
    """What going over to other definitions would mean: the plan that a review shows and that is published."""
    async with _unit(units, workspace, actor) as unit, units.database.writing() as connection:
        number, old = await current(connection, workspace.schema)
        new = separate(old, wanted(old))
        return await _planned(unit, connection, number, old, new, derive(old, new), samples=samples)


async def plan_back(
    units: Units, workspace: Workspace, actor: Actor, number: int, *, samples: int = SAMPLES
) -> ChangePlan:
    """What going back to an earlier version would mean, data included."""
    async with _unit(units, workspace, actor) as unit, units.database.writing() as connection:
        now, old = await current(connection, workspace.schema)
        _, new = await get_version(connection, workspace.schema, number)
        undo = tuple(await drafts.steps_after(connection, workspace.schema, number))
        values = derive(old, new, back=True)
        return await _planned(unit, connection, now, old, new, values, undo=undo, samples=samples)


async def _planned(
    unit: Unit,
    connection: Connection,
    number: int,
    old: DefinitionSet,
    new: DefinitionSet,
    values: Plans,
    *,
    undo: tuple[drafts.Step, ...] = (),
    samples: int,
) -> ChangePlan:
    count = counter(connection, unit.schema)
    converted = values.converted() | _put_back(undo, old)
    made = await plan(connection, unit.schema, new, base=(number, old), count=count, converted=converted)
    if made.empty:
        return made
    if values.problems:
        made = replace(made, problems=(*made.problems, *values.problems))
    review = _Review(unit, connection, number, old, new, made, samples)
    await review.look(values)
    return replace(
        made, values=values, undo=undo, changes=tuple(review.changes), details=review.details, impact=review.impact
    )


def _put_back(undo: tuple[drafts.Step, ...], old: DefinitionSet) -> set[tuple[str, str, str]]:
    # Whatever name a step gave to values, taking it back gives them the old ones.
    found: set[tuple[str, str, str]] = set()
    for step in undo:
        for module_id, tasks in step.tasks.items():
            for task in tasks:
                if task["do"] == "names":
                    found |= {(module_id, task["key"], name) for name in task["map"].values()}
    return found


class _Review:
    """Collects what there is to say about each change."""

    def __init__(
        self,
        unit: Unit,
        connection: Connection,
        number: int,
        old: DefinitionSet,
        new: DefinitionSet,
        made: ChangePlan,
        samples: int,
    ) -> None:
        self.unit, self.connection, self.number = unit, connection, number
        self.old, self.new, self.made, self.most = old, new, made, samples
        self.changes = list(made.changes)
        self.impact = dict(made.impact or {})
        self.details: dict[str, dict[str, Any]] = {}
        self.tables: set[str] = set()

    async def look(self, values: Plans) -> None:
        """Count and sample everything."""
        self.tables = await store.module_tables(self.connection, self.unit.schema)
        for fill in values.fills:
            if not values.problems and self.there(fill.module):
                await self._fill(fill)
        for index, change in enumerate(self.changes):
            self.changes[index] = await self._change(change)
        if self.most:
            self._uses()

    def there(self, module: Module) -> bool:
        """Whether a module has records to look at."""
        return module.id in self.old.by_id and table_name(module.id) in self.tables

    def _shown(self, module: Module) -> int:
        """How many samples may be shown of a module's records."""
        policy = self.unit.policy
        return self.most if module.id in self.unit.catalog.modules and policy.allows(module.id, "see") else 0

    def _say(self, path: str, **words: Any) -> None:
        self.details.setdefault(path, {}).update(words)

    async def _fill(self, fill: Fill) -> None:
        seen = await self.seen(fill)
        say = {"takes_over": seen.as_dict()}
        if fill.source is not None:
            say["takes_over"]["from"] = fill.source.id
        self._say(fill.path, **say)
        self.impact[fill.path] = seen.records
        for index, change in enumerate(self.changes):
            if change.path == fill.path:
                effect = "destructive" if seen.fails else "needs_backfill"
                words = f"{seen.fits} of {seen.records} records take their value over."
                if seen.fails:
                    words += f" {seen.fails} values do not fit; they are kept with the old field."
                self.changes[index] = replace(change, effect=effect, reason=words)  # type: ignore[arg-type]

    async def seen(self, fill: Fill) -> Seen:
        """What a fill would make of what is stored, by the code that will do it."""
        schema, module = self.unit.schema, fill.module
        most, seen = self._shown(module), Seen()
        if isinstance(fill.node, Link):
            assert isinstance(fill.source, Link)
            if fill.source.many:
                one, more, ids = await conversions.link_counts(
                    self.connection, schema, f"{module.id}.{fill.source.id}", most
                )
                fits, fails = (one + more, 0) if fill.node.many else (one, more)
                seen.records, seen.fits, seen.fails = one + more, fits, fails
                if fails:
                    words = "The record is connected with several."
                    seen.samples = [{"record": one_id, "problem": words} for one_id in ids]
                return seen
            count = await conversions.records_with(self.connection, schema, module.id, fill.source.id)
            seen.records = seen.fits = count
            return seen
        context = parse_context(self.unit)
        if fill.takes.expression is not None:
            await self._by_expression(fill, seen, most)
            return seen
        assert fill.source is not None and not isinstance(fill.source, Link)
        scopes = self.unit.catalog.scopes if self.unit.catalog.version == self.number else None
        scopes = scopes or Catalog(schema, self.number, self.old, {}).scopes
        source = shown_as(scopes, self.old.by_id[module.id], fill.source)
        take = Taker(fill.node, source, fill.takes, context)
        beside = fill.source.beside
        rows = await conversions.grouped_values(
            self.connection, schema, module.id, fill.source.id, MOST_VALUES, beside=beside
        )
        for value, count, record in rows:
            try:
                outcome = take(value)
            except Rejected as rejected:
                outcome = rejected
            seen.take(count, value, outcome, record, most)
        seen.exact = len(rows) < MOST_VALUES
        return seen

    async def _by_expression(self, fill: Fill, seen: Seen, most: int) -> None:
        assert not isinstance(fill.node, Link)
        schema = self.unit.schema
        old = await old_catalog(self.unit, self.connection, self.number)
        module = old.modules.get(fill.module.id)
        if module is None:
            return
        after = None
        while seen.records < MOST_RECORDS:
            ids = await store.record_ids(self.connection, schema, module.id, after, _CHUNK)
            if not ids:
                return
            found = await values_of(self.unit, self.connection, old, module, fill.node, fill.takes, ids)
            for one, outcome in found.items():
                seen.take(1, None, outcome, str(one), most)
            after = ids[-1]
            if len(ids) < _CHUNK:
                return
        seen.exact = False

    # -- single changes -------------------------------------------------------------------------------------------

    async def _change(self, change: Change) -> Change:
        parts = change.parts
        if parts[0] != "module" or parts[1] not in self.old.by_id:
            return change
        module = self.old.by_id[parts[1]]
        if len(parts) == 2 and change.kind == "removed":
            return change
        if parts[2:] == ["archived"] and change.after:
            return replace(
                change, effect="destructive", reason="The module's records can no longer be reached; they are kept."
            )
        if len(parts) >= 4 and parts[2] in ("fields", "links"):
            return await self._part(change, parts, module)
        if parts[2] == "rules" and len(parts) == 4 and change.kind == "added":
            rule = next((r for r in self.new.by_id[parts[1]].rules if r.id == parts[3]), None)
            if isinstance(rule, UniqueRule):
                by_name = {n.name: n.id for n in (*module.fields, *module.links) if not n.archived}
                keys = [by_name[name] for name in rule.fields if name in by_name]
                if keys and len(keys) == len(rule.fields):
                    return await self._unique(change, module, keys)
        return change

    async def _part(self, change: Change, parts: list[str], module: Module) -> Change:
        part, key, rest = parts[2], parts[3], parts[4:]
        if rest == ["archived"] and change.after:
            wanted = self.new.by_id.get(module.id)
            nodes = (*wanted.fields, *wanted.links) if wanted is not None else ()
            heir = next((n for n in nodes if n.takes_from and n.takes_from.field == key and not n.archived), None)
            if heir is not None and not any(n.id == heir.id for n in (*module.fields, *module.links)):
                self._say(change.path, replaced_by=heir.id)
                return replace(change, reason="Its values are kept; another one takes them over.")
            words = "The values can no longer be reached; they are kept."
            return replace(change, effect="destructive", reason=words)
        node = next((n for n in getattr(module, part) if n.id == key), None)
        if node is None or not self.there(module):
            return change
        if rest == ["required"] and change.after and not getattr(node, "many", False):
            beside = bool(getattr(node, "beside", False))
            most = self._shown(module)
            found = await conversions.without(self.connection, self.unit.schema, module.id, key, most, beside=beside)
            if found:
                self._say(change.path, failing=[{"record": one, "title": title} for one, title in found])
                words = "Records without a value stay as they are until somebody changes them."
                return replace(change, effect="needs_backfill", reason=words)
        if rest == ["unique"] and change.after:
            return await self._unique(change, module, [key])
        return change

    async def _unique(self, change: Change, module: Module, keys: list[str]) -> Change:
        if not self.there(module):
            return change
        values, records, found = await conversions.repeated(
            self.connection, self.unit.schema, module.id, keys, self._shown(module)
        )
        if not values:
            return change
        self.impact[change.path] = records
        self._say(change.path, failing=found, repeated=values)
        words = f"{records} records share {values} values; as long as they do, new ones are not refused."
        return replace(change, effect="destructive", reason=words)

    def _uses(self) -> None:
        """Everything that mentions what is renamed, retyped, archived or removed, and whether it is changed along."""
        asked: dict[str, Place] = {}
        for change in self.changes:
            place = self._used(change)
            if place is not None:
                asked[change.path] = place
        if not asked:
            return
        found = uses_of(self.old, asked.values())
        changed = {change.path for change in self.changes}
        for path, place in asked.items():
            if found[place]:
                told = [{**use.as_dict(), "rewritten": _covered(use.path, changed)} for use in found[place]]
                self._say(path, used_by=told)

    def _used(self, change: Change) -> Place | None:
        parts = change.parts
        if parts[0] != "module" or parts[1] not in self.old.by_id or change.kind == "added" and len(parts) in (2, 4):
            return None
        if len(parts) == 2 or parts[2:] in (["archived"], ["name"]):
            return parts[1], "", ""
        gone = len(parts) == 4 and change.kind == "removed"
        if parts[2] in ("fields", "links") and (gone or parts[4:] in (["archived"], ["name"], ["type"])):
            return parts[1], parts[2], parts[3]
        return None


def _covered(path: str, changed: set[str]) -> bool:
    """Whether a place is changed along, by itself or as part of something larger."""
    parts = path.split("/")
    return any("/".join(parts[:length]) in changed for length in range(2, len(parts) + 1))


async def try_type(
    units: Units,
    workspace: Workspace,
    actor: Actor,
    wanted: DefinitionSet | None,
    path: str,
    type_: str,
    settings: dict[str, Any],
    *,
    samples: int = SAMPLES,
) -> dict[str, Any]:
    """What giving a field another type would do to its stored values, with settings that fit them where none are given.

    `wanted` is the set of a draft; values are always those of the published field.
    """
    async with _unit(units, workspace, actor) as unit, units.database.writing() as connection:
        number, old = await current(connection, workspace.schema)
        parts = path.strip("/").split("/")
        if len(parts) != 4 or parts[0] != "module" or parts[2] != "fields":
            raise Invalid(Problem("path", "/path", "Only fields have a type.", "Write module/NAME/fields/NAME."))
        module = edit.find_module(old, parts[1])
        source = next((f for f in module.fields if parts[3] in (f.id, f.name)), None)
        if source is None:
            raise NotFound(Problem("missing", "/path", f"{module.name} has no published field '{parts[3]}'."))
        proposed = dict(settings)
        if not settings:
            proposed = await _proposed(unit, connection, module, source, type_)
        changed = edit.retype_part(wanted or old, module.id, source.id, type_, proposed)
        new = separate(old, changed if wanted is None else _only(old, changed, module.id, source.id))
        values = derive(old, new)
        made = await plan(connection, unit.schema, new, base=(number, old), count=counter(connection, unit.schema))
        review = _Review(unit, connection, number, old, new, made, samples)
        review.tables = await store.module_tables(connection, unit.schema)
        fill = next((fill for fill in values.fills if fill.module.id == module.id), None)
        seen = await review.seen(fill) if fill is not None and not values.problems and review.there(module) else Seen()
        problems = [located(changed, problem) for problem in (*check(changed), *values.problems)]
        return {"settings": proposed, **seen.as_dict(), "problems": problems}


def _only(old: DefinitionSet, changed: DefinitionSet, module_id: str, field_id: str) -> DefinitionSet:
    """The published set with one field as a draft has it."""
    field = next(f for f in changed.by_id[module_id].fields if f.id == field_id)
    module = old.by_id[module_id]
    fields = tuple(field if f.id == field_id else f for f in module.fields)
    return old.with_module(module.model_copy(update={"fields": fields}))


MOST_PROPOSED = 100
"""So many different values can become the options of a select."""


async def _proposed(unit: Unit, connection: Connection, module: Module, source: Field, type_: str) -> dict[str, Any]:
    """Settings of a type that fit what a field holds: its values as options, the country whose dates they are."""
    model = next((m for m in FIELD_TYPES if m.model_fields["type"].default == type_), None)
    if model is None or "options" not in model.model_fields:
        return {}
    known = getattr(source, "options", ())
    if known:
        return {"options": [body(option) for option in known]}
    if table_name(module.id) not in await store.module_tables(connection, unit.schema):
        return {"options": [{"name": "new", "label": "New"}]}
    rows = await conversions.grouped_values(
        connection, unit.schema, module.id, source.id, MOST_VALUES, beside=source.beside
    )
    context = parse_context(unit)
    counts: dict[str, tuple[str, int]] = {}
    for value, count, _ in rows:
        text = source.format(value, context).strip()[:200].replace("|", "/")
        if text:
            label, before = counts.get(fold(text), (text, 0))
            counts[fold(text)] = (label, before + count)
    best = sorted(counts.values(), key=lambda one: (-one[1], one[0]))[:MOST_PROPOSED]
    options: list[dict[str, str]] = []
    taken: set[str] = set()
    for label, _ in best:
        name = free_name(name_from(label), taken)
        taken.add(name)
        options.append({"name": name, "label": label})
    return {"options": options or [{"name": "new", "label": "New"}]}

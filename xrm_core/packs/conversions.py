"""Which stored values a change of definitions converts: names that changed, types that changed, what a pack declares."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from xrm_core.definitions.collection import DefinitionSet, body
from xrm_core.definitions.module import Module
from xrm_core.definitions.pack_migration import Conversion, PackMigration
from xrm_core.packs.versions import version_of
from xrm_core.publishing.converting import CONVERT, STAGE
from xrm_core.publishing.impact import Ask, Counter
from xrm_core.publishing.renaming import StoredName

GONE = "*"
"""Stands for all fields and links of a module that are gone."""


@dataclass
class Planned:
    """The conversions of one stored key of a module."""

    module_id: str
    key: str
    rules: list[dict[str, Any]] = field(default_factory=list)
    copy_from: str = ""
    old: dict[str, Any] | None = None
    clear: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    """Records concerned, by old name."""

    @property
    def names(self) -> set[str]:
        """The old names that go over into others, whatever else holds for a record."""
        return {name for rule in self.rules for name in rule["map"] if rule["when"] is None}

    def payload(self, step: str) -> dict[str, Any]:
        """The work that does it."""
        found: dict[str, Any] = {"kind": CONVERT, "module": self.module_id, "step": step, "key": self.key}
        if self.clear:
            return {**found, "clear": self.clear}
        if self.copy_from:
            return {**found, "copy_from": self.copy_from, "old": self.old}
        return {**found, "rules": self.rules}

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON data for a review."""
        found: dict[str, Any] = {"module": self.module_id, "key": self.key, "records": sum(self.counts.values())}
        if self.clear:
            return {**found, "set_aside": self.clear, "counts": self.counts}
        if self.copy_from:
            return {**found, "copy_from": self.copy_from}
        return {**found, "rules": self.rules, "counts": self.counts}


class Conversions:
    """Collects what to convert between two sets."""

    def __init__(self, live: DefinitionSet, wanted: DefinitionSet) -> None:
        self.live, self.wanted = live, wanted
        self.found: dict[tuple[str, str], Planned] = {}

    def _of(self, module_id: str, key: str) -> Planned:
        return self.found.setdefault((module_id, key), Planned(module_id, key))

    def declared(self, migrations: Iterable[PackMigration], above: str, up_to: str, names: DefinitionSet) -> None:
        """What the pack declares for the versions in between; names are those of the pack's own new version."""
        for migration in migrations:
            if version_of(above) < version_of(migration.version) <= version_of(up_to):
                for conversion in migration.conversions:
                    self._declared(conversion, names)

    def _declared(self, conversion: Conversion, names: DefinitionSet) -> None:
        theirs = names.module(conversion.module)
        module = self.wanted.by_id.get(theirs.id) if theirs is not None else None
        old = self.live.by_id.get(theirs.id) if theirs is not None else None
        if theirs is None or module is None or old is None:
            return
        key = STAGE if conversion.field is None else _field_id(theirs, conversion.field)
        if key is None:
            return
        if conversion.copy_from is not None:
            source = next((f for f in old.fields if conversion.copy_from in (f.id, f.name)), None)
            if source is not None and not source.beside:
                planned = self._of(module.id, key)
                planned.copy_from, planned.old = source.id, body(source)
            return
        self._of(module.id, key).rules.append({"when": conversion.when, "map": dict(conversion.map)})

    def renamed(self) -> None:
        """Options and stages that kept their ids and have other names; fields whose type is another one."""
        for old in self.live.modules:
            module = self.wanted.by_id.get(old.id)
            if module is None:
                continue
            for key, before, after in _named_lists(old, module):
                names = {node.id: node.name for node in after}
                changed = {n.name: names[n.id] for n in before if names.get(n.id, n.name) != n.name}
                if changed:
                    self._of(module.id, key).rules.append({"when": None, "map": changed})
            fields = {f.id: f for f in module.fields}
            for known in old.fields:
                now = fields.get(known.id)
                if now is None or now.type == known.type or known.computed or now.computed:
                    continue
                if not (known.beside or now.beside):
                    planned = self._of(module.id, known.id)
                    planned.copy_from, planned.old = known.id, body(known)

    async def kept(self, count: Counter) -> DefinitionSet:
        """The wanted set in which options and stages that records have, and nothing replaces, live on as archived."""
        wanted = self.wanted
        for old in self.live.modules:
            module = wanted.by_id.get(old.id)
            if module is None:
                continue
            for key, before, after in _named_lists(old, module):
                there = {node.name for node in after}
                gone = self.found[old.id, key].names if (old.id, key) in self.found else set()
                for node in before:
                    if node.name not in there and node.name not in gone and await _count(count, old.id, key, node.name):
                        module = _with_archived(module, key, node)
            wanted = wanted if module is wanted.by_id[module.id] else wanted.with_module(module)
        self.wanted = wanted
        return wanted

    async def leave_stages(self, count: Counter) -> None:
        """Records in stages that are gone go to the stage these stand for, or to the first one."""
        for old in self.live.modules:
            module = self.wanted.by_id.get(old.id)
            if module is None or module.pipeline is None:
                continue
            there = {stage.name for pipeline in module.pipelines for stage in pipeline.stages}
            first = next(stage.name for stage in module.pipeline.stages if not stage.archived)
            names: dict[str, str] = {}
            for pipeline in old.pipelines:
                for stage in pipeline.stages:
                    if stage.name not in there and await _count(count, old.id, STAGE, stage.name):
                        base = getattr(stage, "maps_to", None)
                        names[stage.name] = base if base in there else first
            if names:
                self._of(module.id, STAGE).rules.append({"when": None, "map": names})

    def set_aside(self) -> None:
        """Values of fields and links that are gone leave the records; they are kept with the step and come back with it."""
        for old in self.live.modules:
            module = self.wanted.by_id.get(old.id)
            if module is None:
                continue
            there = {node.id for node in (*module.fields, *module.links)}
            gone = [f.id for f in old.fields if f.id not in there and not f.beside]
            gone += [link.id for link in old.links if link.id not in there and not link.many]
            if gone:
                self._of(module.id, GONE).clear = sorted(gone)

    async def counted(self, count: Counter) -> list[Planned]:
        """Everything that concerns records, with how many."""
        for planned in self.found.values():
            if planned.clear:
                for key in planned.clear:
                    planned.counts[key] = await count(Ask(planned.module_id, "filled", key))
                continue
            if planned.copy_from:
                planned.counts = {"": await count(Ask(planned.module_id, "filled", planned.copy_from))}
                continue
            for name in {name for rule in planned.rules for name in rule["map"]}:
                planned.counts[name] = await _count(count, planned.module_id, planned.key, name)
        return [planned for planned in self.found.values() if any(planned.counts.values())]

    def converted(self) -> set[StoredName]:
        """The stored names that will be replaced."""
        return {(p.module_id, p.key, name) for p in self.found.values() for name in p.names}


async def _count(count: Counter, module_id: str, key: str, name: str) -> int:
    if key == STAGE:
        return await count(Ask(module_id, "stage", value=name))
    return await count(Ask(module_id, "option", key, name))


def _field_id(module: Module, name: str) -> str | None:
    return next((f.id for f in module.fields if name in (f.name, f.id)), None)


def _named_lists(old: Module, new: Module) -> Iterable[tuple[str, list[Any], list[Any]]]:
    """(stored key, nodes before, nodes after) of everything whose names records store."""
    fields = {f.id: f for f in new.fields}
    for known in old.fields:
        after = fields.get(known.id)
        if after is not None and hasattr(known, "options") and hasattr(after, "options"):
            yield known.id, list(known.options), list(after.options)
    if old.pipelines and new.pipelines:
        before = [stage for pipeline in old.pipelines for stage in pipeline.stages]
        yield STAGE, before, [stage for pipeline in new.pipelines for stage in pipeline.stages]


def _with_archived(module: Module, key: str, node: Any) -> Module:
    archived = node.model_copy(update={"archived": True})
    if key == STAGE:
        first = module.pipelines[0]
        changed = first.model_copy(update={"stages": (*first.stages, archived)})
        return module.model_copy(update={"pipelines": (changed, *module.pipelines[1:])})
    fields = tuple(_with_option(known, archived) if known.id == key else known for known in module.fields)
    return module.model_copy(update={"fields": fields})


def _with_option(field: Any, option: Any) -> Any:
    return field.model_copy(update={"options": (*field.options, option)})

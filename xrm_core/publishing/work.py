"""What a change of definitions leaves to do: tables to make, indexes to build or drop, values to compute."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.diff import Change
from xrm_core.definitions.module import Module
from xrm_core.definitions.promotion import columns, indexes
from xrm_core.definitions.scope import Scopes
from xrm_core.kernel.kinds import Kind

WorkKind = Literal["create_table", "build_index", "drop_index", "compute", "titles", "search", "first_stage"]
TITLE = "title"


@dataclass(frozen=True, slots=True)
class Work:
    """One thing to do in one module; `keys` are field or link ids, `use` is how an index is used."""

    kind: WorkKind
    module_id: str
    keys: tuple[str, ...] = ()
    use: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        found: dict[str, Any] = {"kind": self.kind, "module": self.module_id}
        if self.keys:
            found["keys"] = list(self.keys)
        if self.use:
            found["use"] = self.use
        return found


@dataclass(frozen=True)
class Needs:
    """The promoted columns and indexes of one module; a column without an index (a boolean's) has the use "column"."""

    columns: dict[str, Kind]
    indexes: frozenset[tuple[tuple[str, ...], str]]


def needs(scopes: Scopes, module: Module) -> Needs:
    """What a module's table should have."""
    kinds = columns(scopes, module)
    wanted: set[tuple[tuple[str, ...], str]] = {(need.fields, need.use) for need in indexes(scopes, module)}
    covered = {key for fields, _ in wanted for key in fields}
    wanted |= {((key,), "column") for key in kinds if key not in covered}
    return Needs(kinds, frozenset(wanted))


def work_between(old: DefinitionSet, new: DefinitionSet, changes: Iterable[Change]) -> list[Work]:
    """Everything that follows from going from one set to another, in the order in which it is done."""
    before, after = Scopes(old), Scopes(new)
    found: list[Work] = []
    for module in new.modules:
        known = old.by_id.get(module.id)
        if known is None:
            found.append(Work("create_table", module.id))
            continue
        if known == module and not _computed(module):
            continue
        had, wants = needs(before, known).indexes, needs(after, module).indexes
        found += [Work("build_index", module.id, fields, use) for fields, use in sorted(wants - had)]
        found += [Work("drop_index", module.id, fields, use) for fields, use in sorted(had - wants)]
    return found + _values(old, new, list(changes))


def _computed(module: Module) -> bool:
    # The kind of a computed field may follow from a change in another module.
    return any(field.computed for field in module.fields)


def _values(old: DefinitionSet, new: DefinitionSet, changes: list[Change]) -> list[Work]:
    compute: dict[str, set[str]] = {}
    titles: set[str] = set()
    search: set[str] = set()
    stages: set[str] = set()
    for change in changes:
        parts = change.parts
        if parts[0] != "module" or len(parts) < 3 or parts[1] not in old.by_id or parts[1] not in new.by_id:
            continue
        module = new.by_id[parts[1]]
        if parts[2] == "title":
            titles.add(module.id)
        elif parts[2] == "searchable":
            search.add(module.id)
        elif parts[2] == "pipelines" and len(parts) <= 4 and change.kind == "added":
            stages.add(module.id)
        elif parts[2] == "fields" and change.kind != "moved":
            field = next((field for field in module.fields if field.id == parts[3]), None)
            if field is not None and field.computed and _recalculates(change):
                compute.setdefault(module.id, set()).add(field.id)
            elif len(parts) == 5 and parts[4] == "searchable":
                search.add(module.id)
    found = [Work("first_stage", module_id) for module_id in sorted(stages)]
    found += [Work("compute", module_id, tuple(sorted(keys))) for module_id, keys in sorted(compute.items())]
    found += [Work("titles", module_id, (TITLE,)) for module_id in sorted(titles)]
    return found + [Work("search", module_id) for module_id in sorted(search)]


def _recalculates(change: Change) -> bool:
    return len(change.parts) == 4 or change.effect == "needs_backfill" or change.parts[4] == "archived"

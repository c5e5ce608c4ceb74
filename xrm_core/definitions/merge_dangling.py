"""After a merge: mentions of what is gone are taken out, kept alive, or archived, so that nothing hangs in the air."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from xrm_core.definitions.checks import check
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.layout import narrowed
from xrm_core.definitions.members import Directory
from xrm_core.definitions.merge_tree import Note
from xrm_core.definitions.module import Module
from xrm_core.kernel.problem import Problem

_ARCHIVABLE = ("fields", "links", "rules", "views", "guest_pages")


def forget_gone(merged: DefinitionSet, sides: Sequence[DefinitionSet], notes: list[Note]) -> DefinitionSet:
    """Layouts, columns and roles forget names that one of the sides had before the merge and that are gone after it."""
    before, after = _known_names(sides), Directory(merged)
    for module in merged.modules:
        if module.archived:
            continue
        gone = before.get(module.id, set()) - after.of(module).keys()
        if gone:
            changed = _without(module, gone)
            if changed != module:
                notes += [Note(f"module/{module.id}/layout", "removed", f"{name} is gone.") for name in sorted(gone)]
                merged = merged.with_module(changed)
    return _roles(merged, before, after, notes)


def _known_names(sides: Sequence[DefinitionSet]) -> dict[str, set[str]]:
    """All names of the members of each module, on whichever side."""
    found: dict[str, set[str]] = {}
    for side in sides:
        directory = Directory(side)
        for module in side.modules:
            found.setdefault(module.id, set()).update(directory.of(module))
    return found


def _without(module: Module, gone: set[str]) -> Module:
    def rest(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in names if name.removeprefix("-").split(".")[0] not in gone)

    layout = narrowed(module.layout, rest)
    views = tuple(
        view.model_copy(
            update={
                "columns": rest(view.columns),
                "card_fields": rest(view.card_fields),
                "sort": rest(view.sort),
                "sum": None if view.sum in gone else view.sum,
            }
        )
        for view in module.views
    )
    pipelines = tuple(
        pipeline.model_copy(
            update={"stages": tuple(s.model_copy(update={"requires": rest(s.requires)}) for s in pipeline.stages)}
        )
        for pipeline in module.pipelines
    )
    return module.model_copy(update={"layout": layout, "views": views, "pipelines": pipelines})


def _roles(merged: DefinitionSet, before: dict[str, set[str]], after: Directory, notes: list[Note]) -> DefinitionSet:
    there = {module.name for module in merged.modules if not module.archived} | {"*"}
    lost = {
        module.name: before.get(module.id, set()) - after.of(module).keys()
        for module in merged.modules
        if not module.archived
    }
    roles = []
    for role in merged.roles:
        changes: dict[str, Any] = {}
        for key in ("hidden_fields", "read_only_fields"):
            held: dict[str, tuple[str, ...]] = getattr(role, key)
            left = {
                name: tuple(f for f in fields if f not in lost.get(name, ()))
                for name, fields in held.items()
                if name in there
            }
            changes[key] = {name: fields for name, fields in left.items() if fields or not held[name]}
        changes["modules"] = {name: grants for name, grants in role.modules.items() if name in there}
        # A later module may get the name of an archived one: rights on the old one must not become rights on it.
        notes += [
            Note(f"role/{role.id}/modules/{name}", "removed", f"{name} is gone.")
            for name in role.modules.keys() - there
        ]
        changed = role.model_copy(update=changes)
        roles.append(role if changed == role else changed)
    return merged.having(roles=tuple(roles))


def keep_needed(merged: DefinitionSet, mine: DefinitionSet, known: set[Problem], notes: list[Note]) -> DefinitionSet:
    """Put back what is gone and still used here, one node after the other, as long as that cures problems."""
    worst = _count(merged, known)
    for path, restored in _restorable(merged, mine):
        if not worst:
            break
        tried = restored(merged)
        left = _count(tried, known)
        if left < worst:
            merged, worst = tried, left
            notes.append(Note(path, "kept", "It is used here, so it stays as this workspace's own."))
    return merged


def _count(definitions: DefinitionSet, known: set[Problem]) -> int:
    return sum(1 for problem in check(definitions) if problem not in known)


class _Back:
    """Puts one node of a set back into another."""

    def __init__(self, mine: DefinitionSet, module_id: str, part: str = "", node_id: str = "") -> None:
        self.mine, self.module_id, self.part, self.node_id = mine, module_id, part, node_id

    def __call__(self, merged: DefinitionSet) -> DefinitionSet:
        old = self.mine.by_id[self.module_id]
        if not self.part:
            return merged.with_module(old)
        module = merged.by_id.get(self.module_id)
        if module is None:
            return merged
        nodes = [node for node in getattr(old, self.part) if node.id == self.node_id]
        return merged.with_module(module.model_copy(update={self.part: (*getattr(module, self.part), *nodes)}))


def _restorable(merged: DefinitionSet, mine: DefinitionSet) -> Iterator[tuple[str, _Back]]:
    for old in mine.modules:
        module = merged.by_id.get(old.id)
        if module is None:
            yield f"module/{old.id}", _Back(mine, old.id)
            continue
        for part in ("fields", "links", "pipelines"):
            there = {node.id for node in getattr(module, part)}
            for node in getattr(old, part):
                if node.id not in there:
                    yield f"module/{old.id}/{part}/{node.id}", _Back(mine, old.id, part, node.id)


def archive_dependents(
    merged: DefinitionSet, mine: DefinitionSet, known: set[Problem], notes: list[Note]
) -> DefinitionSet:
    """Archive fields, links, rules, views and guest pages that use what is gone; conditions of stages and choices are taken out."""
    for _ in range(20):
        problems = [problem for problem in check(merged) if problem not in known]
        changed = merged
        for problem in problems:
            changed = _set_aside(changed, problem, notes)
        if changed == merged:
            break
        merged = forget_gone(changed, [merged], notes)
    return merged


def _set_aside(definitions: DefinitionSet, problem: Problem, notes: list[Note]) -> DefinitionSet:
    parts = problem.path.split("/")
    module = definitions.by_name.get(parts[2]) if len(parts) > 4 and parts[1] == "modules" else None
    if module is None:
        return definitions
    part = parts[3]
    if part in _ARCHIVABLE and parts[4].isdigit():
        nodes = list(getattr(module, part))
        number = int(parts[4])
        if number < len(nodes) and not nodes[number].archived:
            nodes[number] = nodes[number].model_copy(update={"archived": True})
            path = f"module/{module.id}/{part}/{nodes[number].id}"
            notes.append(Note(path, "archived", "It uses what is gone."))
            return definitions.with_module(module.model_copy(update={part: tuple(nodes)}))
    if part == "pipelines" and len(parts) > 6 and parts[5] == "stages" and parts[-1] == "entry_when":
        pipelines = list(module.pipelines)
        pipeline = pipelines[int(parts[4])]
        stages = list(pipeline.stages)
        number = int(parts[6])
        stages[number] = stages[number].model_copy(update={"entry_when": None})
        pipelines[int(parts[4])] = pipeline.model_copy(update={"stages": tuple(stages)})
        notes.append(Note(f"module/{module.id}/pipelines/{pipeline.id}", "removed", "A condition used what is gone."))
        return definitions.with_module(module.model_copy(update={"pipelines": tuple(pipelines)}))
    return definitions

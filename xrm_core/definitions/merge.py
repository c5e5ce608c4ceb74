"""Three-way merge of whole sets: what a pack changed and what was changed here, property by property on stable ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from xrm_core.definitions.checks import check
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.merge_dangling import archive_dependents, forget_gone, keep_needed
from xrm_core.definitions.merge_names import aligned
from xrm_core.definitions.merge_tree import MISSING, Choice, Conflict, Decision, Merger, Missing, Note, known_decisions
from xrm_core.kernel.problem import Problem

__all__ = ["Choice", "Conflict", "Decision", "Merged", "Note", "known_decisions", "merge"]


@dataclass(frozen=True)
class Merged:
    """The outcome: the merged set, where both sides met, and what came over or stayed by itself."""

    definitions: DefinitionSet
    conflicts: tuple[Conflict, ...] = ()
    notes: tuple[Note, ...] = ()
    problems: tuple[Problem, ...] = ()
    """Problems of the merged set that neither side had alone."""

    @property
    def open(self) -> list[Conflict]:
        """Conflicts that nobody decided yet."""
        return [conflict for conflict in self.conflicts if not conflict.decided]


def merge(
    base: DefinitionSet,
    theirs: DefinitionSet,
    mine: DefinitionSet,
    decisions: Mapping[str, Decision] | None = None,
    *,
    gone: Literal["keep", "archive"] = "keep",
) -> Merged:
    """What becomes of `mine` when `base` becomes `theirs`.

    Where something that is gone over there is used here, `keep` keeps it, `archive` archives what uses it.
    """
    if base == theirs:
        return Merged(mine)
    merger = Merger(decisions or {})
    sides = aligned(merger, base, theirs, mine)
    trees = [part.as_json() for part in sides]
    found: dict[str, Any] = {}
    for key in dict.fromkeys([*trees[2], *trees[1]]):
        value = merger.node(key, *(tree.get(key, MISSING) for tree in trees))
        if not isinstance(value, Missing):
            found[key] = _once(merger, key, value, trees)
    origins = _tags(sides[0].origins, sides[1].origins, sides[2].origins)
    packs = _tags(sides[0].packs, sides[1].packs, sides[2].packs)
    definitions = DefinitionSet.from_json(found, origins=origins, packs=packs)
    definitions = forget_gone(definitions, sides, merger.notes)
    if base != mine:
        known = {*check(sides[2]), *check(sides[1])}
        if set(check(definitions)) - known:
            mend = keep_needed if gone == "keep" else archive_dependents
            definitions = mend(definitions, sides[2], known, merger.notes)
        problems = tuple(problem for problem in check(definitions) if problem not in known)
    else:
        problems = ()
    return Merged(definitions, tuple(merger.conflicts), tuple(merger.notes), problems)


def _tags(base: Mapping[str, str], theirs: Mapping[str, str], mine: Mapping[str, str]) -> dict[str, str]:
    """Origins or versions: what the new state says, and what is known here alone."""
    found = {key: value for key, value in mine.items() if key in theirs or key not in base}
    for key, value in theirs.items():
        if base.get(key) != value or key in mine:
            found[key] = mine[key] if base.get(key) == value and key in mine else value
    return dict(sorted(found.items()))


def _once(merger: Merger, key: str, value: Any, trees: list[dict[str, Any]]) -> Any:
    """A field that both sides put into different sections of a layout is shown in one of them."""
    if not key.startswith("module/"):
        return value
    sections = value.get("layout", {}).get("sections", [])
    places: dict[str, list[int]] = {}
    for number, section in enumerate(sections):
        for name in section.get("fields", ()):
            places.setdefault(name, []).append(number)
    twice = {name: numbers for name, numbers in places.items() if len(numbers) > 1}
    if not twice:
        return value
    sections = [{**section, "fields": list(section.get("fields", ()))} for section in sections]
    for name, numbers in twice.items():
        base, theirs, mine = (_section_of(tree.get(key, {}), name) for tree in trees)
        path = f"{key}/layout/sections/*/{name}"
        chosen = merger.settle(Conflict(path, "moved", base, theirs, mine))
        wanted = theirs if chosen == "theirs" else mine
        ids = [section.get("id") or section["name"] for section in sections]
        stay = next((number for number in numbers if ids[number] == wanted), numbers[0])
        for number in numbers:
            if number != stay:
                sections[number]["fields"].remove(name)
    return {**value, "layout": {**value["layout"], "sections": [_bare(section) for section in sections]}}


def _section_of(module: Mapping[str, Any], name: str) -> str | None:
    for section in module.get("layout", {}).get("sections", ()):
        if name in section.get("fields", ()):
            return str(section.get("id") or section["name"])
    return None


def _bare(section: dict[str, Any]) -> dict[str, Any]:
    return section if section["fields"] else {key: value for key, value in section.items() if key != "fields"}

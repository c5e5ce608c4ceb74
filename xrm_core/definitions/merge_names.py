"""Names before a merge: all three sets speak with the merged names, so a rename is one change and not a hundred."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.merge_tree import Conflict, Merger, Note
from xrm_core.definitions.names import free_name
from xrm_core.definitions.rewrite import follow_renames

Key = tuple[str, ...]
"""("modules", id), ("fields", module, id), ("links", module, id) or ("inverse", module, link)."""


@dataclass(frozen=True, slots=True)
class _Named:
    key: Key
    name: str
    live: bool
    spaces: tuple[str, ...]
    """Where the name must be free: module ids, or "" for the names of modules."""


def aligned(
    merger: Merger, base: DefinitionSet, theirs: DefinitionSet, mine: DefinitionSet
) -> tuple[DefinitionSet, DefinitionSet, DefinitionSet]:
    """The three sets with the same names for the same nodes; what both renamed differently is a conflict."""
    lists = [{found.key: found for found in _names(part)} for part in (base, theirs, mine)]
    wanted: dict[Key, str] = {}
    for key in dict.fromkeys([*lists[2], *lists[1], *lists[0]]):
        there = [part[key].name if key in part else None for part in lists]
        if len({name for name in there if name is not None}) > 1:
            wanted[key] = _name(merger, _path(key), there)
    _make_room(merger, lists[1], lists[2], wanted)
    return (
        _renamed(base, lists[0], wanted),
        _renamed(theirs, lists[1], wanted),
        _renamed(mine, lists[2], wanted),
    )


def _name(merger: Merger, path: str, there: list[str | None]) -> str:
    base, theirs, mine = there
    if theirs is None or mine is None:
        return str(mine or theirs)
    if theirs == mine or theirs == base:
        return mine
    if mine == base:
        merger.notes.append(Note(path, "renamed", f"{base} is now {theirs}."))
        return theirs
    clash = Conflict(path, "renamed", base, theirs, mine)
    return theirs if merger.settle(clash) == "theirs" else mine


def _make_room(merger: Merger, theirs: dict[Key, _Named], mine: dict[Key, _Named], wanted: dict[Key, str]) -> None:
    """A node that comes over finds its name taken by another one here: it gets the next free name."""
    taken: dict[str, dict[str, Key]] = {}
    for key, found in mine.items():
        if found.live and wanted.get(key, found.name) == found.name:
            for space in found.spaces:
                taken.setdefault(space, {})[found.name] = key
    for key, found in theirs.items():
        name = wanted.get(key, found.name)
        if not found.live or (key in mine and mine[key].name == name):
            continue
        others = {other for space in found.spaces for other, owner in taken.get(space, {}).items() if owner != key}
        if name in others:
            free = free_name(name, others)
            merger.notes.append(Note(_path(key), "renamed", f"The name {name} is taken, so it is called {free}."))
            wanted[key] = name = free
        for space in found.spaces:
            taken.setdefault(space, {})[name] = key


def _names(definitions: DefinitionSet) -> Iterator[_Named]:
    for module in definitions.modules:
        yield _Named(("modules", module.id), module.name, not module.archived, ("",))
        for field in module.fields:
            yield _Named(("fields", module.id, field.id), field.name, not field.archived, (module.id,))
        for link in module.links:
            yield _Named(("links", module.id, link.id), link.name, not link.archived, (module.id,))
            if link.inverse is not None:
                found = (definitions.by_name.get(name) for name in link.to)
                spaces = tuple(target.id for target in found if target is not None)
                yield _Named(("inverse", module.id, link.id), link.inverse.name, not link.archived, spaces)


def _path(key: Key) -> str:
    if key[0] == "modules":
        return f"module/{key[1]}/name"
    if key[0] == "inverse":
        return f"module/{key[1]}/links/{key[2]}/inverse/name"
    return f"module/{key[1]}/{key[0]}/{key[2]}/name"


def _renamed(definitions: DefinitionSet, names: dict[Key, _Named], wanted: dict[Key, str]) -> DefinitionSet:
    """The set with these names, mentions included; the set itself when it has them already."""
    differing = {key: name for key, name in wanted.items() if key in names and names[key].name != name}
    if not differing:
        return definitions
    touched = {key[1] for key in differing}
    modules = []
    for module in definitions.modules:
        if module.id not in touched:
            modules.append(module)
            continue
        fields = tuple(_with_name(field, differing.get(("fields", module.id, field.id))) for field in module.fields)
        links = []
        for link in module.links:
            link = _with_name(link, differing.get(("links", module.id, link.id)))
            inverse = differing.get(("inverse", module.id, link.id))
            if inverse is not None and link.inverse is not None:
                link = link.model_copy(update={"inverse": _with_name(link.inverse, inverse)})
            links.append(link)
        module = module.model_copy(update={"fields": fields, "links": tuple(links)})
        modules.append(_with_name(module, differing.get(("modules", module.id))))
    return follow_renames(definitions, definitions.having(modules=tuple(modules)))


def _with_name(node: Any, name: str | None) -> Any:
    return node if name is None else node.model_copy(update={"name": name})

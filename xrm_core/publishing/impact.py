"""How many records a change of definitions concerns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.diff import Change
from xrm_core.definitions.module import Module
from xrm_core.storage import definitions as store
from xrm_core.storage.database import Connection


@dataclass(frozen=True, slots=True)
class Ask:
    """A question about the records of a module, see `storage.definitions.count`."""

    module_id: str
    question: store.Question
    key: str = ""
    value: str = ""
    beside: bool = False


Counter = Callable[[Ask], Awaitable[int]]


def counter(connection: Connection, schema: str) -> Counter:
    """Counts in the workspace's tables."""

    async def count(ask: Ask) -> int:
        return await store.count(connection, schema, ask.module_id, ask.question, ask.key, ask.value, beside=ask.beside)

    return count


async def impact(old: DefinitionSet, changes: Iterable[Change], count: Counter) -> dict[str, int]:
    """Number of records concerned, by the path of the change; changes that concern none are left out."""
    found: dict[str, int] = {}
    known: dict[Ask, int] = {}
    for change in changes:
        ask = _question(old, change)
        if ask is None:
            continue
        if ask not in known:
            known[ask] = await count(ask)
        if known[ask]:
            found[change.path] = known[ask]
    return found


def _question(old: DefinitionSet, change: Change) -> Ask | None:
    parts = change.parts
    if parts[0] != "module" or parts[1] not in old.by_id:
        return None
    module = old.by_id[parts[1]]
    if len(parts) == 2 or (parts[2] == "archived" and change.after):
        return Ask(module.id, "records") if change.kind != "added" else None
    if parts[2] in ("fields", "links") and len(parts) > 3:
        return _part(module, parts, change)
    if parts[2] == "pipelines" and len(parts) >= 6 and parts[4] == "stages":
        stage = next((s for p in module.pipelines for s in p.stages if s.id == parts[5]), None)
        if stage is not None and (change.kind == "removed" or parts[6:] == ["name"] or parts[6:] == ["archived"]):
            return Ask(module.id, "stage", value=stage.name)
    if change.effect == "needs_backfill":
        return Ask(module.id, "records")
    return None


def _part(module: Module, parts: list[str], change: Change) -> Ask | None:
    key = parts[3]
    if parts[2] == "links":
        link = next((link for link in module.links if link.id == key), None)
        if link is not None and (change.effect == "destructive" or parts[4:] == ["archived"]):
            return Ask(module.id, "linked" if link.many else "filled", key)
        if parts[4:] == ["required"] and change.after and link is not None and not link.many:
            return Ask(module.id, "empty", key)
        return None
    field = next((field for field in module.fields if field.id == key), None)
    if field is None:
        return Ask(module.id, "records") if change.effect == "needs_backfill" else None
    if parts[4:] == ["required"] and change.after:
        return Ask(module.id, "empty", key, beside=field.beside)
    if len(parts) == 6 and parts[4] == "options" and change.kind == "removed":
        return Ask(module.id, "option", key, str(change.before.get("name", parts[5])))
    if len(parts) == 7 and parts[4] == "options" and parts[6] in ("name", "archived"):
        options = {option.id: option.name for option in getattr(field, "options", ())}
        return Ask(module.id, "option", key, options.get(parts[5], parts[5]))
    if change.effect == "destructive" or parts[4:] == ["archived"]:
        return Ask(module.id, "filled", key, beside=field.beside)
    return Ask(module.id, "records") if change.effect == "needs_backfill" else None

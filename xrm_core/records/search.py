"""Searching all modules at once: what the actor may see, the obvious name first."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

import orjson

from xrm_core.catalog import CompiledModule
from xrm_core.records.searching import LONGEST_WORD, plain, search_text, spelled_out
from xrm_core.records.searching import searched as searched_fields
from xrm_core.records.unit import Unit
from xrm_core.storage import search as store

LONGEST = 200
MOST = 100
_WORD = re.compile(r"\w+")
_DIGITS = re.compile(r"[\d\s()+./-]{6,}")


async def search(
    unit: Unit, text: str, *, limit: int = 20, modules: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """`[{"id", "module", "title", "stage", "facts"}]`, best first; titles that begin with the text come before all others.

    What the actor may not see has no part in it: it takes no place among the hits, and words of hidden fields find nothing.
    """
    limit = max(1, min(limit, MOST))
    asked = " ".join(text.replace("\x00", " ").split())[:LONGEST]
    folded = plain(asked)
    if not folded or any("\ud800" <= character <= "\udfff" for character in folded):
        return []
    searched = {
        module.id: module
        for module in unit.catalog.modules.values()
        if module.definition.searchable
        and module.definition.kind != "child"
        and unit.policy.allows(module.id, "see")
        and (modules is None or module.name in modules)
    }
    if not searched:
        return []
    connection = unit.current or await unit.reader()
    places = _places(unit, searched.values())
    hits = await _each(places, lambda place: store.by_prefix(connection, unit.schema, folded, place, limit))
    query = tsquery(asked)
    if len(hits) < limit and query and len(folded) > 1:
        titles = [word for word in dict.fromkeys(_WORD.findall(folded))][:12]
        hits += await _each(
            places,
            lambda place: (
                store.by_words(connection, unit.schema, query, place, limit)
                if place.words
                else store.by_title_words(connection, unit.schema, titles, place, limit)
            ),
        )
    if len(hits) < limit and len(folded) > 2:
        hits += await _each(places, lambda place: store.by_substring(connection, unit.schema, folded, place, limit))
    unique: dict[UUID, tuple[str, str]] = {}
    for hit in hits:
        unique.setdefault(hit.record_id, (hit.module_id, hit.title))
    return await _shown(unit, connection, searched, dict(list(unique.items())[: limit * 2]), limit)


def _places(unit: Unit, modules: Iterable[CompiledModule]) -> list[store.Place]:
    """Where to look: everything that the actor sees without limits together, every other module for itself."""
    whole: list[str] = []
    found: list[store.Place] = []
    for module in modules:
        scope = unit.scope(module, "see")
        words = not any(known.id in unit.policy.module(module.id).hidden for known in searched_fields(module))
        if scope is None and words:
            whole.append(module.id)
        else:
            found.append(store.Place((module.id,), words, module.table.qualified, scope))
    return [store.Place(tuple(whole), True), *found] if whole else found


async def _each(
    places: Sequence[store.Place], look: Callable[[store.Place], Awaitable[list[store.Hit]]]
) -> list[store.Hit]:
    hits = [hit for place in places for hit in await look(place)]
    return hits if len(places) == 1 else sorted(hits, key=lambda hit: (-hit.rank, plain(hit.title), hit.record_id))


def tsquery(asked: str) -> str:
    """All words must occur, the last one as a beginning; a telephone number is looked up by its digits."""
    folded = plain(asked)
    if _DIGITS.fullmatch(folded):
        digits = re.sub(r"\D", "", folded).lstrip("0")
        return f"'{digits}':*" if digits else ""
    if "@" in folded and " " not in folded:
        return _quoted(folded) + ":*"
    terms = []
    spelled = spelled_out(asked)
    known = _WORD.findall(folded)
    others = _WORD.findall(spelled) if spelled is not None else known
    pairs = list(dict.fromkeys(zip(known, others, strict=False)))
    pairs = [pair for pair in pairs if len(pair[0]) <= LONGEST_WORD and len(pair[1]) <= LONGEST_WORD][:12]
    for index, pair in enumerate(pairs):
        end = ":*" if index == len(pairs) - 1 else ""
        either = [_quoted(word) + end for word in dict.fromkeys(pair)]
        terms.append(either[0] if len(either) == 1 else f"({' | '.join(either)})")
    return " & ".join(terms)


def _quoted(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


async def _shown(
    unit: Unit, connection: Any, searched: dict[str, CompiledModule], hits: dict[UUID, tuple[str, str]], limit: int
) -> list[dict[str, Any]]:
    """The hits that the actor may see, with a fact or two that tell them apart."""
    by_module: dict[str, list[UUID]] = {}
    for record_id, (module_id, _) in hits.items():
        by_module.setdefault(module_id, []).append(record_id)
    found: dict[UUID, dict[str, Any]] = {}
    for module_id, ids in by_module.items():
        module = searched[module_id]
        keys = _facts(unit, module)
        rows = await store.subtitles(connection, module.table.qualified, keys, ids, unit.scope(module, "see"))
        for record_id, (stage, *values) in rows.items():
            entry: dict[str, Any] = {"id": str(record_id), "module": module.name, "title": hits[record_id][1]}
            if stage is not None:
                entry["stage"] = stage
            facts = [
                search_text(value if not isinstance(value, bytes) else orjson.loads(value))
                for value in values
                if value is not None
            ]
            if facts:
                entry["facts"] = [fact[:80] for fact in facts if fact]
            found[record_id] = entry
    return [found[record_id] for record_id in hits if record_id in found][:limit]


def _facts(unit: Unit, module: CompiledModule) -> list[str]:
    hidden = unit.policy.module(module.id).hidden
    chosen = [module.fields[name] for name in module.definition.layout.facts if name in module.fields]
    return [field.id for field in chosen if field.id not in hidden and not field.beside][:2]

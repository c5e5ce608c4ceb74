"""Searching all modules at once: what the actor may see, the obvious name first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from xrm_core.catalog import CompiledModule
from xrm_core.kernel.text import fold
from xrm_core.records.searching import search_text
from xrm_core.records.unit import Unit
from xrm_core.storage import search as store

LONGEST = 200
MOST = 100
_DIGITS = re.compile(r"[\d\s()+./-]{6,}")


async def search(
    unit: Unit, text: str, *, limit: int = 20, modules: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """`[{"id", "module", "title", "stage", "facts"}]`, best first; titles that begin with the text come before all others."""
    limit = max(1, min(limit, MOST))
    folded = fold(" ".join(text.replace("\x00", " ").split())[:LONGEST])
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
    ids = list(searched)
    hits = await store.by_prefix(connection, unit.schema, folded, ids, limit)
    query = tsquery(folded)
    if len(hits) < limit and query and len(folded) > 1:
        hits += await store.by_words(connection, unit.schema, query, ids, limit)
    if len(hits) < limit and len(folded) > 2:
        hits += await store.by_substring(connection, unit.schema, folded, ids, limit)
    unique: dict[UUID, tuple[str, str]] = {}
    for module_id, record_id, title in hits:
        unique.setdefault(record_id, (module_id, title))
    return await _shown(unit, connection, searched, dict(list(unique.items())[: limit * 2]), limit)


def tsquery(folded: str) -> str:
    """All words must occur, the last one as a beginning; a telephone number is looked up by its digits."""
    if _DIGITS.fullmatch(folded):
        digits = re.sub(r"\D", "", folded).lstrip("0")
        return f"'{digits}':* | '+{digits}':*" if digits else ""
    found = [word for word in dict.fromkeys(re.findall(r"\w+", folded)) if len(word) <= 80][:12]
    if "@" in folded and " " not in folded:
        found = [folded]
    quoted = ["'" + word.replace("\\", "\\\\").replace("'", "''") + "'" for word in found]
    return " & ".join([*quoted[:-1], *(word + ":*" for word in quoted[-1:])])


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

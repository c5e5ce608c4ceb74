"""Records that may be the same as one that somebody is typing in: by rules, unique values, and like titles."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson

from xrm_core.catalog import CompiledModule
from xrm_core.definitions import DuplicateRule, UniqueRule
from xrm_core.expressions.template import parse_template
from xrm_core.expressions.tree import Name
from xrm_core.kernel.text import fold
from xrm_core.records.inputs import read_input
from xrm_core.records.prepare import parse_context
from xrm_core.records.searching import search_text
from xrm_core.records.unit import Unit
from xrm_core.storage import likeness as store
from xrm_core.storage.likeness import Wanted

MOST = 10
SHORTEST = 3
LIKE = 0.45
_SURE, _RULE = 1.0, 0.9


async def duplicates(
    unit: Unit, module_name: str, values: dict[str, Any], *, but: UUID | None = None, limit: int = MOST
) -> list[dict[str, Any]]:
    """`[{"id", "title", "score", "reasons": [{"kind", "fields"}], "facts"}]`, the likeliest first; wrong values say nothing."""
    module = unit.module(module_name)
    unit.policy.require(module.id, "see")
    hidden = unit.policy.module(module.id).hidden
    known = {name: value for name, value in values.items() if name in module.fields and module.fields[name].writable}
    given = read_input(module, known, parse_context(unit), unit.policy.module(module.id), by_system=True)
    filled = {key: value for key, value in given.values.items() if value is not None and key not in hidden}
    connection = unit.current or await unit.writer()
    wanted: list[tuple[float, str, list[str], Wanted]] = []
    for score, kind, ids in _rules(module):
        if ids and all(key in filled for key in ids):
            parts = [(module.fields_by_id[key], filled[key]) for key in ids]
            wanted.append((score, kind, [part.name for part, _ in parts], Wanted.of(parts)))
    scores: dict[UUID, float] = {}
    reasons: dict[UUID, list[dict[str, Any]]] = {}
    scope = unit.scope(module, "see")
    for score, kind, names, condition in wanted:
        for identifier in await store.same(connection, module.table.qualified, condition, scope, MOST):
            scores[identifier] = max(score, scores.get(identifier, 0))
            reasons.setdefault(identifier, []).append({"kind": kind, "fields": names})
    text = _title(module, filled)
    if len(text) >= SHORTEST and not hidden & set(_title_fields(module)):
        for identifier, likeness in await store.like(connection, unit, module, fold(text)[:300], LIKE, scope, MOST):
            scores[identifier] = max(likeness * 0.85, scores.get(identifier, 0))
            reasons.setdefault(identifier, []).append(
                {"kind": "title", "fields": _names(module, _title_fields(module))}
            )
    scores.pop(but, None) if but is not None else None
    best = sorted(scores, key=lambda one: (-scores[one], one))[:limit]
    shown = await store.shown(connection, module.table.qualified, best, _facts(module, hidden))
    return [
        {
            "id": str(one),
            "module": module.name,
            "title": shown[one][0],
            "score": round(scores[one], 2),
            "reasons": reasons[one],
            "facts": [search_text(orjson.loads(value))[:80] for value in shown[one][1:] if value is not None],
        }
        for one in best
        if one in shown
    ]


def _rules(module: CompiledModule) -> list[tuple[float, str, list[str]]]:
    """(score, kind, field ids) of everything that tells records apart."""
    found: list[tuple[float, str, list[str]]] = []
    for field in module.fields.values():
        if field.definition.unique:
            found.append((_SURE, "unique", [field.id]))
    for rule in module.definition.rules:
        if rule.archived:
            continue
        if isinstance(rule, UniqueRule):
            found.append((_SURE, "unique", [module.fields[name].id for name in rule.fields if name in module.fields]))
        elif isinstance(rule, DuplicateRule):
            # Each of the fields alone is a hint.
            found += [(_RULE, "rule", [module.fields[name].id]) for name in rule.match if name in module.fields]
    return [(score, kind, ids) for score, kind, ids in found if all(not module.fields_by_id[i].beside for i in ids)]


def _title_fields(module: CompiledModule) -> list[str]:
    template, _ = parse_template(module.definition.title)
    names = [part.text for part in template.parts if isinstance(part, Name)] if template else []
    return [module.fields[name].id for name in names if name in module.fields]


def _title(module: CompiledModule, filled: dict[str, Any]) -> str:
    return " ".join(search_text(filled[key]) for key in _title_fields(module) if key in filled).strip()


def _names(module: CompiledModule, ids: list[str]) -> list[str]:
    return [module.names[key] for key in ids]


def _facts(module: CompiledModule, hidden: frozenset[str]) -> list[str]:
    chosen = [module.fields[name] for name in module.definition.layout.facts if name in module.fields]
    return [field.id for field in chosen if field.id not in hidden and not field.beside][:3]

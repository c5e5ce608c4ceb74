"""Which fields and links of a module have typed columns of their own, and which indexes stand on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from xrm_core.definitions.module import Module
from xrm_core.definitions.rule import DuplicateRule, UniqueRule
from xrm_core.definitions.scope import Scopes
from xrm_core.kernel.kinds import Kind

IndexUse = Literal["order", "list", "unique"]


@dataclass(frozen=True, slots=True)
class IndexNeed:
    """An index that a definition asks for, on the columns of these fields and links (ids)."""

    fields: tuple[str, ...]
    use: IndexUse


def columns(scopes: Scopes, module: Module) -> dict[str, Kind]:
    """The promoted columns of a module by id: indexed and unique fields, links to one record, what rules compare."""
    found: dict[str, Kind] = {}
    named = {
        name
        for rule in module.rules
        if isinstance(rule, (UniqueRule, DuplicateRule)) and not rule.archived
        for name in (rule.fields if isinstance(rule, UniqueRule) else rule.match)
    }
    for field in module.fields:
        if field.archived:
            continue
        if field.promoted or (field.name in named and not field.beside):
            kind = scopes.kind(module, field)
            if kind is not Kind.OBJECT:
                found[field.id] = kind
    for link in module.links:
        if not link.archived and not link.many:
            found[link.id] = Kind.REFERENCE
    return found


def indexes(scopes: Scopes, module: Module) -> list[IndexNeed]:
    """The indexes of a module: one per column for order or membership, and the unique ones."""
    kinds = columns(scopes, module)
    found: list[IndexNeed] = []
    for key, kind in kinds.items():
        if kind is not Kind.BOOLEAN:
            found.append(IndexNeed((key,), "list" if kind is Kind.LIST else "order"))
    for node in (*module.fields, *module.links):
        if node.unique and node.id in kinds and not node.archived:
            found.append(IndexNeed((node.id,), "unique"))
    by_name = {node.name: node.id for node in (*module.fields, *module.links) if not node.archived}
    by_name |= {name: name for name in ("stage", "owner")}
    for rule in module.rules:
        if isinstance(rule, UniqueRule) and not rule.archived and all(name in by_name for name in rule.fields):
            found.append(IndexNeed(tuple(by_name[name] for name in rule.fields), "unique"))
    return list(dict.fromkeys(found))

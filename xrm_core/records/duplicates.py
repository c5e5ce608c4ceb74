"""Records that are probably the same: what a write says about them, as a warning that never refuses."""

from __future__ import annotations

from collections.abc import Sequence

from xrm_core.catalog import CompiledModule
from xrm_core.catalog.catalog import projection
from xrm_core.definitions import DuplicateRule
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem, pointer
from xrm_core.kernel.text import fold
from xrm_core.records.prepare import Draft
from xrm_core.records.unit import Unit
from xrm_core.storage import finding
from xrm_core.storage.database import Connection
from xrm_core.storage.model import CompiledField, CompiledLink
from xrm_core.storage.tables import COLUMN_TYPES


def rules_of(module: CompiledModule) -> list[tuple[DuplicateRule, list[CompiledField | CompiledLink]]]:
    """The duplicate rules of a module, with the fields and links they compare."""
    found: list[tuple[DuplicateRule, list[CompiledField | CompiledLink]]] | None = module.memo.get("duplicates")
    if found is None:
        found = module.memo["duplicates"] = []
        for rule in module.definition.rules:
            if isinstance(rule, DuplicateRule) and not rule.archived:
                parts = [part for part in module.parts if part.name in rule.match and _comparable(part)]
                if parts:
                    found.append((rule, parts))
    return found


async def warn(unit: Unit, connection: Connection, module: CompiledModule, drafts: Sequence[Draft]) -> None:
    """Warn of live records that agree with a draft in one of the fields of a duplicate rule; one statement per rule."""
    hidden = unit.policy.module(module.id).hidden
    for rule, all_parts in rules_of(module):
        parts = [part for part in all_parts if part.id not in hidden]
        keys = [_key(part) for part in parts]
        wanted: list[finding.Wanted] = []
        for number, draft in enumerate(drafts):
            values = [
                _value(part, draft) if draft.before is None or part.id in draft.changed else None for part in parts
            ]
            if any(value is not None for value in values) and not draft.problems:
                wanted.append((number, draft.row.id, values))
        if not wanted:
            continue
        for number, place, other, title in await finding.by_any(
            connection, module.table, keys, wanted, unit.scope(module, "see")
        ):
            part = parts[place]
            text = (
                label_text(rule.message, unit.workspace.locale)
                if rule.message
                else f"{label_text(part.definition.label)}: {title} has the same."
            )
            drafts[number].warnings.append(Problem("duplicate", pointer(part.name), text, f"{title} ({other})"))


def _comparable(part: CompiledField | CompiledLink) -> bool:
    if isinstance(part, CompiledLink):
        return part.column is not None
    return not part.beside and part.kind in COLUMN_TYPES and part.kind is not Kind.LIST


def _key(part: CompiledField | CompiledLink) -> finding.Key:
    if isinstance(part, CompiledLink):
        return finding.promoted(str(part.column), "uuid")
    kind = COLUMN_TYPES[part.kind].split(" ")[0]
    if part.column is not None:
        return finding.promoted(part.column, kind)
    return finding.document((part.id, *(() if part.computed else part.definition.json_path)), kind)


def _value(part: CompiledField | CompiledLink, draft: Draft) -> object:
    stored = draft.row.data.get(part.id)
    if stored is None:
        return None
    if isinstance(part, CompiledLink):
        return stored["id"] if isinstance(stored, dict) else stored
    found = projection(part.definition, part.kind)(stored)
    return fold(found) if isinstance(found, str) and part.kind is Kind.TEXT else found

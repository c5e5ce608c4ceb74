"""Writing the items of one part of a file: found again or new, unique values checked, the good ones stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from xrm_core.catalog import CompiledModule
from xrm_core.importing.convert import Item
from xrm_core.kernel.errors import XrmError
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem, pointer
from xrm_core.records import write
from xrm_core.records.prepare import Draft
from xrm_core.records.unit import Unit
from xrm_core.storage import finding
from xrm_core.storage.database import Connection
from xrm_core.storage.model import CompiledField
from xrm_core.storage.tables import COLUMN_TYPES

Refuse = Callable[[Item, Sequence[Problem]], None]


@dataclass(frozen=True, slots=True)
class Unique:
    """Values that only one live record may have together."""

    parts: tuple[Any, ...]
    keys: tuple[finding.Key, ...]
    code: str
    message: str

    def of(self, item: Item) -> tuple[Any, ...] | None:
        """The values of an item as they are compared; None when one of them is empty."""
        found = []
        for part in self.parts:
            if isinstance(part, CompiledField):
                value = item.input.values.get(part.id)
                value = None if value is None else part.definition.project(value)
            else:
                reference = item.input.links.get(part.id)
                value = None if reference is None else reference.id
            if value is None:
                return None
            found.append(value)
        return tuple(found)


def uniques_of(module: CompiledModule) -> list[Unique]:
    """Everything that must be unique in a module and can be looked up."""
    found: list[Unique] | None = module.memo.get("import_uniques")
    if found is not None:
        return found
    found = []
    for known in module.fields.values():
        if known.definition.unique and known.column is not None:
            label = label_text(known.definition.label)
            found.append(Unique((known,), (_key(known),), "unique", f"{label}: another record has this value already."))
    for rule in module.definition.rules:
        names: tuple[str, ...] = getattr(rule, "fields", ())
        if rule.kind != "unique" or rule.archived:
            continue
        parts = [module.fields.get(name) or module.links.get(name) for name in names]
        there = tuple(part for part in parts if part is not None and part.column is not None)
        if there and len(there) == len(names):
            text = label_text(rule.message) if rule.message else f"Another record has the same {', '.join(names)}."
            found.append(Unique(there, tuple(_key(part) for part in there), f"rule:{rule.name}", text))
    module.memo["import_uniques"] = found
    return found


def _key(part: Any) -> finding.Key:
    kind = COLUMN_TYPES[part.kind].split(" ")[0] if isinstance(part, CompiledField) else "uuid"
    return finding.promoted(part.column, kind)


async def without_doubles(
    unit: Unit,
    connection: Connection,
    module: CompiledModule,
    items: Sequence[Item],
    seen: dict[tuple[int, int], int],
    before: Mapping[tuple[int, int], int],
    refuse: Refuse,
) -> list[Item]:
    """The items whose unique values nobody has; `seen` takes their values, `before` has those of earlier parts."""
    good = list(items)
    for order, unique in enumerate(uniques_of(module)):
        values = [unique.of(item) for item in good]
        wanted = [(index, list(value)) for index, value in enumerate(values) if value is not None]
        taken = await finding.by_values(connection, module.table, list(unique.keys), wanted, None)
        kept = []
        for index, item in enumerate(good):
            value = values[index]
            if value is None:
                kept.append(item)
                continue
            mark = (order, hash(repr(value)))  # -1 and -2 have the same hash, their texts have not
            earlier = seen.get(mark) or before.get(mark)
            place = pointer(unique.parts[0].name)
            if index in taken:
                refuse(item, [Problem(unique.code, place, unique.message, "Match by it to change the record there is.")])
            elif earlier is not None and earlier != item.line.number:
                refuse(item, [Problem(unique.code, place, f"Row {earlier} of the file has this value already.")])
            else:
                seen[mark] = item.line.number
                kept.append(item)
        good = kept
    return good


async def create(
    unit: Unit, module: CompiledModule, items: Sequence[Item], refuse: Refuse
) -> list[tuple[Item, Draft]]:
    """Create a record for each item, as far as possible; what only the database can refuse is found by halving."""
    if not items:
        return []
    connection = await unit.transaction()
    given = [write.Given({}, item.created_at, None, item.stage_entered_at, item.input) for item in items]
    try:
        async with connection.transaction():
            _, drafts, _ = await write.create_all(unit, module, given, partial=True)
    except XrmError as error:
        if len(items) == 1:
            refuse(items[0], error.problems)
            return []
        half = len(items) // 2
        first = await create(unit, module, items[:half], refuse)
        return first + await create(unit, module, items[half:], refuse)
    made = []
    for item, draft in zip(items, drafts, strict=True):
        if draft.problems:
            refuse(item, draft.problems)
        else:
            made.append((item, draft))
    return made


async def update(
    unit: Unit, module: CompiledModule, items: Sequence[tuple[UUID, Item]], refuse: Refuse
) -> list[tuple[Item, Draft]]:
    """Change the record of each item, as far as possible."""
    if not items:
        return []
    connection = await unit.transaction()
    try:
        async with connection.transaction():
            drafts, _ = await write.update_all(unit, module, [(one, item.input, None) for one, item in items])
    except XrmError as error:
        if len(items) == 1:
            refuse(items[0][1], error.problems)
            return []
        half = len(items) // 2
        first = await update(unit, module, items[:half], refuse)
        return first + await update(unit, module, items[half:], refuse)
    wrong = [index for index, draft in enumerate(drafts) if draft.problems]
    if not wrong:
        return [(item, draft) for (_, item), draft in zip(items, drafts, strict=True)]
    for index in wrong:
        refuse(items[index][1], drafts[index].problems)
    bad = set(wrong)
    return await update(unit, module, [one for index, one in enumerate(items) if index not in bad], refuse)

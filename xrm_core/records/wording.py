"""Words for what happened: labels of what was changed, values as people read them, one line per change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xrm_core.catalog import CompiledModule
from xrm_core.fields.capabilities import HoldsFiles, HoldsOptions, HoldsUsers
from xrm_core.kernel.labels import label_text
from xrm_core.records.prepare import parse_context
from xrm_core.records.unit import Unit
from xrm_core.storage.rows import Event

LONGEST = 80
_SYSTEM = {"owner": "Owner", "stage": "Stage", "archived_at": "Archived", "title": "Title"}
_DONE = {
    "created": "created", "archived": "archived", "restored": "restored", "erased": "erased", "linked": "linked",
    "unlinked": "unlinked", "moved": "moved", "updated": "changed", "undone": "changed back",
}  # fmt: skip


def label_of(unit: Unit, module: CompiledModule, key: str) -> str:
    """What people call a value of a record, by the id under which it is stored."""
    language = unit.workspace.locale
    part = module.fields_by_id.get(key) or module.links_by_id.get(key)
    if part is not None:
        return label_text(part.definition.label, language)
    inverse = module.inverses_by_id.get(key)
    if inverse is not None:
        return label_text(inverse.label, language)
    return _SYSTEM.get(key, key)


def value_of(unit: Unit, module: CompiledModule, key: str, value: Any) -> str | None:
    """A stored value as text; None where it would need other records or people to be read."""
    if value is None or value == "":
        return "nothing"
    if key == "stage":
        stage = module.stages.get(str(value))
        return label_text(stage.label, unit.workspace.locale) if stage else str(value)
    known = module.fields_by_id.get(key)
    if known is None or isinstance(known.definition, (HoldsUsers, HoldsFiles)):
        return None
    if isinstance(known.definition, HoldsOptions):
        names = value if isinstance(value, list) else [value]
        text = ", ".join(known.definition.option_label(str(name), unit.workspace.locale) for name in names)
    else:
        text = " ".join(known.definition.format(value, parse_context(unit)).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def told(unit: Unit, module: CompiledModule, event: Event) -> list[str]:
    """The ids of what an event changed, as far as the actor may know of it and without what only follows from it."""
    hidden = unit.policy.module(module.id).hidden
    found = []
    for key in event.changes:
        known = module.fields_by_id.get(key)
        if (
            key in hidden
            or key in ("title", "stage_entered_at", "stage_reason")
            or (known is not None and known.computed)
        ):
            continue
        if known is not None or key in module.links_by_id or key in _SYSTEM:
            found.append(key)
    order = ["stage", "owner", "archived_at", *(part.id for part in module.parts)]
    return sorted(found, key=lambda key: order.index(key) if key in order else len(order))


def sentence(unit: Unit, events: Sequence[Event], records: int, titles: dict[Any, str]) -> str:
    """One line that tells what was done in one go; `events` are the first of it."""
    own = [event for event in events if "." not in next(iter(event.changes), "")] or list(events)
    first = own[0]
    module = unit.catalog.modules.get(first.module_id)
    if module is None:
        return _DONE.get(first.kind, first.kind).capitalize()
    plural = label_text(module.definition.label_plural, unit.workspace.locale)
    name = titles.get(first.record_id) or str(first.changes.get("title") or "") or label_text(module.definition.label)
    # One record that takes others along (what it owns) is told by itself.
    many = (
        sum(1 for event in own if event.kind == first.kind and event.module_id == first.module_id) > 1 and records > 1
    )
    whom = f"{records} {plural}" if many else name
    keys = told(unit, module, first) if first.kind in ("updated", "moved", "undone") else []
    if len(keys) == 1 and keys[0] != "archived_at":
        pair = first.changes[keys[0]]
        value = value_of(unit, module, keys[0], pair[1]) if isinstance(pair, list) and len(pair) == 2 else None
        back = " back" if first.kind == "undone" else ""
        verb = f"changed{back} to {value}" if value is not None and value != "nothing" else f"changed{back}"
        if value == "nothing":
            verb = "cleared"
        return f"{whom}: {label_of(unit, module, keys[0])} {verb}"
    if keys and keys != ["archived_at"]:
        labels = [label_of(unit, module, key) for key in keys[:3]]
        more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
        return f"{whom}: {', '.join(labels)}{more} {_DONE[first.kind]}"
    if first.kind in ("linked", "unlinked"):
        labels = [label_of(unit, module, key) for key in told(unit, module, first)]
        return f"{whom}: {', '.join(labels) or 'records'} {_DONE[first.kind]}"
    if keys == ["archived_at"]:
        gone = first.changes["archived_at"][1] is not None
        return f"{whom} {'archived' if gone else 'restored'}"
    return f"{whom} {_DONE.get(first.kind, first.kind)}"

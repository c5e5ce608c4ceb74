"""The difference of two sets of definitions, property by property, addressed by stable ids."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from xrm_core.definitions.collection import DefinitionSet, body
from xrm_core.fields import FIELD_TYPES

ChangeKind = Literal["added", "removed", "changed", "moved"]
Effect = Literal["safe", "needs_backfill", "destructive"]

NODES = frozenset(
    {
        "fields", "links", "pipelines", "stages", "rules", "views", "guest_pages", "sections", "variants", "panels",
        "options", "attributes", "reasons",
    }  # fmt: skip
)
"""Lists whose members have an id of their own; every other list is one value."""
WHOLE = frozenset({"default", "schema", "result", "done", "takes_from"})
"""Objects that mean something only as a whole."""
_COMPUTED = frozenset(str(t.model_fields["type"].default) for t in FIELD_TYPES if t.computed)
_CALCULATION = frozenset({"formula", "result", "link", "function", "field", "where", "order_by"})


@dataclass(frozen=True, slots=True)
class Change:
    """One property (or node) that differs; `path` is made of ids, such as `module/customers/fields/email/label`."""

    path: str
    kind: ChangeKind
    before: Any = None
    after: Any = None
    effect: Effect = "safe"
    reason: str = ""

    @property
    def parts(self) -> list[str]:
        return self.path.split("/")

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        found: dict[str, Any] = {"path": self.path, "kind": self.kind, "effect": self.effect}
        for key in ("before", "after", "reason"):
            value = getattr(self, key)
            if value is not None and value != "":
                found[key] = value
        return found


def diff(old: DefinitionSet, new: DefinitionSet) -> list[Change]:
    """Every difference between two sets, in a fixed order."""
    before, after = ({f"{kind}/{key}": node for kind, key, node in one.items()} for one in (old, new))
    changes: list[Change] = []
    for key in sorted({*before, *after}):
        was, now = before.get(key), after.get(key)
        # Most definitions of a large set are the very same objects on both sides.
        if was is not now and was != now:
            left, right = (None if one is None else body(one) for one in (was, now))
            changes += _compare(key, left, right)
    for pack in sorted({*old.packs, *new.packs}):
        if old.packs.get(pack) != new.packs.get(pack):
            changes.append(_change(f"pack/{pack}", old.packs.get(pack), new.packs.get(pack)))
    for key in sorted({*old.origins, *new.origins}):
        if old.origins.get(key) != new.origins.get(key):
            changes.append(_change(f"origin/{key}", old.origins.get(key), new.origins.get(key)))
    context = _Context(old, new)
    return [_classed(change, context) for change in changes]


def inverse(changes: list[Change]) -> list[Change]:
    """The same list seen the other way round (what a rollback does); effects are left out."""
    turned: dict[ChangeKind, ChangeKind] = {
        "added": "removed",
        "removed": "added",
        "changed": "changed",
        "moved": "moved",
    }
    return [Change(c.path, turned[c.kind], c.after, c.before) for c in changes]


# -- comparing ----------------------------------------------------------------------------------------------------


def _change(path: str, before: Any, after: Any) -> Change:
    kind: ChangeKind = "added" if before is None else "removed" if after is None else "changed"
    return Change(path, kind, before, after)


def _compare(path: str, before: Any, after: Any) -> Iterator[Change]:
    if before == after:
        return
    if not isinstance(before, dict) or not isinstance(after, dict):
        yield _change(path, before, after)
        return
    for key in [*before, *(key for key in after if key not in before)]:
        place, left, right = f"{path}/{key}", before.get(key), after.get(key)
        if left == right or key == "id":
            continue
        if key in NODES and _all_nodes(left) and _all_nodes(right):
            yield from _compare_nodes(place, left or [], right or [])
        elif isinstance(left, dict) and isinstance(right, dict) and key not in WHOLE:
            yield from _compare(place, left, right)
        else:
            yield _change(place, left, right)


def _all_nodes(value: Any) -> bool:
    return value is None or (
        isinstance(value, list) and all(isinstance(part, dict) and "name" in part for part in value)
    )


def _compare_nodes(path: str, before: list[dict[str, Any]], after: list[dict[str, Any]]) -> Iterator[Change]:
    left, right = {_id(node): node for node in before}, {_id(node): node for node in after}
    for key, node in left.items():
        if key not in right:
            yield Change(f"{path}/{key}", "removed", node, None)
        else:
            yield from _compare(f"{path}/{key}", node, right[key])
    for key, node in right.items():
        if key not in left:
            yield Change(f"{path}/{key}", "added", None, node)
    yield from _moves(path, [key for key in left if key in right], [key for key in right if key in left])


def _id(node: dict[str, Any]) -> str:
    return str(node.get("id") or node["name"])


def _moves(path: str, before: list[str], after: list[str]) -> Iterator[Change]:
    """The fewest nodes that must move to turn one order into the other; before and after are the neighbour in front."""
    if before == after:
        return
    rank = {key: index for index, key in enumerate(before)}
    stay = longest_rising([rank[key] for key in after])
    for index, key in enumerate(after):
        if rank[key] not in stay:
            old = rank[key]
            yield Change(f"{path}/{key}", "moved", before[old - 1] if old else "", after[index - 1] if index else "")


def longest_rising(numbers: list[int]) -> set[int]:
    """The members of a longest rising run within a list of different numbers."""
    tails: list[int] = []
    last: dict[int, int | None] = {}
    for number in numbers:
        place = bisect_right(tails, number)
        last[number] = tails[place - 1] if place else None
        tails[place : place + 1] = [number]
    found: set[int] = set()
    at: int | None = tails[-1] if tails else None
    while at is not None:
        found.add(at)
        at = last[at]
    return found


# -- classing -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Context:
    old: DefinitionSet
    new: DefinitionSet


def _classed(change: Change, context: _Context) -> Change:
    effect, reason = _effect(change, context)
    return Change(change.path, change.kind, change.before, change.after, effect, reason)


def _effect(change: Change, context: _Context) -> tuple[Effect, str]:
    parts = change.parts
    if parts[0] != "module":
        return "safe", ""
    if len(parts) == 2:
        return (
            ("destructive", "The module's records can no longer be reached; they are kept.")
            if change.kind == "removed"
            else ("safe", "")
        )
    if change.kind == "moved":
        return "safe", ""
    place = parts[2]
    if place == "fields":
        return _field_effect(change, parts, context)
    if place == "links":
        return _link_effect(change, parts)
    if place == "pipelines":
        return _pipeline_effect(change, parts)
    if place == "rules" and len(parts) == 4 and change.kind == "added" and change.after.get("kind") == "unique":
        return "needs_backfill", "An index is built, and existing records must agree."
    if place in ("title", "subtitle", "searchable"):
        return "needs_backfill", "Titles and the search index of existing records are made anew."
    return "safe", ""


def _field_effect(change: Change, parts: list[str], context: _Context) -> tuple[Effect, str]:
    if len(parts) == 4:
        if change.kind == "removed":
            return "destructive", "The field's values can no longer be reached; they are kept."
        return _added_field(change.after)
    key = parts[4]
    if key == "type":
        return "destructive", "Values of the old type that do not fit are kept aside."
    if key in ("indexed", "unique"):
        return "needs_backfill", "An index is built or dropped."
    if key == "searchable":
        return "needs_backfill", "The search index is made anew."
    module = context.new.by_id.get(parts[1])
    field = next((f for f in module.fields if f.id == parts[3]), None) if module else None
    if key in _CALCULATION and field is not None and field.computed:
        return "needs_backfill", "Existing records are calculated anew."
    if key == "options" and change.kind == "removed" and len(parts) == 6:
        return "destructive", "Records that have this option keep a value that is not offered any more."
    if key == "options" and parts[-1] == "name":
        return "needs_backfill", "Records that have this option are rewritten."
    if key in ("multiple", "currency"):
        return "destructive", "Existing values may not fit."
    return "safe", ""


def _added_field(node: dict[str, Any]) -> tuple[Effect, str]:
    if node.get("type") in _COMPUTED:
        return "needs_backfill", "Existing records are calculated."
    if node.get("indexed") or node.get("unique"):
        return "needs_backfill", "An index is built."
    return "safe", ""


def _link_effect(change: Change, parts: list[str]) -> tuple[Effect, str]:
    if len(parts) == 4:
        return (
            ("destructive", "The connections can no longer be reached; they are kept.")
            if change.kind == "removed"
            else ("safe", "")
        )
    if parts[4] == "many":
        return "destructive", "Existing connections are stored in another way."
    if parts[4] == "to":
        lost = set(change.before or ()) - set(change.after or ())
        if lost:
            return "destructive", "Connections to " + ", ".join(sorted(lost)) + " are no longer allowed."
        return "needs_backfill", "Existing connections are stored in another way." if len(
            change.before or ()
        ) == 1 else ""
    if parts[4] == "unique":
        return "needs_backfill", "An index is built or dropped."
    if parts[4] == "attributes" and len(parts) == 6 and change.kind == "removed":
        return "destructive", "The attribute's values can no longer be reached."
    return "safe", ""


def _pipeline_effect(change: Change, parts: list[str]) -> tuple[Effect, str]:
    if len(parts) <= 4:
        if change.kind == "removed":
            return "destructive", "Records lose their stage."
        return "needs_backfill", "Existing records enter the first stage."
    if len(parts) == 6 and parts[4] == "stages" and change.kind == "removed":
        return "destructive", "Records in this stage must move to another one."
    if len(parts) == 7 and parts[4] == "stages" and parts[6] == "name":
        return "needs_backfill", "Records in this stage are rewritten."
    return "safe", ""


def digest(value: Any) -> str:
    """A short stable text of a JSON value, for messages."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= 80 else text[:79] + "…"

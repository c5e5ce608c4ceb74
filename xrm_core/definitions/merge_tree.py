"""Three-way merge of definitions as plain data: property by property, members of lists by their ids."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from xrm_core.definitions.diff import NODES, WHOLE
from xrm_core.definitions.merge_orders import merge_orders
from xrm_core.fields.base import Field

Choice = Literal["mine", "theirs", "both"]
Clash = Literal["changed", "added", "deleted_here", "deleted_there", "renamed", "moved", "type"]

SETS = frozenset({"fields", "quick_create", "facts", "columns", "card_fields", "requires", "moves_to", "to", "roles", "hidden", "pipelines"})
"""Lists of names in which each stands once, and whose members are put in and taken out one by one."""
CONDITIONS = frozenset({"filter", "where", "check", "entry_when"})
"""Expressions of which two can hold together."""
LABELS = frozenset({"label", "label_plural", "description", "help", "message"})
COMMON = frozenset(Field.model_fields) - {"type"}
"""Settings that every field has, whatever its type."""


class Missing:
    """Stands for a property that is not there."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = Missing()


@dataclass(frozen=True, slots=True)
class Decision:
    """What was chosen in a conflict; with `question` it answers only the same values over there again."""

    choice: Choice
    question: str = ""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Both sides changed one thing; `chosen` is what the merged set has, `decided` says that somebody chose it."""

    path: str
    clash: Clash
    base: Any
    theirs: Any
    mine: Any
    choices: tuple[Choice, ...] = ("mine", "theirs")
    chosen: Choice = "mine"
    decided: bool = False
    hint: str = ""

    @property
    def question(self) -> str:
        """A short text that is the same when the same values meet again."""
        return digest([self.base, self.theirs])

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        found: dict[str, Any] = {"path": self.path, "clash": self.clash}
        for key in ("base", "theirs", "mine"):
            value = getattr(self, key)
            if not isinstance(value, Missing):
                found[key] = value
        found |= {"choices": list(self.choices), "chosen": self.chosen, "decided": self.decided, "hint": self.hint}
        return found


@dataclass(frozen=True, slots=True)
class Note:
    """Something that came over by itself, or was kept, with the reason."""

    path: str
    what: Literal["taken", "kept", "removed", "renamed", "archived"]
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {"path": self.path, "what": self.what, "why": self.why}


def digest(value: Any) -> str:
    """A short fingerprint of JSON data."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def node_id(node: Mapping[str, Any]) -> str:
    """The stable id of a member of a list."""
    return str(node.get("id") or node["name"])


@dataclass
class Merger:
    """One merge: walks the three trees, asks the decisions, and notes what it finds."""

    decisions: Mapping[str, Decision]
    conflicts: list[Conflict] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    # -- conflicts ----------------------------------------------------------------------------------------------------

    def settle(self, conflict: Conflict) -> Choice:
        """Note a conflict with the choice that counts: the one that was decided, else the proposed one."""
        known = self.decisions.get(conflict.path)
        if known is not None and known.choice in conflict.choices and known.question in ("", conflict.question):
            conflict = replace(conflict, chosen=known.choice, decided=True)
        self.conflicts.append(conflict)
        return conflict.chosen

    def _clash(self, path: str, clash: Clash, base: Any, theirs: Any, mine: Any, hint: str = "") -> Any:
        key = path.rsplit("/", 1)[-1]
        both = key in CONDITIONS and isinstance(theirs, str) and isinstance(mine, str)
        choices: tuple[Choice, ...] = ("mine", "theirs", "both") if both else ("mine", "theirs")
        chosen = self.settle(Conflict(path, clash, base, theirs, mine, choices, hint=hint))
        if chosen == "both":
            return f"({mine}) and ({theirs})"
        return theirs if chosen == "theirs" else mine

    # -- values -------------------------------------------------------------------------------------------------------

    def value(self, path: str, base: Any, theirs: Any, mine: Any) -> Any:
        """The merged value of a property; MISSING when it is gone."""
        if _same(theirs, mine) or _same(base, theirs):
            return mine
        if _same(base, mine):
            self.notes.append(Note(path, "removed" if isinstance(theirs, Missing) else "taken"))
            return theirs
        key = _property(path)
        if key in LABELS and {type(theirs), type(mine)} <= {str, dict}:
            base, theirs, mine = ({"en": text} if isinstance(text, str) else text for text in (base, theirs, mine))
        if isinstance(theirs, dict) and isinstance(mine, dict) and key not in WHOLE:
            return self.object(path, base if isinstance(base, dict) else {}, theirs, mine)
        if key in NODES and all(_nodes(part) for part in (base, theirs, mine)):
            return self.nodes(path, *([] if isinstance(part, Missing) else part for part in (base, theirs, mine)))
        if _is_set(path, key) and all(_names(part) for part in (base, theirs, mine)):
            if not isinstance(base, Missing) or isinstance(theirs, Missing) or isinstance(mine, Missing):
                return self.names(path, *([] if isinstance(part, Missing) else part for part in (base, theirs, mine)))
        return self._clash(path, "changed", base, theirs, mine)

    def object(self, path: str, base: dict[str, Any], theirs: dict[str, Any], mine: dict[str, Any]) -> dict[str, Any]:
        """An object, property by property; a change of a field's type takes the settings of the type along."""
        for tag in ("type", "kind"):
            if tag in theirs and tag in mine and len({base.get(tag, theirs[tag]), theirs[tag], mine[tag]}) > 1:
                if tag == "type" or "/rules/" in path:
                    return self._retyped(path, tag, base, theirs, mine)
        return self._properties(path, base, theirs, mine)

    def _properties(
        self, path: str, base: dict[str, Any], theirs: dict[str, Any], mine: dict[str, Any]
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key in [*mine, *(key for key in theirs if key not in mine)]:
            place = f"{path}/{key}"
            value = self.value(place, base.get(key, MISSING), theirs.get(key, MISSING), mine.get(key, MISSING))
            if not isinstance(value, Missing):
                found[key] = value
        return found

    def _retyped(
        self, path: str, tag: str, base: dict[str, Any], theirs: dict[str, Any], mine: dict[str, Any]
    ) -> dict[str, Any]:
        common = COMMON if tag == "type" else frozenset({"id", "name", "message", "archived"})
        shared = [{key: value for key, value in node.items() if key in common} for node in (base, theirs, mine)]
        own = [{key: value for key, value in node.items() if key not in common} for node in (base, theirs, mine)]
        chosen = own[2]
        if _same(own[0], own[2]) or not base and _same(own[1], own[2]):
            chosen = own[1]
            self.notes.append(Note(f"{path}/{tag}", "taken"))
        elif not _same(own[0], own[1]):
            hint = "The settings of a type belong together: one side's are taken."
            chosen = self._clash(f"{path}/{tag}", "type", own[0] or MISSING, own[1], own[2], hint)
        if chosen is own[1] and "default" in mine and theirs.get("default") != mine.get("default"):
            # A default of the old type is none of the new one.
            shared[0]["default"] = shared[2]["default"] = shared[1].get("default", MISSING)
            for part in shared:
                if isinstance(part.get("default"), Missing):
                    del part["default"]
        return {**self._properties(path, *shared), **chosen}

    # -- lists --------------------------------------------------------------------------------------------------------

    def nodes(self, path: str, base: list[Any], theirs: list[Any], mine: list[Any]) -> list[Any]:
        """A list of members with ids: each member on its own, then their order."""
        lists = [{node_id(node): node for node in part} for part in (base, theirs, mine)]
        found: dict[str, Any] = {}
        for key in dict.fromkeys([*lists[2], *lists[1]]):
            merged = self.node(f"{path}/{key}", *(part.get(key, MISSING) for part in lists))
            if not isinstance(merged, Missing):
                found[key] = merged
        order = self._order(path, *(list(part) for part in lists), members=set(found))
        return [found[key] for key in order]

    def node(self, path: str, base: Any, theirs: Any, mine: Any) -> Any:
        """One member of a list, or a whole definition; MISSING when it is gone."""
        if isinstance(theirs, Missing) and isinstance(mine, Missing):
            return MISSING
        if isinstance(base, Missing):
            if isinstance(theirs, Missing) or isinstance(mine, Missing):
                if not isinstance(theirs, Missing):
                    self.notes.append(Note(path, "taken"))
                return theirs if isinstance(mine, Missing) else mine
            return mine if _same(theirs, mine) else self.object(path, {}, theirs, mine)
        if isinstance(theirs, Missing):
            if _same(base, mine):
                self.notes.append(Note(path, "removed"))
                return MISSING
            return self._clash(
                path, "deleted_there", base, theirs, mine, "The pack has it no more; here it was changed."
            )
        if isinstance(mine, Missing):
            if _same(base, theirs):
                return MISSING
            return self._clash(path, "deleted_here", base, theirs, mine, "It was removed here; the pack changed it.")
        return self.value(path, base, theirs, mine)

    def names(self, path: str, base: list[str], theirs: list[str], mine: list[str]) -> list[str]:
        """A list of names: what either side put in or took out, in both sides' order."""
        members = {name for name in (*theirs, *mine) if (name in theirs and name in mine) or name not in base}
        return self._order(path, base, theirs, mine, members=members)

    def _order(self, path: str, base: list[str], theirs: list[str], mine: list[str], *, members: set[str]) -> list[str]:
        order, both = merge_orders(base, theirs, mine, members)
        if both:
            chosen = self.settle(
                Conflict(
                    f"{path}/*",
                    "moved",
                    base,
                    theirs,
                    mine,
                    hint=f"Both moved {', '.join(both[:5])}: one side's order is taken.",
                )
            )
            if chosen == "theirs":
                order, _ = merge_orders(base, mine, theirs, members)
        return order


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, Missing) or isinstance(right, Missing):
        return isinstance(left, Missing) and isinstance(right, Missing)
    # 1, 1.0 and true are equal to Python and are not the same definition.
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(_same(one, other) for one, other in zip(left, right, strict=True))
    return bool(type(left) is type(right) and left == right)


def _nodes(value: Any) -> bool:
    return isinstance(value, Missing) or (
        isinstance(value, list) and all(isinstance(part, dict) and "name" in part for part in value)
    )


def _names(value: Any) -> bool:
    return isinstance(value, Missing) or (
        isinstance(value, list) and all(isinstance(part, str) for part in value) and len(set(value)) == len(value)
    )


def _property(path: str) -> str:
    """The name of the property that a path leads to; "" for a member of a list, whose id is nobody's property."""
    parts = path.split("/")
    return "" if len(parts) > 1 and parts[-2] in NODES else parts[-1]


def _is_set(path: str, key: str) -> bool:
    parts = path.split("/")
    if parts[0] == "role":
        return len(parts) == 4 and parts[2] in ("hidden_fields", "read_only_fields")
    return key in SETS and not (key == "fields" and "rules" in parts)


def known_decisions(data: Iterable[Mapping[str, Any]]) -> dict[str, Decision]:
    """Decisions as they were kept or sent: `[{"path", "choice", "question"?}]`."""
    return {str(one["path"]): Decision(one["choice"], str(one.get("question", ""))) for one in data}

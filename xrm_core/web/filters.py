"""The filter of a page: conditions in its address (`filter` as an expression, `f` as `field~operator~value`), and chips."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from xrm_core.expressions import from_json, parse, print_node
from xrm_core.expressions.conditions import to_rows
from xrm_core.expressions.tree import Literal, Logic, Node, logic
from xrm_core.storage.model import CompiledModule
from xrm_core.web import formats
from xrm_core.web.describe import Describer
from xrm_core.web.filter_fields import Asking, FieldAsked
from xrm_core.web.pages import ColumnView, FilterBar, FilterChip, FilterField, FilterOperator
from xrm_core.web.services import Visit

ME = "me"
MOST = 20
LONGEST = 4_000
SIMPLE = frozenset({"none", "text", "number", "date", "options", "span", "boolean", "record", "user"})
"""Inputs whose value is one text: what the form for browsers without scripts offers."""
_OWN = frozenset({"f", "f_field", "f_op", "f_value", "filter", "cursor", "more", "lane"})
"""Parameters that say the filter, or a place in what it finds."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of the address."""

    field: str
    operator: str
    value: str = ""

    @classmethod
    def read(cls, text: str) -> Condition | None:
        """From `field~operator~value`; None if it is not of that form."""
        parts = text.split("~", 2)
        if len(parts) < 2 or not all(parts[:2]):
            return None
        return cls(parts[0], parts[1], parts[2] if len(parts) > 2 else "")

    def __str__(self) -> str:
        return "~".join([self.field, self.operator, *([self.value] if self.value else [])])


class Filters:
    """The filter of one page."""

    def __init__(self, describer: Describer, module: CompiledModule, parameters: Sequence[tuple[str, str]]) -> None:
        self.describer = describer
        self.visit: Visit = describer.visit
        self.module = module
        self.parameters = list(parameters)
        self.asking = Asking(describer)
        given = dict(parameters)
        self.query = given.get("q", "").strip()[:200]
        self.expression = given.get("filter", "").strip()[:LONGEST]
        self.problem = ""
        texts = [value for name, value in parameters if name == "f"]
        self.conditions = [found for text in texts[:MOST] if (found := Condition.read(text)) is not None]
        if given.get("f_field") and given.get("f_op"):
            self.conditions.append(Condition(given["f_field"], given["f_op"], given.get("f_value", "").strip()))
        self._leaves = [self._leaf(condition) for condition in self.conditions]
        self.parsed = parse(self.expression)[0] if self.expression else None

    def _leaf(self, condition: Condition) -> dict[str, Any] | None:
        column = self.describer.column(self.module, condition.field)
        return leaf(condition, column) if column is not None else None

    def become(self, node: Node) -> None:
        """Ask this instead of what the address says."""
        self.conditions, self._leaves = [], []
        self.parsed = None if node == Literal(True) else node
        self.expression = "" if self.parsed is None else print_node(node)

    def json(self, view_filter: str | None) -> dict[str, Any] | None:
        """Everything together in the engine's JSON form; None when nothing limits the list."""
        parts: list[dict[str, Any]] = []
        if view_filter:
            parts.append({"expression": view_filter})
        if self.expression:
            parts.append({"expression": self.expression})
        if self.query:
            parts.append({"field": "title", "op": "contains", "value": self.query})
        parts += [found for found in self._leaves if found is not None]
        return {"and": parts} if parts else None

    @property
    def node(self) -> Node | None:
        """All conditions of the address as one tree, without the search text; None when there are none."""
        nodes = [node for node in (from_json(one)[0] for one in self._leaves if one is not None) if node is not None]
        nodes += [self.parsed] if self.parsed is not None else []
        return logic("and", nodes) if nodes else None

    @property
    def text(self) -> str:
        """The same as one expression, for links, saved views and the text form of the builder."""
        if self.expression and self.parsed is None:
            return self.expression
        node = self.node
        return print_node(node) if node is not None and node != Literal(True) else ""

    def rows(self, node: Node | None = None) -> dict[str, Any]:
        """A condition as the builder shows it; by default that of the address."""
        return to_rows(node if node is not None else self.node, self.offered)

    def offered(self, row: dict[str, Any]) -> bool:
        """Whether the builder has this field and operator, here and inside questions about linked records."""
        return self._offered(self.module, row)

    def _offered(self, module: CompiledModule, row: Mapping[str, Any]) -> bool:
        if "text" in row:
            return True
        if "join" in row:
            return all(self._offered(module, item) for item in row["items"])
        asked = self.asking.field(module, row["field"])
        operator = asked.operators().get(row["op"]) if asked is not None else None
        if asked is None or operator is None:
            return False
        if isinstance(row.get("value"), dict) and "join" in row["value"]:
            target = self.visit.unit.catalog.find(asked.to)
            return target is not None and self._offered(target, row["value"])
        return _fits(operator[1], row.get("value"))

    # -- what the page shows ------------------------------------------------------------------------------------------------

    def bar(self, action: str) -> FilterBar:
        """What the page shows."""
        others = [pair for pair in self.parameters if pair[0] not in _OWN]
        kept = [pair for pair in others if pair[0] in {"view", "layout", "sort", "archived", *KEPT}]
        given = [
            *(("f", str(one)) for one in self.conditions),
            *([("filter", self.expression)] if self.expression else []),
        ]
        if self.query:
            kept.append(("q", self.query))
        clear = [pair for pair in self.parameters if pair[0] in {"view", "layout", "sort", *KEPT}]
        limited = bool(self.conditions or self.query or self.expression)
        return FilterBar(
            action=action,
            query=self.query,
            expression=self.expression if self.parsed is None else "",
            chips=tuple(self._chips(action, others)),
            fields=self._plain(),
            keep=(*kept, *given),
            clear_url=address(action, clear) if limited else "",
            problem=self.problem,
            source=f"{self.describer.module(self.module).url}/filters",
            state={
                "rows": self.rows(),
                "text": self.text,
                "titles": dict(self.titles),
                "own": {name: value for name, value in self.parameters if name == "fx"},
            },
        )

    def _chips(self, action: str, others: list[tuple[str, str]]) -> Iterable[FilterChip]:
        """One chip per condition; groups joined by `or` are one."""
        texts = [("f", str(condition)) for condition in self.conditions]
        items = self.parsed.items if isinstance(self.parsed, Logic) and self.parsed.op == "and" else (
            [self.parsed] if self.parsed is not None and self.parsed != Literal(True) else []
        )  # fmt: skip
        own = [("filter", self.expression)] if self.expression else []
        for index, (condition, one) in enumerate(zip(self.conditions, self._leaves, strict=True)):
            node = from_json(one)[0] if one is not None else None
            url = address(action, [*others, *texts[:index], *texts[index + 1 :], *own])
            if node is not None:
                yield self._chip(node, url)
            elif (column := self.describer.column(self.module, condition.field)) is not None:
                yield FilterChip(column.label, condition.operator, condition.value, url)
        for index, item in enumerate(items):
            rest = [other for i, other in enumerate(items) if i != index]
            text = [("filter", print_node(logic("and", rest)))] if rest else []
            yield self._chip(item, address(action, [*others, *texts, *text]))

    def _chip(self, node: Node, url: str) -> FilterChip:
        rows = self.rows(node)["items"] if not isinstance(node, Logic) else [self.rows(node)]
        return FilterChip(*self._said(self.module, rows[0]), url)

    def _said(self, module: CompiledModule, row: Mapping[str, Any]) -> tuple[str, str, str]:
        """A row in words: field, operator, value."""
        t = self.visit.t
        if "text" in row:
            return t("Formula"), "", row["text"]
        if "join" in row:
            return "", "", self._joined(module, row)
        asked = self.asking.field(module, row["field"])
        if asked is None:
            return row["field"], row["op"], ""
        label, given = asked.operators()[row["op"]]
        value = row.get("value")
        if given == "group":
            target = self.visit.unit.catalog.find(asked.to)
            inner = self._joined(target, value) if target is not None and value else ""
            return asked.label, t(label), t("where {condition}", condition=inner) if inner else ""
        if given in ("length", "duration"):
            return asked.label, t(label).replace("…", self._length(value)), "" if "…" in label else self._length(value)
        return asked.label, t(label), self._value(asked, given, value)

    def _joined(self, module: CompiledModule, group: Mapping[str, Any]) -> str:
        word = self.visit.t("or" if group["join"] == "or" else "and")
        return f" {word} ".join(" ".join(part for part in self._said(module, item) if part) for item in group["items"])

    def _length(self, value: Any) -> str:
        return f"{value['n']} {self.visit.t(value['unit'].replace('_', ' '))}" if isinstance(value, dict) else ""

    def _value(self, asked: FieldAsked, given: str, value: Any) -> str:
        t, locale = self.visit.t, self.visit.locale
        if value is None:
            return ""
        if isinstance(value, list):
            word = f" {t('and')} " if given in ("numbers", "dates") else ", "
            return word.join(self._value(asked, given, one) for one in value)
        if isinstance(value, bool):
            return t("Yes" if value else "No")
        if isinstance(value, dict):
            return t("me") if "me" in value else formats.number(value.get("number", ""), None, locale)
        if given in ("user", "users"):
            user = self.visit.users.get(value)
            return user.name if user else value[:8]
        if given == "record":
            return self.titles.get(value, value[:8] + "…")
        if given == "span":
            return t(value.replace("_", " "))
        if given in ("date", "dates"):
            return formats.day(value, locale)
        return asked.options[value].label if value in asked.options else value

    def named(self) -> dict[str, list[str]]:
        """Ids of records that conditions name, by module, for the titles on chips."""
        found: dict[str, list[str]] = {}

        def look(module: CompiledModule, group: Mapping[str, Any]) -> None:
            for row in group["items"]:
                if "join" in row:
                    look(module, row)
                elif "field" in row and (asked := self.asking.field(module, row["field"])) is not None and asked.to:
                    value, target = row.get("value"), self.visit.unit.catalog.find(asked.to)
                    if isinstance(value, dict) and "join" in value and target is not None:
                        look(target, value)
                    elif asked.kind == "record" and isinstance(value, str) and len(value) == 36:
                        found.setdefault(asked.to, []).append(value)

        look(self.module, self.rows())
        return found

    titles: Mapping[str, str] = {}
    """Titles of records that conditions name, found by the handler."""

    # -- without scripts ----------------------------------------------------------------------------------------------------

    def _plain(self) -> tuple[FilterField, ...]:
        """The fields of the plain form, kept with the module."""
        key = ("plain filter fields", self.visit.locale, self.visit.unit.policy.key)
        found: tuple[FilterField, ...] | None = self.module.memo.get(key)
        if found is None:
            found = self.module.memo[key] = tuple(self.fields())
        return found

    def fields(self) -> Iterable[FilterField]:
        """What the plain form offers: own fields, operators whose value is one text."""
        t = self.visit.t
        for asked in self.asking.fields(self.module):
            if self.describer.column(self.module, asked.name) is None:
                continue
            known = [
                FilterOperator(op, t(label), given)  # type: ignore[arg-type]
                for op, (label, given) in asked.operators().items()
                if given in SIMPLE
            ]
            if known:
                yield FilterField(asked.name, asked.label, tuple(known))


KEPT = (
    "cols",
    "w",
    "pin",
    "fold",
    "agg",
    "n",
    "color",
    "fx",
    "by",
    "sum",
    "money",
    "date",
    "end",
    "stack",
    "period",
    "group",
    "from",
    "span",
)
"""Parameters of layouts that stay when the filter changes."""


def _fits(given: str, value: Any) -> bool:
    """Whether the input of an operator can hold a value."""
    if given in ("options", "users"):
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    if given in ("numbers", "dates"):
        return isinstance(value, list) and len(value) == 2 and all(_fits(given[:-1], one) for one in value)
    if given == "number":
        return isinstance(value, dict) and "number" in value
    if given in ("length", "duration"):
        return isinstance(value, dict) and "unit" in value
    if given == "boolean":
        return isinstance(value, bool)
    if given == "user":
        return isinstance(value, str) or isinstance(value, dict) and "me" in value
    if given == "date":
        return isinstance(value, str) and len(value) == 10
    return given in ("none", "group") and value is None or isinstance(value, str)


def leaf(condition: Condition, column: ColumnView) -> dict[str, Any]:
    """One condition in the engine's JSON form."""
    field, op, value = condition.field, condition.operator, condition.value
    if op in {"is_empty", "is_not_empty"}:
        return {"field": field, "op": op}
    if op in {"in", "not_in", "has_any", "has_all", "has_none"}:
        return {"field": field, "op": op, "value": [part for part in value.split(",") if part]}
    if op == "not_contains":
        return {"not": {"field": field, "op": "contains", "value": value}}
    if op == "not_within":
        return {"not": {"field": field, "op": "within", "value": value}}
    if column.type == "user" and value == ME:
        return {"expression": f"{field} {SIGNS.get(op, '==')} me"}
    if column.type == "boolean":
        return {"field": field, "op": op, "value": value == "true"}
    if column.type in {"integer", "decimal", "percent", "rating", "money"}:
        return {"expression": f"{field} {SIGNS.get(op, '==')} {_number(value)}"}
    return {"field": field, "op": op, "value": value}


SIGNS = {"eq": "==", "ne": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


def _number(text: str) -> str:
    """A number as the expression language writes it; what is none is a text, so that the engine says what is wrong."""
    plain = text.replace(",", ".").replace(" ", "")
    digits = plain.removeprefix("-").replace(".", "", 1)
    return plain if digits.isascii() and digits.isdigit() else "'" + "".join(c for c in text if c.isalnum())[:40] + "'"


def address(path: str, parameters: Iterable[tuple[str, str]]) -> str:
    """A path with its query."""
    query = urlencode([(name, value) for name, value in parameters if value != ""])
    return f"{path}?{query}" if query else path


__all__ = ["KEPT", "Condition", "Filters", "address", "leaf"]

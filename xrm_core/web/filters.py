"""The filter bar: conditions in the address (`f=field~operator~value`), what may be asked of each kind of value, and chips."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from xrm_core.storage.model import CompiledModule
from xrm_core.web import formats
from xrm_core.web.describe import Describer
from xrm_core.web.pages import ColumnView, FilterBar, FilterChip, FilterField, FilterOperator, OptionView
from xrm_core.web.services import Visit

_EMPTY = (("is_empty", "is empty", "none"), ("is_not_empty", "is not empty", "none"))
_TEXT: tuple[tuple[str, str, Any], ...] = (
    ("contains", "contains", "text"),
    ("eq", "is", "text"),
    ("starts_with", "starts with", "text"),
    *_EMPTY,
)
_NUMBER = (("gt", "is more than", "number"), ("lt", "is less than", "number"), ("eq", "is", "number"), *_EMPTY)
_DATE = (("within", "is within", "span"), ("lt", "is before", "date"), ("gt", "is after", "date"), *_EMPTY)
_OPTION = (("in", "is any of", "options"), ("not_in", "is none of", "options"), *_EMPTY)
_LIST = (
    ("has_any", "has any of", "options"),
    ("has_all", "has all of", "options"),
    ("has_none", "has none of", "options"),
    *_EMPTY,
)
_RECORD = (("eq", "is", "record"), *_EMPTY)
_USER = (("eq", "is", "user"), *_EMPTY)
OPERATORS: Mapping[str, tuple[tuple[str, str, Any], ...]] = {
    **dict.fromkeys(
        ("text", "title", "auto_number", "long_text", "email", "phone", "url", "person_name", "address"), _TEXT
    ),
    **dict.fromkeys(("integer", "decimal", "percent", "money", "rating"), _NUMBER),
    **dict.fromkeys(("date", "datetime", "instant"), _DATE),
    **dict.fromkeys(("select", "stage"), _OPTION),
    "multi_select": _LIST,
    "boolean": (("eq", "is", "boolean"), *_EMPTY),
    "link": _RECORD,
    "user": _USER,
}
"""Per shown type: (operator, its label, the input its value needs)."""
ME = "me"
MOST = 20


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
    """The conditions of one list page."""

    def __init__(self, describer: Describer, module: CompiledModule, parameters: Sequence[tuple[str, str]]) -> None:
        self.describer = describer
        self.visit: Visit = describer.visit
        self.module = module
        self.parameters = list(parameters)
        given = dict(parameters)
        self.query = given.get("q", "").strip()[:200]
        self.expression = given.get("filter", "").strip()
        self.problem = ""
        texts = [value for name, value in parameters if name == "f"]
        self.conditions = [found for text in texts[:MOST] if (found := Condition.read(text)) is not None]
        if given.get("f_field") and given.get("f_op"):
            self.conditions.append(Condition(given["f_field"], given["f_op"], given.get("f_value", "").strip()))

    def json(self, view_filter: str | None) -> dict[str, Any] | None:
        """Everything together in the engine's JSON form; None when nothing limits the list."""
        parts: list[dict[str, Any]] = []
        if view_filter:
            parts.append({"expression": view_filter})
        if self.expression:
            parts.append({"expression": self.expression})
        if self.query:
            parts.append({"field": "title", "op": "contains", "value": self.query})
        for condition in self.conditions:
            column = self.describer.column(self.module, condition.field)
            if column is not None:
                parts.append(leaf(condition, column))
        return {"and": parts} if parts else None

    def bar(self, action: str) -> FilterBar:
        """What the page shows."""
        chips = []
        for index, condition in enumerate(self.conditions):
            column = self.describer.column(self.module, condition.field)
            if column is None:
                continue
            rest = [str(other) for i, other in enumerate(self.conditions) if i != index]
            kept = [
                pair for pair in self.parameters if pair[0] not in {"f", "f_field", "f_op", "f_value", "cursor", "more"}
            ]
            url = address(action, [*kept, *(("f", text) for text in rest)])
            chips.append(
                FilterChip(column.label, self._operator(column, condition), self._value(column, condition), url)
            )
        kept = [pair for pair in self.parameters if pair[0] in {"view", "layout", "sort", "f", "filter", "archived"}]
        if self.query:
            kept.append(("q", self.query))
        clear = [pair for pair in self.parameters if pair[0] in {"view", "layout", "sort"}]
        limited = bool(self.conditions or self.query or self.expression)
        return FilterBar(
            action=action,
            query=self.query,
            expression=self.expression,
            chips=tuple(chips),
            fields=tuple(self.fields()),
            keep=tuple(kept),
            clear_url=address(action, clear) if limited else "",
            problem=self.problem,
        )

    def fields(self) -> Iterable[FilterField]:
        """What may be filtered by."""
        module, describer, t = self.module, self.describer, self.visit.t
        names = [
            "title",
            *(["stage"] if module.pipeline else []),
            *module.fields,
            *module.links,
            "owner",
            "created_at",
            "updated_at",
        ]
        for name in names:
            column = describer.column(module, name)
            operators: tuple[tuple[str, str, Any], ...] | None = (
                OPERATORS.get(column.type) if column is not None else None
            )
            if column is None or operators is None:
                continue
            options = tuple(column.options.values())
            modules: tuple[str, ...] = ()
            if name in module.links:
                if module.links[name].polymorphic:
                    continue
                modules = tuple(module.links[name].definition.to)
            elif any(kind == "user" for _, _, kind in operators):
                people = sorted(self.visit.users.values(), key=lambda user: user.name.casefold())
                options = (OptionView(ME, t("me")), *(OptionView(user.id, user.name) for user in people))
            elif any(kind == "options" for _, _, kind in operators) and not options:
                operators = _TEXT
            yield FilterField(
                name,
                column.label,
                tuple(FilterOperator(op, t(label), kind) for op, label, kind in operators),
                options,
                modules,
            )

    def _operator(self, column: ColumnView, condition: Condition) -> str:
        known = {op: label for op, label, _ in OPERATORS.get(column.type, ())}
        return self.visit.t(known.get(condition.operator, condition.operator))

    def _value(self, column: ColumnView, condition: Condition) -> str:
        value = condition.value
        if not value:
            return ""
        t = self.visit.t
        if column.type == "user":
            user = self.visit.users.get(value)
            return t("me") if value == ME else user.name if user else value[:8]
        if column.type == "boolean":
            return t("Yes" if value == "true" else "No")
        if column.options:
            return ", ".join(
                column.options[part].label if part in column.options else part for part in value.split(",")
            )
        if condition.operator == "within":
            return t(value.replace("_", " "))
        if column.type in {"date", "datetime", "instant"}:
            return formats.day(value, self.visit.locale)
        return self._title(value) if column.type == "link" else value

    def _title(self, record_id: str) -> str:
        return self.titles.get(record_id, record_id[:8] + "…")

    titles: Mapping[str, str] = {}
    """Titles of records that conditions name, found by the handler."""


def leaf(condition: Condition, column: ColumnView) -> dict[str, Any]:
    """One condition in the engine's JSON form."""
    field, op, value = condition.field, condition.operator, condition.value
    if op in {"is_empty", "is_not_empty"}:
        return {"field": field, "op": op}
    if op in {"in", "not_in", "has_any", "has_all", "has_none"}:
        return {"field": field, "op": op, "value": [part for part in value.split(",") if part]}
    if column.type == "user" and value == ME:
        return {"expression": f"{field} == me"}
    if column.type == "boolean":
        return {"field": field, "op": op, "value": value == "true"}
    if column.type == "money":
        return {"expression": f"amount({field}) {SIGNS.get(op, '==')} {_number(value)}"}
    if column.type in {"integer", "decimal", "percent", "rating"}:
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

"""Pieces of SQL with their parameters, and how a stored value of each kind is read from a row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Protocol

from xrm_core.expressions.library import Moment
from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem

SQL_TYPES: dict[Kind, str] = {
    Kind.TEXT: "text",
    Kind.INTEGER: "numeric",
    Kind.DECIMAL: "numeric",
    Kind.BOOLEAN: "boolean",
    Kind.DATE: "date",
    Kind.INSTANT: "timestamptz",
    Kind.DURATION: "numeric",
    Kind.MONEY: "numeric",
    Kind.RATE: "numeric",
    Kind.LIST: "text[]",
    Kind.REFERENCE: "uuid",
    Kind.OBJECT: "jsonb",
}
"""The SQL type of a value of each kind; of composite kinds, of its number."""


@dataclass(frozen=True, slots=True)
class Bind:
    """A parameter that is computed when the statement is executed: it depends on the time, the zone or the actor."""

    compute: Callable[[Moment], Any]


@dataclass(frozen=True, slots=True)
class Sql:
    """SQL text with `%s` placeholders, and the parameters in their order: values or `Bind`s."""

    text: str
    params: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return self.text

    def bound(self, moment: Moment) -> list[Any]:
        """The parameters for one execution."""
        return [param.compute(moment) if isinstance(param, Bind) else param for param in self.params]


NULL = Sql("null")


MAX_SQL = 200_000


def sql(template: str, *parts: Sql | str) -> Sql:
    """The template with every `{}` replaced by a part; plain strings are SQL text, never values."""
    pieces = template.split("{}")
    text, params = [pieces[0]], list[Any]()
    for part, piece in zip(parts, pieces[1:], strict=True):
        if isinstance(part, Sql):
            text.append(part.text)
            params.extend(part.params)
        else:
            text.append(part)
        text.append(piece)
    return _limited("".join(text), params)


def _limited(text: str, params: Iterable[Any]) -> Sql:
    """Composite values are mentioned several times, so that nested ones could grow without end."""
    if len(text) > MAX_SQL:
        raise Invalid(
            Problem("too_complex", "", "the expression is too large", "Split it into several formula fields.")
        )
    return Sql(text, tuple(params))


def joined(separator: str, parts: Iterable[Sql]) -> Sql:
    """The parts with a separator between them."""
    found = list(parts)
    return _limited(separator.join(part.text for part in found), (param for part in found for param in part.params))


def param(value: Any, type: str) -> Sql:
    """One parameter with its explicit type."""
    return Sql(f"%s::{type}", (value,))


def literal(text: str) -> str:
    """A name as an SQL string, safe inside a statement with placeholders."""
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"


@dataclass(frozen=True, slots=True)
class FieldSql:
    """Where the value of a field is found.

    `promoted` is the typed column (of text and lists it holds the folded value), `json` the document with `key` and a
    `path` inside the value. `raw` is SQL for the value itself, for system columns and texts that lie beside the row.
    """

    kind: Kind
    promoted: str | None = None
    json: str | None = None
    key: str = ""
    path: tuple[str, ...] = ()
    raw: str | Sql | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """A value in SQL. Of durations, money and rates `sql` is the number; `unit` the unit or currency, `per` the period.

    `key` is what is compared: of text and lists the folded value. A composite value is none where its number is null.
    """

    kind: Kind
    sql: Sql
    unit: Sql | None = None
    per: Sql | None = None
    folded: Sql | None = None
    nullable: bool = True
    constant: bool = False
    stored: bool = False
    """Read from a column or document as it is: never an empty text or list."""

    @property
    def key(self) -> Sql:
        """What equality and order look at; for money and rates together with the currency."""
        match self.kind:
            case Kind.TEXT:
                return self.folded or sql("xrm.fold({})", self.sql)
            case Kind.LIST:
                return self.folded or sql("xrm.fold_list({})", self.sql)
            case Kind.DURATION:
                return self.folded or sql("xrm.duration_hours({}, {})", self.sql, self.unit or NULL)
            case Kind.RATE:
                return self.folded or sql("xrm.annual({}, {})", self.sql, self.per or NULL)
        return self.sql

    def columns(self) -> list[Sql]:
        """All parts of the value, to be selected side by side."""
        return [part for part in (self.sql, self.unit, self.per) if part is not None]


class Subquery(Protocol):
    """The records behind a path of links, inside a sub-select."""

    @property
    def context(self) -> Context:
        """Where names of the linked record are looked up."""

    def source(self) -> Sql:
        """What stands after FROM, with all joins; asked after everything inside is compiled."""

    def where(self) -> Sql:
        """What ties the linked records to the outer row."""


class Context(Protocol):
    """The tables at hand while an expression is compiled."""

    @property
    def root(self) -> Context | None:
        """The tables of the whole expression, inside a sub-select."""

    def column(self, path: tuple[Any, ...]) -> FieldSql:
        """The field at the end of a path of symbols; n:1 links before it are joined."""

    def over(self, path: tuple[Any, ...]) -> Subquery:
        """The records behind a path of links of which at least one leads to many."""


def extract(field: FieldSql, item: Kind | None = None) -> Term:
    """The value of a field as a term; `item` is the kind of a list's items."""
    kind = field.kind
    promoted = Sql(field.promoted) if field.promoted else None
    raw = Sql(field.raw) if isinstance(field.raw, str) else field.raw
    if kind in (Kind.MONEY, Kind.RATE, Kind.DURATION):
        return _composite(field, promoted)
    if kind is Kind.TEXT:
        value = raw or (_text(field) if field.json else promoted)
        return Term(kind, value or NULL, folded=promoted, stored=True)
    if kind is Kind.LIST:
        read = _OBJECTS if item is Kind.OBJECT else "xrm.text_list({})"
        value = raw or (sql(read, _json(field)) if field.json else promoted)
        return Term(kind, value or NULL, folded=promoted, stored=True)
    if raw is not None or promoted is not None:
        return Term(kind, raw or promoted or NULL, stored=True)
    return Term(kind, sql(_READ[kind], _json(field) if kind is Kind.OBJECT else _text(field)), stored=True)


# Objects can only be counted.
_OBJECTS = "array(select e::text from jsonb_path_query({}, '$[*]') e)"

_READ: dict[Kind, str] = {
    Kind.INTEGER: "xrm.to_number({})",
    Kind.DECIMAL: "xrm.to_number({})",
    Kind.BOOLEAN: "case {} when 'true' then true when 'false' then false end",
    Kind.DATE: "xrm.iso_date({})",
    Kind.INSTANT: "xrm.iso_instant({})",
    Kind.REFERENCE: "xrm.to_uuid({})",
    Kind.OBJECT: "{}",
}


def _json(field: FieldSql, *inside: str) -> Sql:
    steps = (field.key, *field.path, *inside)
    return Sql(f"({field.json}" + "".join(f"->{literal(step)}" for step in steps) + ")")


def _text(field: FieldSql, *inside: str) -> Sql:
    *steps, last = (field.key, *field.path, *inside)
    return Sql(f"({field.json}" + "".join(f"->{literal(step)}" for step in steps) + f"->>{literal(last)})")


def _composite(field: FieldSql, promoted: Sql | None) -> Term:
    if field.kind is Kind.DURATION:
        # The promoted column is for sorting; comparisons look at the exact value.
        return Term(
            Kind.DURATION, sql("xrm.to_number({})", _text(field, "value")), unit=_text(field, "unit"), stored=True
        )
    amount = sql("xrm.to_number({})", _text(field, "amount"))
    currency = _text(field, "currency")
    if field.kind is Kind.MONEY:
        return Term(Kind.MONEY, promoted or amount, unit=currency, stored=True)
    return Term(Kind.RATE, amount, unit=currency, per=_text(field, "per"), folded=promoted, stored=True)


def as_parameter(kind: Kind, value: Any) -> Any:
    """A Python value as it is given to the driver."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, int) and kind is not Kind.BOOLEAN:
        return Decimal(value)  # a list must not mix kinds of numbers
    if isinstance(value, Sequence) and not isinstance(value, str):
        return list(value)
    return value

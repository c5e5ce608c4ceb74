"""Group-by: counts, sums, averages, smallest and largest values, grouped by fields and by periods of dates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from xrm_core.catalog import CompiledModule
from xrm_core.expressions.typed import Read
from xrm_core.kernel.errors import Malformed
from xrm_core.kernel.kinds import NUMERIC, Kind
from xrm_core.kernel.problem import Problem
from xrm_core.records.query import conditions, context_of, read_filter, read_path
from xrm_core.records.unit import Unit
from xrm_core.storage.rows import instant
from xrm_core.storage.sql.expressions import compile_term
from xrm_core.storage.sql.queries import source_of
from xrm_core.storage.sql.tables import TableContext
from xrm_core.storage.sql.values import Sql, Term, joined, literal, sql

FUNCTIONS = ("count", "sum", "avg", "min", "max")
PERIODS = ("day", "week", "month", "quarter", "year")
CURRENCY = "currency"
"""Money is grouped by its currency, so that amounts of one currency can be added."""
MOST_GROUPS = 1_000
MOST_PARTS = 12


@dataclass(slots=True)
class _Measure:
    name: str
    function: str
    kind: Kind | None
    columns: list[Sql]


async def aggregate(unit: Unit, module_name: str, body: Any) -> bytes:
    """`{"data": [{"group": {…}, "<measure>": value}], "groups": n}`; at most 1,000 groups, the first by their keys."""
    module = unit.module(module_name)
    unit.policy.require(module.id, "see")
    if not isinstance(body, dict) or set(body) - {"measures", "group_by", "filter"}:
        raise Malformed(
            Problem(
                "type", "", "An aggregate names measures, group_by and filter.", '{"measures": [{"function": "count"}]}'
            )
        )
    context = context_of(unit, module)
    typed = read_filter(unit, module, body.get("filter"))
    groups = [_group(unit, module, context, item, index) for index, item in enumerate(_list(body, "group_by"))]
    given = _list(body, "measures") or [{"function": "count"}]
    measures = [_measure(unit, module, context, item, index) for index, item in enumerate(given)]
    if len({measure.name for measure in measures}) != len(measures):
        raise Malformed(Problem("twice", "/measures", "Two measures have the same name.", 'Give them an "as".'))
    where = joined(" and ", conditions(unit, module, context, typed, "no"))
    selected = joined(
        ", ", [*(column for _, column in groups), *(column for measure in measures for column in measure.columns)]
    )
    numbers = ", ".join(str(index + 1) for index in range(len(groups)))
    tail = f" group by {numbers} order by {numbers}" if groups else ""
    statement = sql(
        "select {} from {} where {}{} limit {}", selected, source_of(module, context), where, tail, str(MOST_GROUPS + 1)
    )
    connection = unit.current or await unit.reader()
    cursor = connection.cursor()
    await cursor.execute(statement.text, statement.bound(unit))
    rows = await cursor.fetchall()
    data = []
    for row in rows[:MOST_GROUPS]:
        entry: dict[str, Any] = (
            {"group": {name: _plain(value) for (name, _), value in zip(groups, row, strict=False)}} if groups else {}
        )
        at = len(groups)
        for measure in measures:
            entry[measure.name] = _value(measure, row[at : at + len(measure.columns)])
            at += len(measure.columns)
        data.append(entry)
    return orjson.dumps({"data": data, "complete": len(rows) <= MOST_GROUPS})


def _list(body: dict[str, Any], key: str) -> list[Any]:
    given = body.get(key)
    if given is None:
        return []
    if not isinstance(given, list) or len(given) > MOST_PARTS:
        raise Malformed(Problem("type", f"/{key}", f"A list of at most {MOST_PARTS} is needed."))
    return given


def _group(unit: Unit, module: CompiledModule, context: TableContext, item: Any, index: int) -> tuple[str, Sql]:
    place = f"/group_by/{index}"
    period = None
    if isinstance(item, dict):
        period, item = item.get("by"), item.get("field")
        if period not in (*PERIODS, CURRENCY):
            raise Malformed(
                Problem(
                    "period",
                    place + "/by",
                    f"There is no period {str(period)[:40]!r}.",
                    f"One of: {', '.join((*PERIODS, CURRENCY))}.",
                )
            )
    if not isinstance(item, str):
        raise Malformed(
            Problem("type", place, "A field is named by its name.", '"owner" or {"field": "start_date", "by": "month"}')
        )
    typed = read_path(unit, module, item, place)
    term = compile_term(typed, context)
    kind = typed.type.kind
    if period == CURRENCY:
        if kind not in (Kind.MONEY, Kind.RATE) or term.unit is None:
            raise Malformed(Problem("type", place, f"{item} has no currency.", "Leave out `by`."))
        return item, term.unit
    if period is not None:
        if kind not in (Kind.DATE, Kind.INSTANT):
            raise Malformed(Problem("type", place, f"{item} is not a date.", "Leave out `by`."))
        day = (
            term.sql if kind is Kind.DATE else sql("({} at time zone {})", term.sql, literal(unit.workspace.time_zone))
        )
        return item, sql("date_trunc({}, {}::timestamp)::date", literal(period), day)
    if kind is Kind.LIST:
        raise Malformed(
            Problem("type", place, f"{item} holds lists, which cannot be grouped.", "Group by another field.")
        )
    return item, term.sql


def _measure(unit: Unit, module: CompiledModule, context: TableContext, item: Any, index: int) -> _Measure:
    place = f"/measures/{index}"
    function = item.get("function") if isinstance(item, dict) else None
    if function not in FUNCTIONS or set(item) - {"function", "field", "as"}:
        raise Malformed(Problem("function", place, "A measure names a function.", f"One of: {', '.join(FUNCTIONS)}."))
    field, name = item.get("field"), item.get("as")
    if name is not None and (not isinstance(name, str) or not name.isidentifier() or len(name) > 48 or name == "group"):
        raise Malformed(Problem("name", place + "/as", "A name is letters, digits and underscores."))
    if field is None:
        if function != "count":
            raise Malformed(Problem("required", place + "/field", f"{function} needs a field."))
        return _Measure(name or "count", function, Kind.INTEGER, [Sql("count(*)")])
    if not isinstance(field, str):
        raise Malformed(Problem("type", place + "/field", "A field is named by its name."))
    typed = read_path(unit, module, field, place + "/field")
    term = compile_term(typed, context)
    name = name or f"{function}_{field.replace('.', '_')}"
    if function == "count":
        return _Measure(name, function, Kind.INTEGER, [sql("count({})", term.sql)])
    return _Measure(name, function, typed.type.kind, _columns(function, typed, term, place))


def _columns(function: str, typed: Read, term: Term, place: str) -> list[Sql]:
    kind = typed.type.kind
    number = kind in NUMERIC or kind is Kind.MONEY
    if function in ("sum", "avg") and not number or kind not in (*NUMERIC, Kind.MONEY, Kind.DATE, Kind.INSTANT):
        raise Malformed(Problem("type", place + "/field", f"There is no {function} of a {typed.type}."))
    inner = sql("{}({})", function, term.sql)
    columns = [sql("round({}, 12)", inner) if function == "avg" else inner]
    if term.unit is not None:
        columns += [sql("min({})", term.unit), sql("count(distinct {})", term.unit)]
    return columns


def _value(measure: _Measure, columns: tuple[Any, ...]) -> Any:
    first = columns[0]
    if first is None:
        return None
    if measure.kind is Kind.MONEY and measure.function != "count":
        # Amounts of different currencies cannot be compared or added.
        return {"amount": _text(first), "currency": columns[1]} if columns[2] == 1 else None
    if measure.kind is Kind.INTEGER:
        return int(first) if first == int(first) else _text(first)
    return _plain(first)


def _text(value: Decimal) -> str:
    text = format(value, "f")
    if "." in text:
        whole, _, rest = text.partition(".")
        text = f"{whole}.{rest.rstrip('0').ljust(2, '0')}"
    return text


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else _text(value)
    return str(value) if isinstance(value, UUID) else value

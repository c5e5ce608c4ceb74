"""Arithmetic and functions of the expression language in SQL, under the same keys as their Python implementations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from xrm_core.expressions.library import BLANKS
from xrm_core.kernel.kinds import NUMERIC, Kind
from xrm_core.storage.sql.values import NULL, Bind, Sql, Term, joined, param, sql

Operation = Callable[[Term, Term], Term]
_I, _D = Kind.INTEGER, Kind.DECIMAL


def number(value: Sql, kind: Kind = Kind.DECIMAL) -> Term:
    """A number within the bounds of its kind."""
    return Term(kind, sql("xrm.bound_integer({})" if kind is _I else "xrm.bound_decimal({})", value))


def unit_of(term: Term) -> Sql:
    """The unit or currency of a composite value."""
    return term.unit or NULL


def _number(op: str, kind: Kind) -> Operation:
    return lambda left, right: number(sql(f"({{}} {op} {{}})", left.sql, right.sql), kind)


def _divide(left: Term, right: Term) -> Term:
    return Term(_D, sql("xrm.divide({}, {})", left.sql, right.sql))


def _moved(kind: Kind, sign: str) -> Operation:
    function = "xrm.move_date" if kind is Kind.DATE else "xrm.move_instant"
    return lambda left, right: Term(
        kind, sql(f"{function}({{}}, {sign}({{}}), {{}})", left.sql, right.sql, unit_of(right))
    )


def _same_unit(left: Term, right: Term, value: Sql) -> Sql:
    return sql("case when {} = {} then {} end", unit_of(left), unit_of(right), value)


def _paired(kind: Kind, op: str) -> Operation:
    """Sum or difference of two durations or amounts, which must have one unit."""

    def operation(left: Term, right: Term) -> Term:
        value = number(sql(f"({{}} {op} {{}})", left.sql, right.sql)).sql
        return Term(kind, _same_unit(left, right, value), unit=left.unit)

    return operation


def _scaled(left: Term, right: Term) -> Term:
    value = number(sql("({} * {})", left.sql, right.sql)).sql
    return Term(left.kind, value, unit=left.unit, per=left.per)


def _shared(left: Term, right: Term) -> Term:
    return Term(left.kind, _divide(left, right).sql, unit=left.unit, per=left.per)


def _swapped(operation: Operation) -> Operation:
    return lambda left, right: operation(right, left)


SQL_OPERATIONS: dict[tuple[str, Kind, Kind], Operation] = {
    ("+", Kind.TEXT, Kind.TEXT): lambda left, right: Term(
        Kind.TEXT, sql("xrm.bound_text({} || {})", left.sql, right.sql)
    ),
    ("+", Kind.DATE, Kind.DURATION): _moved(Kind.DATE, ""),
    ("-", Kind.DATE, Kind.DURATION): _moved(Kind.DATE, "-"),
    ("+", Kind.INSTANT, Kind.DURATION): _moved(Kind.INSTANT, ""),
    ("-", Kind.INSTANT, Kind.DURATION): _moved(Kind.INSTANT, "-"),
    ("-", Kind.DATE, Kind.DATE): lambda left, right: Term(
        Kind.DURATION, sql("({} - {})::numeric", left.sql, right.sql), unit=Sql("'days'::text")
    ),
    ("+", Kind.DURATION, Kind.DURATION): _paired(Kind.DURATION, "+"),
    ("-", Kind.DURATION, Kind.DURATION): _paired(Kind.DURATION, "-"),
    ("*", Kind.DURATION, _I): _scaled,
    ("*", _I, Kind.DURATION): _swapped(_scaled),
    ("+", Kind.MONEY, Kind.MONEY): _paired(Kind.MONEY, "+"),
    ("-", Kind.MONEY, Kind.MONEY): _paired(Kind.MONEY, "-"),
    ("/", Kind.MONEY, Kind.MONEY): lambda left, right: Term(_D, _same_unit(left, right, _divide(left, right).sql)),
}
for _left in (_I, _D):
    for _right in (_I, _D):
        _kind = _I if _left is _I and _right is _I else _D
        for _op in ("+", "-", "*"):
            SQL_OPERATIONS[_op, _left, _right] = _number(_op, _kind)
        SQL_OPERATIONS["/", _left, _right] = _divide
    for _composite in (Kind.MONEY, Kind.RATE):
        SQL_OPERATIONS["*", _composite, _left] = _scaled
        SQL_OPERATIONS["*", _left, _composite] = _swapped(_scaled)
        SQL_OPERATIONS["/", _composite, _left] = _shared


def _plain(kind: Kind, template: str) -> Callable[..., Term]:
    """A function whose arguments go into the template as they are."""
    return lambda *args: Term(kind, sql(template, *(arg.sql for arg in args)))


def _duration(unit: str, factor: int = 1) -> Callable[[Term], Term]:
    def made(n: Term) -> Term:
        value = n.sql if factor == 1 else sql(f"xrm.bound_integer({{}} * {factor})", n.sql)
        return Term(Kind.DURATION, value, unit=Sql(f"'{unit}'::text"))

    return made


def _part(name: str) -> Callable[[Term], Term]:
    return _plain(_I, f"extract({name} from {{}})")


def _truth(value: Sql, nullable: bool = False) -> Term:
    return Term(Kind.BOOLEAN, value, nullable=nullable)


def _date_of(instant: Term) -> Term:
    return Term(Kind.DATE, sql("xrm.day_of({}, {})", instant.sql, param(Bind(lambda moment: moment.zone), "text")))


def _as_text(term: Term) -> Sql:
    if term.kind in NUMERIC:
        return sql("trim_scale({})::text", term.sql)
    return sql("xrm.date_text({})", term.sql) if term.kind is Kind.DATE else term.sql


def _concat(*parts: Term) -> Term:
    return Term(Kind.TEXT, sql("xrm.join_text(array[{}]::text[])", joined(", ", map(_as_text, parts))))


def _substring(text: Term, start: Term, length: Term | None = None) -> Term:
    many = length.sql if length is not None else Sql("1000000")
    return Term(Kind.TEXT, sql("xrm.part_text({}, {}, {})", text.sql, start.sql, many))


def _length(value: Term) -> Term:
    if value.kind is Kind.LIST:
        return Term(
            _I, sql("nullif(cardinality({}), 0)::numeric" if value.stored else "cardinality({})::numeric", value.sql)
        )
    return Term(_I, sql("char_length({})::numeric", value.sql))


def _contains(value: Term, part: Term) -> Term:
    if value.kind is Kind.LIST:
        item = sql("{}::text", part.sql) if part.kind is Kind.REFERENCE else part.key
        # `@>` can use the index of a promoted list, `= any` cannot.
        return _truth(sql("{} @> array[{}]", value.key, item), nullable=True)
    return _truth(sql("strpos({}, {}) > 0", value.key, part.key), nullable=True)


def _starts_with(text: Term, part: Term) -> Term:
    return _truth(sql("starts_with({}, {})", text.key, part.key), nullable=True)


def _ends_with(text: Term, part: Term) -> Term:
    return _truth(
        sql("(char_length({}) = 0 or right({}, char_length({})) = {})", part.key, text.key, part.key, part.key),
        nullable=True,
    )


def _absolute(value: Term) -> Term:
    return replace(value, sql=sql("abs({})", value.sql), folded=None, stored=False)


def _round(value: Term, places: Term | None = None) -> Term:
    if value.kind is Kind.MONEY or places is not None:
        amount = sql("xrm.round_to({}, {})", value.sql, places.sql if places else Sql("0"))
        return replace(
            value, kind=value.kind if value.kind is Kind.MONEY else _D, sql=amount, folded=None, stored=False
        )
    return number(sql("round({})", value.sql), _I)


def _extreme(function: str) -> Callable[..., Term]:
    def found(*values: Term) -> Term:
        kinds = {value.kind for value in values}
        kind = _D if kinds == {_I, _D} else values[0].kind
        return Term(kind, sql(f"{function}({{}})", joined(", ", (value.sql for value in values))))

    return found


def _annual(rate: Term) -> Term:
    amount = sql("xrm.annual({}, {})", rate.sql, rate.per or NULL)
    return Term(Kind.MONEY, sql("xrm.bound_decimal({})", amount), unit=rate.unit)


def _when_given(part: Callable[[Term], Sql | None]) -> Callable[[Term], Term]:
    """A text that belongs to an amount; none where there is no amount."""

    def found(term: Term) -> Term:
        value = part(term) or NULL
        return Term(Kind.TEXT, value if term.stored else sql("case when {} is not null then {} end", term.sql, value))

    return found


def _coalesce(*values: Term) -> Term:
    if values[0].kind in (Kind.MONEY, Kind.RATE, Kind.DURATION):
        return _first_composite(values)
    found = [_without_empty(value) for value in values]
    kind = _D if {value.kind for value in values} == {_I, _D} else values[0].kind
    return Term(kind, sql("coalesce({})", joined(", ", found)))


def _without_empty(value: Term) -> Sql:
    if value.kind is Kind.TEXT and not value.stored:
        return sql("nullif({}, '')", value.sql)
    if value.kind is Kind.LIST:
        return sql("nullif({}, array[]::text[])", value.sql)
    return value.sql


def _first_composite(values: Sequence[Term]) -> Term:
    def chosen(part: Callable[[Term], Sql | None]) -> Sql | None:
        if part(values[0]) is None:
            return None
        cases = joined(" ", (sql("when {} is not null then {}", value.sql, part(value) or NULL) for value in values))
        return sql("case {} end", cases)

    return Term(
        values[0].kind,
        sql("coalesce({})", joined(", ", (value.sql for value in values))),
        unit=chosen(lambda value: value.unit),
        per=chosen(lambda value: value.per),
    )


def is_empty(value: Term) -> Sql:
    """Whether there is no value; never null itself."""
    if value.kind is Kind.LIST:
        return sql("coalesce(cardinality({}), 0) = 0", value.sql)
    if value.kind is Kind.TEXT and not value.stored:
        return sql("coalesce({}, '') = ''", value.sql)
    if value.stored and value.folded is not None:
        return sql("{} is null", value.folded)
    return sql("{} is null", value.sql)


def _items(value: Term) -> Sql:
    return sql("coalesce({}, array[]::text[])", value.key)


def _has(operator: str) -> Callable[[Term, Term], Term]:
    def found(items: Term, wanted: Term) -> Term:
        given = wanted.key.params[0] if wanted.constant else None
        if isinstance(given, list) and given:
            # Left as it is, the index of a promoted list can be used.
            return _truth(sql(f"{{}} {operator} {{}}", items.key, wanted.key), nullable=True)
        return _truth(sql(f"{{}} {operator} {{}}", _items(items), _items(wanted)))

    return found


def _has_none(items: Term, wanted: Term) -> Term:
    return _truth(sql("({}) is not true", _has("&&")(items, wanted).sql))


SQL_FUNCTIONS: dict[str, Callable[..., Term]] = {
    "days": _duration("days"),
    "weeks": _duration("days", 7),
    "months": _duration("months"),
    "years": _duration("months", 12),
    "business_days": _duration("business_days"),
    "hours": _duration("hours"),
    "year": _part("year"),
    "quarter": _part("quarter"),
    "month": _part("month"),
    "day": _part("day"),
    "weekday": _part("isodow"),
    "date_of": _date_of,
    "days_between": lambda start, end: Term(_I, sql("({} - {})::numeric", end.sql, start.sql)),
    "months_between": _plain(_I, "xrm.months_between({}, {})"),
    "years_between": _plain(_I, "trunc(xrm.months_between({}, {}) / 12)"),
    "business_days_between": _plain(_I, "xrm.business_days_between({}, {})::numeric"),
    "hours_between": _plain(_D, "xrm.hours_between({}, {})"),
    "start_of_week": _plain(Kind.DATE, "xrm.week_start({})"),
    "start_of_month": _plain(Kind.DATE, "xrm.period_start({}, 1)"),
    "end_of_month": _plain(Kind.DATE, "xrm.month_end({})"),
    "start_of_quarter": _plain(Kind.DATE, "xrm.period_start({}, 3)"),
    "start_of_year": _plain(Kind.DATE, "xrm.period_start({}, 12)"),
    "lower": _plain(Kind.TEXT, "xrm.lower_text({})"),
    "upper": _plain(Kind.TEXT, "xrm.upper_text({})"),
    "trim": lambda text: Term(Kind.TEXT, sql("btrim({}, {})", text.sql, param(BLANKS, "text"))),
    "concat": _concat,
    "replace": _plain(Kind.TEXT, "xrm.replace_text({}, {}, {})"),
    "substring": _substring,
    "len": _length,
    "contains": _contains,
    "starts_with": _starts_with,
    "ends_with": _ends_with,
    "abs": _absolute,
    "round": _round,
    "floor": lambda value: number(sql("floor({})", value.sql), _I),
    "ceil": lambda value: number(sql("ceil({})", value.sql), _I),
    "min": _extreme("least"),
    "max": _extreme("greatest"),
    "money": lambda amount, currency: Term(
        Kind.MONEY, sql("case when {} is not null then {} end", currency.sql, amount.sql), unit=currency.sql
    ),
    "amount": lambda value: Term(_D, value.sql),
    "currency": _when_given(lambda value: value.unit),
    "annual": _annual,
    "per": _when_given(lambda value: value.per),
    "coalesce": _coalesce,
    "is_empty": lambda value: _truth(is_empty(value)),
    "has_any": _has("&&"),
    "has_all": _has("@>"),
    "has_none": _has_none,
}
"""Every function that can have a record's values as arguments. `today`, `now`, `me` and spans are parameters."""
NEVER_ON_RECORDS = frozenset({"today", "now", "me", "within"})

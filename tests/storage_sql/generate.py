"""Strategies that generate expressions which make sense: every function and operator, of every kind."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tests.expressions.scopes import CUSTOMERS, JOBS, TASKS
from tests.storage_sql.world import DATES, NUMBERS, TEXTS
from xrm_core.expressions import FUNCTIONS, Names
from xrm_core.expressions import tree as n
from xrm_core.expressions.spans import EXAMPLES
from xrm_core.kernel.kinds import Kind

COMPARED = ["==", "!=", "<", "<=", ">", ">="]
MADE = [
    Kind.TEXT,
    Kind.INTEGER,
    Kind.DECIMAL,
    Kind.BOOLEAN,
    Kind.DATE,
    Kind.INSTANT,
    Kind.DURATION,
    Kind.MONEY,
    Kind.RATE,
]


def paths(scope: Names, kind: Kind, hops: int = 2) -> list[n.Name]:
    """All names of a kind in a scope, also over links."""
    found: list[n.Name] = []
    for symbol in scope.symbols.values():
        if symbol.type.kind is kind and symbol.kind != "links":
            found.append(n.Name((symbol.name,)))
        found += [n.Name((symbol.name, name)) for name, part in symbol.attributes.items() if part.type.kind is kind]
        if symbol.kind == "link" and hops and symbol.target is not None:
            inner = symbol.target()
            assert isinstance(inner, Names)
            found += [n.Name((symbol.name, *name.parts)) for name in paths(inner, kind, hops - 1)]
        if symbol.polymorphic and kind is Kind.TEXT:
            found += [n.Name((symbol.name, "title")), n.Name((symbol.name, "module"))]
    return found


PATHS = {id(scope): {kind: paths(scope, kind) for kind in Kind} for scope in (CUSTOMERS, JOBS, TASKS)}
MANY: dict[int, list[tuple[tuple[str, ...], Names]]] = {
    id(CUSTOMERS): [(("jobs",), JOBS), (("jobs", "tasks"), TASKS), (("parent", "jobs"), JOBS)],
    id(JOBS): [(("tasks",), TASKS), (("customer", "jobs"), JOBS), (("tasks", "job", "customer"), CUSTOMERS)],
    id(TASKS): [(("job", "tasks"), TASKS), (("job", "customer", "jobs"), JOBS)],
}


def call(name: str, *args: n.Node) -> n.Node:
    return n.Call(name, args)


class Maker:
    """Makes one expression over a scope."""

    def __init__(self, chance: random.Random, scope: Names) -> None:
        self.chance, self.scope = chance, scope

    def pick(self, *options: Any) -> Any:
        return self.chance.choice(options)

    def often(self, share: float = 0.5) -> bool:
        return self.chance.random() < share

    def count(self, low: int, high: int) -> range:
        return range(self.chance.randint(low, high))

    def make(self, kind: Kind, depth: int) -> n.Node:
        if self.often(0.02):
            return n.Literal(None)
        names = PATHS[id(self.scope)][kind]
        if names and (depth <= 0 or self.often(0.25)):
            return self.pick(*names)
        if depth <= 0 or self.often(0.1):
            return self.written(kind)
        common = self.pick("own", "own", "own", "own", "choice", "coalesce")
        if common == "choice" and kind not in (Kind.LIST, Kind.REFERENCE):
            return n.Choice(self.make(kind, depth - 1), self.condition(depth - 1), self.make(kind, depth - 1))
        if common == "coalesce":
            return call("coalesce", self.make(kind, depth - 1), self.make(kind, depth - 1))
        made: n.Node = getattr(self, kind.value)(depth - 1)
        return made

    def written(self, kind: Kind) -> n.Node:
        match kind:
            case Kind.TEXT:
                return n.Literal(self.pick(*TEXTS, "", "A", "e", "%", "_", " é\u00a0"))
            case Kind.INTEGER:
                return n.Literal(self.pick(10**14, -(10**9), *range(-3, 13)))
            case Kind.DECIMAL:
                return n.Literal(self.pick(*NUMBERS, Decimal("3.0"), Decimal("0.000000000001")))
            case Kind.BOOLEAN:
                return n.Literal(self.often())
            case Kind.DATE:
                day = self.pick(*DATES, date(2026, 3, 1) + timedelta(self.chance.randint(-99, 99)))
                return self.pick(
                    call("today"),
                    call("coalesce", self.pick(*PATHS[id(self.scope)][Kind.DATE]), n.Literal(day.isoformat())),
                )
            case Kind.INSTANT:
                return call("now")
            case Kind.DURATION:
                unit = self.pick("days", "weeks", "months", "years", "business_days", "hours")
                return call(unit, n.Literal(self.chance.randint(-40, 40)))
            case Kind.MONEY:
                return call("money", n.Literal(self.pick(*NUMBERS)), n.Literal(self.pick("EUR", "USD")))
            case Kind.RATE:
                return n.Binary(
                    "*", self.pick(n.Name(("pay",)) if self.scope is JOBS else n.Literal(None)), n.Literal(2)
                )
            case Kind.REFERENCE:
                return n.Name(("me",))
            case Kind.LIST:
                return n.ListOf(
                    tuple(
                        n.Literal(one)
                        for one in self.chance.sample(["python", "GO", "zoe", "x"], self.chance.randint(0, 3))
                    )
                )
        raise AssertionError(kind)

    def condition(self, depth: int) -> n.Node:
        return self.make(Kind.BOOLEAN, depth)

    def boolean(self, depth: int) -> n.Node:
        shape = self.pick(
            "logic",
            "not",
            "compare",
            "compare",
            "day",
            "in",
            "search",
            "list",
            "empty",
            "between",
            "within",
            "over",
            "reference",
            "members",
        )
        match shape:
            case "logic":
                return n.logic(self.pick("and", "or"), [self.condition(depth), self.condition(depth)])
            case "not":
                return n.Unary("not", self.condition(depth))
            case "compare":
                kind = self.pick(*MADE)
                ops = COMPARED[:2] if kind is Kind.BOOLEAN else COMPARED
                return n.Compare(self.pick(*ops), self.make(kind, depth), self.make(kind, depth))
            case "day":
                day = n.Literal(self.pick(*DATES).isoformat()) if self.often() else self.make(Kind.DATE, depth)
                sides = [self.make(Kind.INSTANT, depth), day]
                if self.often():
                    sides.reverse()
                if isinstance(sides[0], n.Literal) and isinstance(sides[1], n.Literal):
                    return n.Literal(True)
                return n.Compare(self.pick(*COMPARED), *sides)
            case "in":
                kind = self.pick(
                    Kind.TEXT, Kind.INTEGER, Kind.DECIMAL, Kind.DATE, Kind.DURATION, Kind.MONEY, Kind.BOOLEAN
                )
                items = [self.make(kind, 0 if self.often() else depth - 1) for _ in self.count(0, 3)]
                if self.often():
                    items = [self.written(kind) for _ in items]
                return n.Compare(self.pick("in", "not in"), self.make(kind, depth), n.ListOf(tuple(items)))
            case "search":
                part = self.written(Kind.TEXT) if self.often() else self.make(Kind.TEXT, depth)
                return call(self.pick("contains", "starts_with", "ends_with"), self.make(Kind.TEXT, depth), part)
            case "list":
                return call(
                    self.pick("has_any", "has_all", "has_none"),
                    self.make(Kind.LIST, depth),
                    self.make(Kind.LIST, depth),
                )
            case "members":
                item, items = self.make(Kind.TEXT, depth), self.make(Kind.LIST, 0)
                return call("contains", items, item) if self.often() else n.Compare("in", item, items)
            case "empty":
                kind = self.pick(*MADE, Kind.LIST, Kind.REFERENCE)
                return call(self.pick("is_empty", "is_not_empty"), self.make(kind, depth))
            case "between":
                kind = self.pick(Kind.TEXT, Kind.INTEGER, Kind.DECIMAL, Kind.DATE, Kind.MONEY)
                return call("between", *(self.make(kind, depth) for _ in range(3)))
            case "within":
                return call(
                    "within", self.make(self.pick(Kind.DATE, Kind.INSTANT), depth), n.Literal(self.pick(*EXAMPLES))
                )
            case "reference":
                return n.Compare(self.pick("==", "!="), self.make(Kind.REFERENCE, 0), self.make(Kind.REFERENCE, 0))
        path, inner = self.pick(*MANY[id(self.scope)])
        function = self.pick("any", "none", "all", "empty")
        if function == "empty":
            return call(self.pick("is_empty", "is_not_empty"), n.Name(path))
        return call(function, n.Name(path), Maker(self.chance, inner).condition(depth - 1))

    def text(self, depth: int) -> n.Node:
        text = self.make(Kind.TEXT, depth)
        match self.pick("case", "concat", "replace", "part", "plus", "currency", "per"):
            case "case":
                return call(self.pick("lower", "upper", "trim"), text)
            case "concat":
                kinds = [self.pick(Kind.TEXT, Kind.INTEGER, Kind.DECIMAL, Kind.DATE) for _ in self.count(1, 3)]
                return call("concat", *(self.make(kind, depth) for kind in kinds))
            case "replace":
                return call("replace", text, self.written(Kind.TEXT), self.make(Kind.TEXT, depth))
            case "part":
                numbers = [self.make(Kind.INTEGER, 0) for _ in self.count(1, 2)]
                return call("substring", text, *numbers)
            case "currency":
                return call("currency", self.make(self.pick(Kind.MONEY, Kind.RATE), depth))
            case "per":
                return call("per", self.make(Kind.RATE, depth))
        return n.Binary("+", text, self.make(Kind.TEXT, depth))

    def integer(self, depth: int) -> n.Node:
        match self.pick("op", "op", "date", "between", "len", "round", "negative", "abs", "extreme", "count", "sum"):
            case "op":
                return n.Binary(
                    self.pick("+", "-", "*"), self.make(Kind.INTEGER, depth), self.make(Kind.INTEGER, depth)
                )
            case "date":
                part = self.pick("year", "quarter", "month", "day", "weekday")
                return call(part, self.make(self.pick(Kind.DATE, Kind.INSTANT), depth))
            case "between":
                what = self.pick("days_between", "months_between", "years_between", "business_days_between")
                return call(what, self.make(Kind.DATE, depth), self.make(Kind.DATE, depth))
            case "len":
                return call("len", self.make(self.pick(Kind.TEXT, Kind.LIST), depth))
            case "round":
                return call(
                    self.pick("round", "floor", "ceil"), self.make(self.pick(Kind.DECIMAL, Kind.INTEGER), depth)
                )
            case "negative":
                return n.negative(self.make(Kind.INTEGER, depth))
            case "abs":
                return call("abs", self.make(Kind.INTEGER, depth))
            case "extreme":
                return self.extreme(Kind.INTEGER, depth)
        return self.total(Kind.INTEGER, depth)

    def decimal(self, depth: int) -> n.Node:
        match self.pick(
            "op", "op", "divide", "mixed", "round", "amount", "ratio", "hours", "extreme", "sum", "negative"
        ):
            case "op":
                return n.Binary(
                    self.pick("+", "-", "*"), self.make(Kind.DECIMAL, depth), self.make(Kind.DECIMAL, depth)
                )
            case "divide":
                kinds = [self.pick(Kind.DECIMAL, Kind.INTEGER) for _ in range(2)]
                return n.Binary("/", *(self.make(kind, depth) for kind in kinds))
            case "mixed":
                return n.Binary(
                    self.pick("+", "-", "*"), self.make(Kind.INTEGER, depth), self.make(Kind.DECIMAL, depth)
                )
            case "round":
                return call("round", self.make(Kind.DECIMAL, depth), self.make(Kind.INTEGER, 0))
            case "amount":
                return call("amount", self.make(self.pick(Kind.MONEY, Kind.RATE), depth))
            case "ratio":
                return n.Binary("/", self.make(Kind.MONEY, depth), self.make(Kind.MONEY, depth))
            case "hours":
                return call("hours_between", self.make(Kind.INSTANT, depth), self.make(Kind.INSTANT, depth))
            case "extreme":
                return self.extreme(Kind.DECIMAL, depth)
            case "negative":
                return n.negative(self.make(Kind.DECIMAL, depth))
        return self.total(Kind.DECIMAL, depth)

    def money(self, depth: int) -> n.Node:
        money, number = self.make(Kind.MONEY, depth), self.make(self.pick(Kind.DECIMAL, Kind.INTEGER), depth)
        match self.pick("op", "times", "divide", "make", "annual", "round", "abs", "sum", "negative"):
            case "op":
                return n.Binary(self.pick("+", "-"), money, self.make(Kind.MONEY, depth))
            case "times":
                return n.Binary("*", *self.pick((money, number), (number, money)))
            case "divide":
                return n.Binary("/", money, number)
            case "make":
                currency = n.Literal("EUR") if self.often() else self.make(Kind.TEXT, depth)
                return call("money", number, currency)
            case "annual":
                return call("annual", self.make(Kind.RATE, depth))
            case "round":
                return call("round", money, n.Literal(self.chance.randint(-2, 3)))
            case "abs":
                return call("abs", money)
            case "negative":
                return n.negative(money)
        return self.total(Kind.MONEY, depth)

    def rate(self, depth: int) -> n.Node:
        number = self.make(self.pick(Kind.DECIMAL, Kind.INTEGER), depth)
        rate = self.make(Kind.RATE, depth)
        if self.often():
            return n.Binary("/", rate, number)
        return n.Binary("*", *self.pick((rate, number), (number, rate)))

    def date(self, depth: int) -> n.Node:
        match self.pick("move", "move", "start", "of", "extreme", "add"):
            case "move":
                return n.Binary(self.pick("+", "-"), self.make(Kind.DATE, depth), self.make(Kind.DURATION, depth))
            case "start":
                what = self.pick("start_of_week", "start_of_month", "end_of_month", "start_of_quarter", "start_of_year")
                return call(what, self.make(self.pick(Kind.DATE, Kind.INSTANT), depth))
            case "of":
                return call("date_of", self.make(Kind.INSTANT, depth))
            case "extreme":
                return self.extreme(Kind.DATE, depth)
        return call("add", self.make(Kind.DATE, depth), self.make(Kind.DURATION, depth))

    def instant(self, depth: int) -> n.Node:
        if self.often():
            return self.extreme(Kind.INSTANT, depth)
        return n.Binary(self.pick("+", "-"), self.make(Kind.INSTANT, depth), self.make(Kind.DURATION, depth))

    def duration(self, depth: int) -> n.Node:
        match self.pick("make", "op", "times", "apart", "negative"):
            case "make":
                unit = self.pick("days", "weeks", "months", "years", "business_days", "hours")
                return call(unit, self.make(Kind.INTEGER, depth))
            case "op":
                return n.Binary(self.pick("+", "-"), self.make(Kind.DURATION, depth), self.make(Kind.DURATION, depth))
            case "times":
                sides = [self.make(Kind.DURATION, depth), self.make(Kind.INTEGER, depth)]
                return n.Binary("*", *self.pick(sides, sides[::-1]))
            case "negative":
                return n.negative(self.make(Kind.DURATION, depth))
        return n.Binary("-", self.make(Kind.DATE, depth), self.make(Kind.DATE, depth))

    def list(self, depth: int) -> n.Node:
        return n.ListOf(tuple(self.make(Kind.TEXT, depth) for _ in self.count(0, 2)))

    def reference(self, depth: int) -> n.Node:
        return n.Name(("owner",))

    def extreme(self, kind: Kind, depth: int) -> n.Node:
        return call(self.pick("min", "max"), self.make(kind, depth), self.make(kind, depth))

    def total(self, kind: Kind, depth: int) -> n.Node:
        path, inner = self.pick(*MANY[id(self.scope)])
        maker = Maker(self.chance, inner)
        condition = [maker.condition(depth - 1)] if self.often() else []
        if kind is Kind.INTEGER and self.often():
            return call("count", n.Name(path), *condition)
        value = maker.make(kind, min(depth - 1, 1))
        if not isinstance(value, (n.Name, n.Binary)):
            value = maker.pick(*PATHS[id(inner)][kind])
        return call("sum", n.Name(path), value, *condition)


def expression(seed: int, depth: int, kind: Kind | None = None) -> n.Node:
    """An expression over jobs; the same seed gives the same one."""
    chance = random.Random(seed)
    return Maker(chance, JOBS).make(kind or chance.choice([*MADE, Kind.BOOLEAN, Kind.LIST]), depth)


_WRITTEN: list[Any] = [None, True, False, 0, 1, -5, 3, 10**14, Decimal("2.5"), "", "a", "open", "EUR", "this_week"]
_WRITTEN += ["2026-03-29", "2026-03-29T10:00:00Z", "00000000-0000-0000-0000-000000000001"]
_NAMES = [(name,) for name in JOBS.names()] + [("customer", "name"), ("customer", "parent"), ("about", "title")]
_NAMES += [("period", "start"), ("me",), ("customer", "jobs"), ("about", "id")]


def anything(seed: int, depth: int) -> n.Node:
    """Any tree over jobs, whether it makes sense or not."""
    return _anything(random.Random(seed), depth)


def _anything(chance: random.Random, depth: int) -> n.Node:
    def one(less: int = 1) -> n.Node:
        return _anything(chance, depth - less)

    shapes = ("leaf", "list", "call", "not", "negative", "arithmetic", "compare", "choice", "logic")
    shape = chance.choices(shapes, (25, 5, 35, 5, 3, 10, 10, 4, 3))[0] if depth > 0 else "leaf"
    match shape:
        case "leaf":
            return n.Name(chance.choice(_NAMES)) if chance.random() < 0.6 else n.Literal(chance.choice(_WRITTEN))
        case "list":
            return n.ListOf(tuple(one(2) for _ in range(chance.randint(0, 3))))
        case "call":
            function = FUNCTIONS[chance.choice(list(FUNCTIONS))]
            most = 3 if function.most is None else function.most
            return n.Call(function.name, tuple(one() for _ in range(chance.randint(function.least, most))))
        case "not":
            return n.Unary("not", one())
        case "negative":
            return n.negative(one())
        case "arithmetic":
            return n.Binary(chance.choice(["+", "-", "*", "/"]), one(), one())
        case "compare":
            return n.Compare(chance.choice([*COMPARED, "in", "not in"]), one(), one())
        case "choice":
            return n.Choice(one(), one(), one())
    return n.logic(chance.choice(["and", "or"]), [one(), one()])

"""Tables for the world of `tests.expressions.scopes`, filled with records, and the same records as environments."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg

from tests.expressions.scopes import CUSTOMERS, JOBS, TASKS
from xrm_core.expressions import Env, Names, Now, Path, Symbol
from xrm_core.expressions.values import Duration, Money, Rate, annual, from_json, hours, to_json
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.text import fold
from xrm_core.storage.sql import FieldSql, Sql
from xrm_core.storage.tables import COLUMN_TYPES

SCHEMA = "expression_world"
SCOPES: dict[str, Names] = {"customers": CUSTOMERS, "jobs": JOBS, "tasks": TASKS}
INVERSE = {("customers", "jobs"): ("jobs", "customer"), ("jobs", "tasks"): ("tasks", "job")}
SYSTEM = {"id", "title", "stage", "created_at", "owner"}
MOMENT = Now(
    now=datetime(2026, 3, 29, 0, 30, tzinfo=UTC),  # the night in which Berlin's clocks skip an hour
    today=date(2026, 3, 29),
    zone="Europe/Berlin",
    me=str(UUID(int=1)),
)

MOMENTS = [
    MOMENT,
    Now(now=datetime(2018, 11, 4, 3, 0, tzinfo=UTC), today=date(2018, 11, 4), zone="America/Sao_Paulo"),  # no midnight
    Now(now=datetime(2025, 11, 2, 4, 30, tzinfo=UTC), today=date(2025, 11, 2), zone="America/Havana"),  # two midnights
    Now(now=datetime(9999, 12, 30, 12, 0, tzinfo=UTC), today=date(9999, 12, 31), zone="Pacific/Auckland"),
]


def promotable(symbol: Symbol) -> bool:
    return symbol.type.kind in COLUMN_TYPES and symbol.kind in ("field", "link") and not symbol.polymorphic


def projected(kind: Kind | None, value: Any) -> Any:
    """The value of a promoted column."""
    match kind:
        case _ if value is None:
            return None
        case Kind.TEXT:
            return fold(value)
        case Kind.LIST:
            return [fold(item) for item in value]
        case Kind.MONEY:
            return value.amount
        case Kind.RATE:
            return annual(value)
        case Kind.DURATION:
            return hours(value) / 24
    return value


# -- records --------------------------------------------------------------------------------------------------------


@dataclass
class Record:
    """A record as an environment."""

    module: str
    values: dict[str, Any]
    world: World

    @property
    def now(self) -> datetime:
        return self.world.moment.now

    @property
    def today(self) -> date:
        return self.world.moment.today

    @property
    def zone(self) -> str:
        return self.world.moment.zone

    @property
    def me(self) -> str | None:
        return self.world.moment.me

    def get(self, path: tuple[str, ...]) -> Any:
        record: Record | None = self
        for index, step in enumerate(path):
            assert record is not None
            value = record.values.get(step)
            rest = path[index + 1 :]
            if not rest or value is None:
                return value["id"] if isinstance(value, dict) and step == "about" else value
            if step == "about" and rest == ("module",):
                return value["module"]
            if step == "about" and rest == ("id",):
                return value["id"]
            if isinstance(value, dict) and step != "about":
                return value.get(rest[0])
            record = self.world.by_id.get(value["id"] if isinstance(value, dict) else value)
            if record is None:
                return None
        return None

    def items(self, path: tuple[str, ...]) -> Sequence[Env]:
        found = [self]
        for step in path:
            following: list[Record] = []
            for record in found:
                inverse = INVERSE.get((record.module, step))
                if inverse is None:
                    other = self.world.by_id.get(record.values.get(step) or "")
                    following += [other] if other else []
                else:
                    module, link = inverse
                    following += [
                        one for one in self.world.records[module] if one.values.get(link) == record.values["id"]
                    ]
            found = following
        return found


@dataclass
class World:
    """All records by module."""

    records: dict[str, list[Record]] = field(default_factory=dict)
    by_id: dict[str, Record] = field(default_factory=dict)
    moment: Now = MOMENT


TEXTS = [
    "Acme",
    "ACMÉ",
    "acme gmbh",
    "Zoë",
    "zoe",
    "Ünder",
    "straße",
    "ΑΒΓ",
    "Ärger",
    "a_b%c",
    "a\\b",
    "x" * 40,
    "1",
    "日本",
]
DATES = [
    date(2024, 2, 29),
    date(2026, 1, 31),
    date(2026, 3, 28),
    date(2026, 3, 29),
    date(2026, 3, 30),
    date(2026, 12, 31),
]
DATES += [date(1, 1, 1), date(9999, 12, 31), date(1999, 12, 31), date(2026, 4, 30)]
INSTANTS = [datetime(2026, 3, 28, 22, 59, 59, 999999, tzinfo=UTC), datetime(2026, 3, 28, 23, tzinfo=UTC)]
INSTANTS += [datetime(2026, 3, 29, 21, 59, 59, 1, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC)]
INSTANTS += [
    datetime(2025, 10, 26, 0, 30, tzinfo=UTC),
    datetime(1, 1, 2, tzinfo=UTC),
    datetime(9999, 12, 30, tzinfo=UTC),
]
INSTANTS += [datetime(2018, 11, 4, 2, 59, 59, tzinfo=UTC), datetime(2018, 11, 4, 3, tzinfo=UTC)]
INSTANTS += [datetime(2025, 11, 2, 4, 10, tzinfo=UTC), datetime(2025, 11, 2, 5, 10, tzinfo=UTC)]
DATES += [date(2018, 11, 4), date(2018, 11, 3), date(2025, 11, 2)]
NUMBERS = [
    Decimal(text) for text in ("0", "0.00", "1", "1.5", "-2.5", "2.345", "-0.005", "100", "99999999.99", "0.3333333333")
]


def _value(chance: random.Random, symbol: Symbol) -> Any:
    kind = symbol.type.kind
    if chance.random() < 0.2:
        return None
    match kind:
        case Kind.TEXT if symbol.type.options:
            return chance.choice(sorted(symbol.type.options))
        case Kind.TEXT:
            return chance.choice(TEXTS)
        case Kind.INTEGER:
            return chance.choice([0, 1, 2, 3, 7, -4, 100, 999_999_999])
        case Kind.DECIMAL:
            return chance.choice(NUMBERS)
        case Kind.BOOLEAN:
            return chance.random() < 0.5
        case Kind.DATE:
            return (
                chance.choice(DATES)
                if chance.random() < 0.7
                else date(2026, 3, 29) + timedelta(chance.randint(-99, 99))
            )
        case Kind.INSTANT:
            return chance.choice(INSTANTS)
        case Kind.DURATION:
            return Duration(
                chance.choice([0, 1, 3, 30, -2, 36]), chance.choice(["days", "months", "business_days", "hours"])
            )
        case Kind.MONEY:
            return Money(chance.choice(NUMBERS), chance.choice(["EUR", "EUR", "USD"]))
        case Kind.RATE:
            return Rate(
                chance.choice(NUMBERS), chance.choice(["EUR", "USD"]), chance.choice(["hour", "day", "month", "year"])
            )
        case Kind.LIST:
            return chance.sample(["Python", "go", "Zoë", "SQL", "a b"], chance.randint(0, 4)) or None
        case Kind.OBJECT if symbol.attributes:
            return {name: _value(chance, part) for name, part in symbol.attributes.items()}
        case Kind.OBJECT:
            return {"a": 1}
    return None


def make_world(seed: int, sizes: dict[str, int]) -> World:
    """Awkward records: nones, empty lists, ends of months, two currencies, links to none, one and many."""
    chance = random.Random(seed)
    world = World({module: [] for module in SCOPES})
    for module, size in sizes.items():
        for _ in range(size):
            values = {
                symbol.id: _value(chance, symbol)
                for symbol in SCOPES[module].symbols.values()
                if symbol.kind == "field"
            }
            values |= {
                "id": str(UUID(int=chance.getrandbits(128), version=4)),
                "title": chance.choice(TEXTS),
                "stage": chance.choice(["new", "won", None]),
                "created_at": chance.choice(INSTANTS),
                "owner": chance.choice([None, str(UUID(int=1)), str(UUID(int=2))]),
            }
            record = Record(module, values, world)
            world.records[module].append(record)
            world.by_id[values["id"]] = record
    customers, jobs = world.records["customers"], world.records["jobs"]
    for module, link, targets in (
        ("customers", "parent", customers),
        ("jobs", "customer", customers),
        ("tasks", "job", jobs),
    ):
        for record in world.records[module]:
            if chance.random() < 0.8:
                record.values[link] = chance.choice(targets[: max(1, len(targets) * 2 // 3)]).values["id"]
    for record in jobs:
        if chance.random() < 0.7:
            target = chance.choice([*customers, *jobs])
            record.values["about"] = {"module": target.module, "id": target.values["id"]}
    return world


# -- tables ---------------------------------------------------------------------------------------------------------


def create_tables(connection: psycopg.Connection[Any], world: World) -> None:
    """The world's records in tables as the engine has them: system columns, document, promoted columns."""
    connection.execute(f"drop schema if exists {SCHEMA} cascade")
    connection.execute(f"create schema {SCHEMA}")
    for module, scope in SCOPES.items():
        promoted = [symbol for symbol in scope.symbols.values() if promotable(symbol)]
        columns = ", ".join(
            f"p_{symbol.id} {COLUMN_TYPES[symbol.type.kind]}" for symbol in promoted if symbol.type.kind
        )
        connection.execute(
            f'create table {SCHEMA}.{module} (id uuid primary key, title text collate "C", stage text collate "C",'
            f" created_at timestamptz, owner uuid, data jsonb not null, {columns})"
        )
        names = ["id", "title", "stage", "created_at", "owner", "data", *(f"p_{symbol.id}" for symbol in promoted)]
        marks = ", ".join(["%s"] * len(names))
        for record in world.records[module]:
            row = [record.values[name] for name in ("id", "title", "stage", "created_at", "owner")]
            row.append(json.dumps(document(scope, record)))
            row += [projected(symbol.type.kind, record.values.get(symbol.id)) for symbol in promoted]
            connection.execute(f"insert into {SCHEMA}.{module} ({', '.join(names)}) values ({marks})", row)


def document(scope: Names, record: Record) -> dict[str, Any]:
    """The stored document, which gives the record's values back."""
    found: dict[str, Any] = {}
    for symbol in scope.symbols.values():
        value = record.values.get(symbol.id)
        if symbol.id in SYSTEM or value is None or symbol.kind == "links":
            continue
        if isinstance(value, dict):
            found[symbol.id] = {
                key: to_json(symbol.attributes[key].type.kind, part) if key in symbol.attributes else part  # type: ignore[arg-type]
                for key, part in value.items()
                if part is not None
            }
        else:
            assert symbol.type.kind is not None
            found[symbol.id] = to_json(symbol.type.kind, value)
            assert from_json(symbol.type.kind, found[symbol.id]) == value
    return found


class Numbers:
    """Aliases that are unique in a statement."""

    def __init__(self) -> None:
        self.aliases: Iterator[str] = (f"a{number}" for number in range(10_000))


@dataclass
class Tables:
    """The tables as a context; with `promoted` false only documents are read."""

    module: str
    promoted: bool
    alias: str = "t"
    numbers: Numbers = field(default_factory=Numbers)
    joins: dict[tuple[str, str], str] = field(default_factory=dict)
    text: list[str] = field(default_factory=list)
    root: Tables | None = None

    def hop(self, alias: str, link: Symbol, module: str) -> str:
        known = self.joins.get((alias, link.id))
        if known is None:
            known = self.joins[alias, link.id] = next(self.numbers.aliases)
            self.text.append(f" left join {SCHEMA}.{module} {known} on {known}.id = {alias}.p_{link.id}")
        return known

    def column(self, path: Path) -> FieldSql:
        links = [symbol for symbol in path if symbol.kind in ("link", "links")]
        fields = [symbol for symbol in path if symbol not in links]
        if not fields:
            fields, links = [links[-1]], links[:-1]
        alias = self.alias
        for link in links:
            if link.polymorphic:
                return self.polymorphic(alias, link, fields[0])
            alias = self.hop(alias, link, link.type.modules[0])
        symbol, last = fields[0], fields[-1]
        kind = last.type.kind
        assert kind is not None
        if symbol.id in SYSTEM:
            column = f"{alias}.{symbol.id}"
            return FieldSql(kind, raw=column) if kind is Kind.TEXT else FieldSql(kind, promoted=column)
        inside = ("id",) if symbol.polymorphic else tuple(part.id for part in fields[1:])
        promoted = f"{alias}.p_{symbol.id}" if self.promoted and promotable(symbol) and not inside else None
        return FieldSql(kind, promoted=promoted, json=f"{alias}.data", key=symbol.id, path=inside)

    def polymorphic(self, alias: str, link: Symbol, field: Symbol) -> FieldSql:
        if field.id in ("id", "module"):
            return FieldSql(field.type.kind or Kind.TEXT, json=f"{alias}.data", key=link.id, path=(field.id,))
        titles = ", ".join(
            f"(select x.title from {SCHEMA}.{module} x where x.id = ({alias}.data->'{link.id}'->>'id')::uuid)"
            for module in link.type.modules
        )
        return FieldSql(Kind.TEXT, raw=f"coalesce({titles})")

    def over(self, path: Path) -> Related:
        return Related(self, path)


class Related:
    """Records behind a path of links."""

    def __init__(self, outer: Tables, path: Path) -> None:
        aliases = outer.numbers.aliases
        module, alias = outer.module, outer.alias
        tables: list[str] = []
        self.ties: list[str] = []
        for symbol in path:
            inverse = INVERSE.get((module, symbol.id))
            after = next(aliases)
            if inverse is None:
                module = symbol.type.modules[0]
                self.ties.append(f"{after}.id = {alias}.p_{symbol.id}")
            else:
                module = inverse[0]
                self.ties.append(f"{after}.p_{inverse[1]} = {alias}.id")
            tables.append(f"{SCHEMA}.{module} {after}")
            alias = after
        self.tables = " cross join ".join(tables)
        self.context = Tables(module, outer.promoted, alias, outer.numbers, root=outer.root or outer)

    def source(self) -> Sql:
        return Sql(self.tables + "".join(self.context.text))

    def where(self) -> Sql:
        return Sql(" and ".join(self.ties))

"""Sample data as records in memory; every computed value is worked out by walking the links: slow, and obvious."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from tests.packs.reading import TODAY, absolute, definitions, sample
from xrm_core.definitions.members import SYSTEM_FIELDS
from xrm_core.definitions.module import Module
from xrm_core.definitions.scope import Calculation, Scopes
from xrm_core.expressions.evaluate import compile
from xrm_core.expressions.typed import Typed
from xrm_core.expressions.values import Money, from_json
from xrm_core.fields.base import Field, ParseContext
from xrm_core.kernel.kinds import Kind

CONTEXT = ParseContext(currency="EUR", region="DE", zone="UTC")
NOW = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC)


@cache
def scopes() -> Scopes:
    return Scopes(definitions())


@cache
def _compiled(typed: Typed) -> Any:
    return compile(typed)


class Record:
    """One row of the sample; implements the environment of the expression language."""

    now, today, zone = NOW, TODAY, "UTC"

    def __init__(self, world: Records, module: Module, row: dict[str, str], me: str) -> None:
        self.world, self.module, self.row, self.me = world, module, row, me
        self.key = row["key"]
        self.fields = {field.id: field for field in module.fields}
        self.links = {link.id: link for link in module.links}
        self.known: dict[str, Any] = {}

    def get(self, path: tuple[str, ...]) -> Any:
        here, value = self, None
        for index, part in enumerate(path):
            if part in here.links:
                value = here.row.get(part)
                if index + 1 < len(path):
                    if value is None:
                        return None
                    here = here.world.by_key[value]
            else:
                value = here.value(part)
                for attribute in path[index + 1 :]:
                    value = value.get(attribute) if isinstance(value, dict) else getattr(value, attribute, None)
                return value
        return value

    def items(self, path: tuple[str, ...]) -> Sequence[Record]:
        here = [self]
        for part in path:
            here = [other for record in here for other in record.world.linked(record, part)]
        return here

    def value(self, name: str) -> Any:
        if name not in self.known:
            self.known[name] = self._value(name)
        return self.known[name]

    def _value(self, name: str) -> Any:
        if name == "id":
            return self.key
        if name in ("stage", "owner") or name in SYSTEM_FIELDS or name == "stage_entered_at":
            text = self.row.get(name)
            kind = SYSTEM_FIELDS.get(name, Kind.INSTANT if name == "stage_entered_at" else Kind.TEXT)
            return None if text is None else from_json(kind, absolute(text) if kind is Kind.INSTANT else text)
        field = self.fields[name]
        if field.computed:
            calculation, problems = scopes().calculation(self.module, field)
            assert calculation is not None, problems
            return self.world.calculate(self, calculation)
        if name in self.row:
            return _stored(field, self.row[name])
        if isinstance(field.default, dict) and set(field.default) == {"expression"}:
            typed, _ = scopes().check(self.module, field.default["expression"])
            return None if typed is None else _compiled(typed)(self)
        expression = getattr(field.default, "expression", None)
        if expression is not None:
            return self.evaluate(expression)
        return None if field.default is None else from_json(field.kind, field.default)

    def evaluate(self, source: str) -> Any:
        typed, problems = scopes().check(self.module, source)
        assert typed is not None, problems
        return _compiled(typed)(self)


def _stored(field: Field, cell: str) -> Any:
    if field.type == "user":
        return cell.split("|") if getattr(field, "multiple", False) else cell
    value = field.parse_text(absolute(cell), CONTEXT)
    for step in field.json_path:
        value = value[step]
    return from_json(field.kind, value)


class Records:
    """All records of the sample, or those that are given."""

    def __init__(self, me: str = "u-jonas", data: Mapping[str, list[dict[str, str]]] | None = None) -> None:
        data = sample() if data is None else data
        self.of: dict[str, list[Record]] = {}
        self.by_key: dict[str, Record] = {}
        self.sources: dict[tuple[str, str], list[Record]] = defaultdict(list)
        for module in definitions().modules:
            rows = [Record(self, module, row, me) for row in data.get(module.name, [])]
            self.of[module.name] = rows
            for record in rows:
                self.by_key[record.key] = record
                for link in module.links:
                    for target in record.row.get(link.id, "").split("|"):
                        if target:
                            self.sources[f"{module.id}.{link.id}", target].append(record)

    def linked(self, record: Record, part: str) -> list[Record]:
        """The records on the other side of a link or of an inverse."""
        if "." in part:
            return self.sources.get((part, record.key), [])
        return [self.by_key[key] for key in record.row.get(part, "").split("|") if key]

    def calculate(self, record: Record, calculation: Calculation) -> Any:
        """The value of a computed field."""
        if calculation.function == "formula":
            assert calculation.value is not None
            return _compiled(calculation.value)(record)
        related = list(record.items(tuple(symbol.id for symbol in calculation.path)))
        # Two ways to the same record count it once.
        related = list({id(one): one for one in related}.values())
        if calculation.condition is not None:
            related = [one for one in related if _compiled(calculation.condition)(one) is True]
        if calculation.function == "count":
            return len(related)
        assert calculation.value is not None
        if calculation.function == "latest":
            assert calculation.order is not None
            order = _compiled(calculation.order)
            related = [one for one in related if order(one) is not None]
            related = [max(related, key=order)] if related else []
        values = [value for one in related if (value := _compiled(calculation.value)(one)) is not None]
        return _fold(calculation.function, values)


def _fold(function: str, values: list[Any]) -> Any:
    if not values:
        return None
    if function in ("lookup", "latest"):
        return values[0]
    if function == "list":
        return values
    if function in ("min", "max"):
        return (min if function == "min" else max)(values)
    if isinstance(values[0], Money):
        assert len({value.currency for value in values}) == 1
        total = Money(sum((value.amount for value in values), Decimal(0)), values[0].currency)
        return total if function == "sum" else Money(total.amount / len(values), total.currency)
    summed = sum(Decimal(value) for value in values)
    return summed if function == "sum" else summed / len(values)

"""Evaluating computed values of records in memory, and rounding them the way they are stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from babel.numbers import get_currency_precision

from xrm_core.catalog import Catalog, CompiledModule
from xrm_core.catalog.computations import TITLE, Computation
from xrm_core.expressions.template import TypedTemplate
from xrm_core.expressions.values import Money, Rate, to_json
from xrm_core.fields.capabilities import Computed
from xrm_core.kernel.kinds import Kind
from xrm_core.records.environment import RecordEnv, python_of, sources_of
from xrm_core.storage.hops import Source
from xrm_core.storage.model import SYSTEM_KINDS

LONGEST_TEXT = 2_000


def of_module(catalog: Catalog, module: CompiledModule) -> list[Computation]:
    """The computations of a module, each after what it reads."""
    return catalog.graph.of_module.get(module.id, [])


def in_memory(catalog: Catalog, module: CompiledModule) -> list[Computation]:
    """Those of them that can be evaluated from the record and the records it links to."""
    found: list[Computation] | None = module.memo.get("in_memory")
    if found is None:
        found = module.memo["in_memory"] = [node for node in of_module(catalog, module) if not node.by_sql]
    return found


def sources(catalog: Catalog, module: CompiledModule, nodes: Iterable[Computation]) -> list[Source]:
    """What these computations read behind links."""
    return sources_of(catalog, module, [typed for node in nodes for typed in node.trees()])


def evaluate(catalog: Catalog, node: Computation, env: RecordEnv) -> bool:
    """Compute one value and put it into the record; whether it changed."""
    row = env.row
    if node.key == TITLE:
        title = _renderer(catalog, node)(env) or _fallback(env)
        changed = title != row.title
        row.title = title
        return changed
    assert node.value is not None
    return put(node, env.row.data, stored(catalog, node, python_of(catalog, node.value)(env)))


class Repeated:
    """Evaluates computations of many new records: what depends on the record's own values alone is computed once for all
    records that agree in them.

    Made for one unit, so that one "now" and one actor hold for everything it remembers. The lists of new records are empty.
    """

    def __init__(self, catalog: Catalog, nodes: Iterable[Computation]) -> None:
        self._catalog = catalog
        self._nodes = [(node, _own_keys(catalog, node), dict[Any, Any]()) for node in nodes]

    def evaluate(self, env: RecordEnv) -> None:
        """Compute all values of a record and put them into it."""
        catalog, row = self._catalog, env.row
        data = row.data
        for node, keys, known in self._nodes:
            if keys is None or len(known) >= _MOST_KNOWN:
                evaluate(catalog, node, env)
                continue
            mark = tuple([getattr(row, key) if own else _hashable(data.get(key)) for key, own in keys])
            try:
                value = known[mark]
            except KeyError:
                assert node.value is not None
                value = known[mark] = stored(catalog, node, python_of(catalog, node.value)(env))
            except TypeError:  # something inside a value that cannot be a key
                evaluate(catalog, node, env)
                continue
            put(node, data, value)


_MOST_KNOWN = 2_000
"""So many different values do not come again."""


def _own_keys(catalog: Catalog, node: Computation) -> list[tuple[str, bool]] | None:
    """What decides the value of a new record, and whether it is a system column; None if something else does, or each is different."""
    if node.key == TITLE or any(reading.hops and reading.hops[0].kind == "forward" for reading in node.readings):
        return None
    keys = {reading.key for reading in node.readings if not reading.hops}
    if not keys.isdisjoint(("id", "title", "module")) or keys & catalog.modules[node.module_id].beside:
        return None
    return [(key, key in SYSTEM_KINDS) for key in sorted(keys)]


def _hashable(value: Any) -> Any:
    kind = type(value)
    if kind is str or value is None:
        return value
    if kind is dict:
        return (*value, *value.values(), *map(type, value.values()))
    return (*value, *map(type, value)) if kind is list else (kind, value)


def put(node: Computation, data: dict[str, Any], value: Any) -> bool:
    """Set a computed value in a document; whether it changed."""
    before = data.get(node.key)
    if value is None:
        if before is None:
            return False
        del data[node.key]
        return True
    if before == value and type(before) is type(value):
        return False
    data[node.key] = value
    return True


def stored(catalog: Catalog, node: Computation, value: Any) -> Any:
    """The stored form of a computed value: rounded half up to the currency's minor unit, or to the scale of its type."""
    kind = node.type.kind or Kind.TEXT
    if value is None:
        return None
    if kind is Kind.MONEY:
        value = Money(_round(value.amount, get_currency_precision(value.currency)), value.currency)
    elif kind is Kind.RATE:
        value = Rate(_round(value.amount, get_currency_precision(value.currency)), value.currency, value.per)
    elif kind is Kind.DECIMAL:
        value = _decimal(catalog, node, value)
    elif kind is Kind.TEXT:
        value = value[:LONGEST_TEXT]
    elif kind is Kind.LIST:
        return _items(value)
    return to_json(kind, value)


def _items(values: Iterable[Any]) -> list[Any] | None:
    return [str(value) for value in values if value is not None] or None


def _decimal(catalog: Catalog, node: Computation, value: Any) -> Decimal:
    known = catalog.modules[node.module_id].fields_by_id.get(node.key)
    result = known.definition.result_field() if known is not None and isinstance(known.definition, Computed) else None
    scale = getattr(result, "scale", None)
    number = Decimal(value)
    if scale is not None:
        return _round(number, scale)
    return _round(number, 12) if -int(number.as_tuple().exponent) > 12 else number


def _round(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def _renderer(catalog: Catalog, node: Computation) -> Callable[[Any], str]:
    key = ("title", node.module_id)
    found: Callable[[Any], str] | None = catalog.memo.get(key)
    if found is None:
        found = catalog.memo[key] = TypedTemplate(tuple(node.pieces)).compile()
    return found


def _fallback(env: RecordEnv) -> str:
    # A record whose title is empty still needs something to click on.
    return f"#{env.row.id.hex[-6:]}"

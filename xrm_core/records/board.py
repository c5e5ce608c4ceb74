"""A board: per stage (or option) how many records there are, what they add up to, and the first cards."""

from __future__ import annotations

from typing import Any

import orjson

from xrm_core.catalog import CompiledModule
from xrm_core.definitions import Stage
from xrm_core.expressions.typed import Read
from xrm_core.fields.capabilities import HoldsOptions
from xrm_core.kernel.errors import Malformed
from xrm_core.kernel.kinds import NUMERIC, Kind
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem
from xrm_core.kernel.text import fold
from xrm_core.records.query import RecordQuery, conditions, context_of, read_filter, read_path, sort_keys, write_cursor
from xrm_core.records.read import as_bytes
from xrm_core.records.unit import Unit
from xrm_core.storage.sql.expressions import compile_order, compile_term
from xrm_core.storage.sql.queries import Page, source_of
from xrm_core.storage.sql.rows import row_json
from xrm_core.storage.sql.values import Sql, joined, sql

MOST_CARDS = 100


async def board(
    unit: Unit,
    module_name: str,
    *,
    by: str = "stage",
    filter: str | dict[str, Any] | None = None,
    limit: int = 20,
    sum: str | None = None,
    sort: tuple[str, ...] = (),
    fields: tuple[str, ...] | None = None,
) -> bytes:
    """`{"by", "columns": [{"name", "label", "hue", "category", "count", "sum", "cards", "next"}]}` in the order of the stages.

    Records without a value stand in a last column whose name is null, when there are any.
    """
    module = unit.module(module_name)
    unit.policy.require(module.id, "see")
    if not 0 <= limit <= MOST_CARDS:
        raise Malformed(Problem("limit", "/limit", f"A column shows 0 to {MOST_CARDS} cards."))
    columns = _columns(unit, module, by)
    main = len(columns)
    columns += _variant_columns(unit, module) if by == "stage" else []
    typed = read_filter(unit, module, filter)
    # Grouped by what the promoted column holds, the folded name; the definitions keep folded names apart.
    names = [fold(column["name"]) for column in columns]
    connection = unit.current or await unit.reader()
    totals = await _totals(unit, connection, module, by, typed, sum)
    cards = await _cards(unit, connection, module, by, typed, names, limit, sort, fields) if limit else {}
    if None in totals:
        columns.append({"name": None, "label": "", "hue": None, "category": "open"})
        if limit:
            cards |= await _cards(unit, connection, module, by, typed, None, limit, sort, fields)
    query = RecordQuery(module.name, sort=sort)
    pieces = []
    for place, column in enumerate(columns):
        # Stages of variants stand on the board when somebody is in them; the main ones always do.
        key = None if column["name"] is None else fold(column["name"])
        if place >= main and key not in totals:
            continue
        found = cards.get(key, [])
        count, amount = totals.get(key, (0, None))
        head = {**column, "count": count}
        if sum is not None:
            head["sum"] = amount
        following = None
        if len(found) > limit:
            found = found[:limit]
            phase = "all" if not sort else ("filled" if found[-1][1] is not None else "empty")
            following = write_cursor(query, phase, found[-1][1:])
        text = orjson.dumps({**head, "next": following})[:-1]
        pieces.append(text + b',"cards":[' + b",".join(as_bytes(card[0]) for card in found) + b"]}")
    return b'{"by":' + orjson.dumps(by) + b',"columns":[' + b",".join(pieces) + b"]}"


def _stage_column(stage: Stage, language: str) -> dict[str, Any]:
    return {
        "name": stage.name,
        "label": label_text(stage.label, language),
        "hue": stage.hue,
        "category": stage.category,
    }


def _variant_columns(unit: Unit, module: CompiledModule) -> list[dict[str, Any]]:
    found = (stage for pipeline in module.definition.variants for stage in pipeline.stages if not stage.archived)
    return [_stage_column(stage, unit.workspace.locale) for stage in found]


def _columns(unit: Unit, module: CompiledModule, by: str) -> list[dict[str, Any]]:
    language = unit.workspace.locale
    if by == "stage":
        if module.pipeline is None:
            raise Malformed(
                Problem(
                    "no_pipeline",
                    "/pipeline",
                    f"{label_text(module.definition.label_plural)} have no stages.",
                    "Name a select field.",
                )
            )
        return [
            _stage_column(stage, language) for stage in module.pipeline.stages if not stage.archived
        ]
    known = module.fields.get(by)
    visible = known is not None and known.id not in unit.policy.module(module.id).hidden
    if known is None or not visible or known.kind is not Kind.TEXT or not isinstance(known.definition, HoldsOptions):
        raise Malformed(
            Problem("not_a_board", "/pipeline", f"{module.name} has no stages or options called {by[:60]!r}.")
        )
    return [
        {"name": option.name, "label": label_text(option.label, language), "hue": option.hue, "category": "open"}
        for option in known.definition.options
        if not option.archived
    ]


def _read(unit: Unit, module: CompiledModule, name: str, place: str) -> Read:
    return read_path(unit, module, name, place)


async def _totals(
    unit: Unit, connection: Any, module: CompiledModule, by: str, typed: Any, total: str | None
) -> dict[str | None, tuple[int, Any]]:
    context = context_of(unit, module)
    column = compile_order(_read(unit, module, by, "/pipeline"), context)
    selected = [column, Sql("count(*)")]
    money = False
    if total is not None:
        value = _read(unit, module, total, "/sum")
        kind = value.type.kind
        if kind is not Kind.MONEY and kind not in NUMERIC:
            raise Malformed(
                Problem("type", "/sum", f"{total} cannot be added up.", "Name a number or an amount of money.")
            )
        term = compile_term(value, context)
        selected.append(sql("sum({})", term.sql))
        if kind is Kind.MONEY and term.unit is not None:
            money = True
            selected += [sql("min({})", term.unit), sql("count(distinct {})", term.unit)]
    where = joined(" and ", conditions(unit, module, context, typed, "no"))
    statement = sql("select {} from {} where {} group by 1", joined(", ", selected), source_of(module, context), where)
    cursor = connection.cursor()
    await cursor.execute(statement.text, statement.bound(unit))
    found: dict[str | None, tuple[int, Any]] = {}
    for name, count, *rest in await cursor.fetchall():
        amount: Any = None
        if rest and rest[0] is not None:
            # Amounts of several currencies have no sum.
            amount = (
                str(rest[0]) if not money else {"amount": str(rest[0]), "currency": rest[1]} if rest[2] == 1 else None
            )
        found[name] = (count, amount)
    return found


async def _cards(
    unit: Unit,
    connection: Any,
    module: CompiledModule,
    by: str,
    typed: Any,
    names: list[str] | None,
    limit: int,
    sort: tuple[str, ...],
    fields: tuple[str, ...] | None,
) -> dict[str | None, list[tuple[Any, ...]]]:
    """The first cards of every column, in one statement; without names those of the column for no value."""
    context = context_of(unit, module)
    column = compile_order(_read(unit, module, by, "/pipeline"), context)
    keys = sort_keys(unit, module, context, sort)
    matched = sql("{} is null", column) if names is None else sql("{} = c.name", column)
    parts = [*conditions(unit, module, context, typed, "no"), matched]
    selected = row_json(context, unit.policy.module(module.id).hidden, fields=fields)
    page = Page(selected, source_of(module, context), joined(" and ", parts), keys)
    inner = page.statement("all", None, limit + 1)
    keyed = ", ".join(f"k{index}" for index in range(len(keys)))
    text = (
        f"select c.name, x.card, {', '.join(f'x.k{index}' for index in range(len(keys)))} from unnest(%s::text[]) c(name) "
        f"cross join lateral ({inner.text}) x(card, {keyed})"
    )
    cursor = connection.cursor()
    await cursor.execute(text, [[None] if names is None else names, *inner.bound(unit)])
    found: dict[str | None, list[tuple[Any, ...]]] = {}
    for name, *card in await cursor.fetchall():
        found.setdefault(name, []).append(tuple(card))
    return found

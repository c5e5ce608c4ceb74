"""What parsing lets through, PostgreSQL stores, indexes and gives back unchanged."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson

from tests.contracts.field_variants import VARIANTS, WRITABLE
from tests.contracts.garbage import GARBAGE
from xrm_core.fields import Field, ParseContext, Rejected
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.kinds import Kind
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import Workspace

HERE = ParseContext()
COLUMNS: dict[Kind, str] = {
    Kind.TEXT: 'text collate "C"',
    Kind.INTEGER: "numeric",
    Kind.DECIMAL: "numeric",
    Kind.MONEY: "numeric",
    Kind.RATE: "numeric",
    Kind.DURATION: "numeric",
    Kind.BOOLEAN: "boolean",
    Kind.DATE: "date",
    Kind.INSTANT: "timestamptz",
    Kind.LIST: "text[]",
    Kind.REFERENCE: "uuid",
}
# As long, and as hard to compress, as anything that a text-like column takes.
WIDE = "".join(chr(0x20000 + number * 37 % 40000) for number in range(500))


def accepted(field: Field) -> list[Any]:
    """Stored forms of all sorts of values, long ones among them."""
    found = []
    extremes = [
        WIDE,
        WIDE[:200],
        {key: WIDE[:length] for key, length in (("street", 200), ("postcode", 20), ("city", 100), ("region", 100))},
        {key: WIDE[:100] for key in ("first", "middle", "last")},
        ["".join(chr(0x4E00 + number * place) for number in range(1, 90)) for place in range(1, 100)],
        "https://example.org/" + "".join(f"{number * 2654435761 % 2**32:x}" for number in range(240))[:1970],
    ]
    for raw in [field.example(), *VARIANTS[field.type][1], *GARBAGE, *extremes]:
        for parse in (field.parse, field.parse_text):
            try:
                value = parse(raw, HERE) if parse == field.parse or isinstance(raw, str) else None
            except Rejected:
                continue
            if value is not None:
                found.append(value)
    return found


async def test_accepted_values_come_back_unchanged(database: Database, workspace: Workspace) -> None:
    async with database.connection() as connection:
        for field in WRITABLE:
            values = accepted(field)
            assert values
            cursor = await connection.execute(
                "select jsonb_agg(item order by place)::text from jsonb_array_elements(%s::jsonb)"
                " with ordinality elements(item, place)",
                [orjson.dumps(values).decode()],
            )
            row = await cursor.fetchone()
            assert row is not None
            assert orjson.loads(row[0] or b"[]") == values, field.type


async def test_promoted_values_come_back_unchanged(database: Database, workspace: Workspace) -> None:
    async with database.connection() as connection:
        for field in WRITABLE:
            kind = COLUMNS.get(field.kind)
            if kind is None or field.beside:
                continue
            projected = [field.project(value) for value in accepted(field)]
            base = kind.split(" ")[0]
            for value in projected:
                cursor = await connection.execute(f"select %s::{base}", [value])
                row = await cursor.fetchone()
                assert row is not None and _same(row[0], value), (field.type, value)


def _same(found: Any, value: Any) -> bool:
    if isinstance(value, (Decimal, int, bool, date, datetime, list)):
        return bool(found == value)
    return str(found) == value


async def test_folding_in_sql_gives_the_promoted_text(database: Database, workspace: Workspace) -> None:
    async with database.connection() as connection:
        for field in WRITABLE:
            if field.kind is not Kind.TEXT or field.beside:
                continue
            values = accepted(field)
            cursor = await connection.execute(
                "select array_agg(xrm.fold(item #>> %s::text[]) order by place) from jsonb_array_elements(%s::jsonb)"
                " with ordinality elements(item, place)",
                [list(field.json_path), orjson.dumps(values).decode()],
            )
            row = await cursor.fetchone()
            assert row is not None
            assert (row[0] or []) == [field.project(value) for value in values], field.type


async def test_promoted_texts_fit_into_an_index(database: Database, workspace: Workspace) -> None:
    async with database.transaction() as connection:
        await connection.execute(f'create table {workspace.schema}.wide (id uuid primary key, p text collate "C")')
        await connection.execute(f"create index wide_p on {workspace.schema}.wide (p, id)")
        for field in WRITABLE:
            if field.kind is Kind.TEXT and not field.beside:
                longest = max((field.project(value) for value in accepted(field)), key=lambda text: len(text.encode()))
                await connection.execute(
                    f"insert into {workspace.schema}.wide (id, p) values (%s::uuid, %s::text)", [new_id(), longest]
                )

"""What the most frequent requests send to the database: few statements, and in them only what is needed."""

from __future__ import annotations

from typing import Any

import orjson

from tests.records.conftest import Shop, install
from tests.records.shop import module
from tests.support.recording import Recording
from xrm_core.definitions import DefinitionSet
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.clock import FixedClock
from xrm_core.records import board, read, write
from xrm_core.records.query import RecordQuery
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import Workspace


async def _sent(shop: Shop, statements: Recording, work: Any) -> list[str]:
    await shop.run(work)  # once before, so that the catalog is there
    with statements.counting() as sent:
        await shop.run(work)
    return [text for text in sent.texts if "definition_version" not in text]


async def test_a_count_joins_nothing_that_only_the_page_shows(shop: Shop, statements: Recording) -> None:
    query = RecordQuery("customers", filter="level == 'gold'", sort=("parent.name",), count="exact")
    sent = await _sent(shop, statements, lambda unit: read.find(unit, query))
    [counting] = [text for text in sent if text.startswith("select count(*)")]
    assert "join" not in counting
    behind = RecordQuery("customers", filter="parent.name == 'x'", count="exact")
    sent = await _sent(shop, statements, lambda unit: read.find(unit, behind))
    [counting] = [text for text in sent if text.startswith("select count(*)")]
    assert counting.count("join") == 1


async def test_ordering_indexes_know_what_is_archived(shop: Shop) -> None:
    async with shop.units.begin(shop.workspace, SYSTEM) as unit:
        table = unit.module("customers").table
        connection = await unit.writer()
        cursor = await connection.execute(
            "select indexdef from pg_catalog.pg_indexes where schemaname = %s::text and indexname = 'i_customers$level$o'", [table.schema]
        )
        row = await cursor.fetchone()
    assert row is not None and "(p_level, id) INCLUDE (archived_at)" in row[0]


async def test_changing_a_field_that_moves_nothing_is_one_read_and_one_write(shop: Shop, statements: Recording) -> None:
    parent = await shop.new("customers", name="Parent")
    child = await shop.new("customers", name="Child", parent=str(parent), email="child@shop.example")
    product = await shop.new("products", name="Thing")
    turn = iter(range(10))
    sent = await _sent(shop, statements, lambda unit: write.update(unit, "products", product, {"price": price(next(turn))}))
    assert len(sent) == 2, sent
    reading, writing = sent
    assert reading.startswith("select") and "update" in writing and "event" in writing
    assert "p_name" not in writing and "title" not in writing, "columns that did not change are not sent"
    answer = await shop.change("customers", child, discount="7")
    assert answer["parent"] == {"id": str(parent), "module": "customers", "title": "Parent"}
    assert answer == await shop.get("customers", child)


def price(number: int) -> dict[str, str]:
    return {"amount": f"{number}.50", "currency": "EUR"}


async def test_promoted_columns_follow_changes_of_single_fields(shop: Shop) -> None:
    one = await shop.new("customers", name="Äpfel", level="gold", since="2026-01-02", tags=["A", "b"])
    await shop.change("customers", one, level="silver")
    await shop.change("customers", one, since=None)
    await shop.change("customers", one, name="Birnen", tags=["C"])
    async with shop.units.begin(shop.workspace, SYSTEM) as unit:
        table = unit.module("customers").table
        connection = await unit.writer()
        names = [promoted.column for promoted in table.promoted]
        cursor = await connection.execute(f"select data, {', '.join(names)} from {table.qualified} where id = %s::uuid", [one])
        row = await cursor.fetchone()
    assert row is not None
    for promoted, stored in zip(table.promoted, row[1:], strict=True):
        value = row[0].get(promoted.key)
        expected = None if value is None else promoted.project(value)
        assert stored == expected or str(stored) == str(expected), promoted.column
    assert [found["name"] for found in await shop.find("customers", "level == 'silver' and name == 'birnen'")] == ["Birnen"]


MIXED = DefinitionSet(
    modules=(
        module(
            "parcels",
            "Parcel",
            title="{{ code }}",
            fields=[
                {"name": "code", "type": "text", "label": "Code", "required": True},
                {"name": "state", "type": "select", "label": "State", "indexed": True,
                 "options": [{"name": "Sent", "label": "Sent"}, {"name": "LOST", "label": "Lost"}, {"name": "back", "label": "Back"}]},
                {"name": "lane", "type": "select", "label": "Lane",
                 "options": [{"name": "North", "label": "North"}, {"name": "South", "label": "South"}]},
            ],
        ),
    )
)  # fmt: skip


async def test_boards_by_options_whose_names_have_capitals(database: Database, workspace: Workspace, clock: FixedClock) -> None:
    shop = Shop(await install(database, workspace, clock, MIXED), workspace, clock)
    for number, (state, lane) in enumerate((("Sent", "North"), ("LOST", "South"), ("Sent", "South"), ("back", None))):
        await shop.new("parcels", code=f"P{number}", state=state, lane=lane)
    for by, counts in (("state", {"Sent": 2, "LOST": 1, "back": 1}), ("lane", {"North": 1, "South": 2, None: 1})):
        found = orjson.loads(await shop.run(lambda unit, by=by: board.board(unit, "parcels", by=by)))  # type: ignore[misc]
        assert {column["name"]: column["count"] for column in found["columns"]} == counts
        assert {column["name"]: len(column["cards"]) for column in found["columns"]} == counts

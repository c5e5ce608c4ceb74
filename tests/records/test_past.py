"""The past rebuilt from events is what it was when it was the present."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.records.conftest import Shop
from tests.records.oracle import MODULES
from tests.records.test_computed import walking
from tests.records.walks import Act, Walk, acts
from xrm_core.kernel.errors import Invalid, Malformed, NotFound
from xrm_core.kernel.page import Count
from xrm_core.records import read, timeline
from xrm_core.records.query import RecordQuery


def then(record: dict[str, Any]) -> dict[str, Any]:
    """A record without the titles of what it links to, which the past does not know, and without who made it."""
    found = {key: value for key, value in record.items() if key not in ("created_by",)}
    for key, value in found.items():
        if isinstance(value, dict) and "id" in value:
            found[key] = {"id": value["id"], "module": value["module"]}
    return found


async def snapshot(shop: Shop) -> dict[str, dict[str, dict[str, Any]]]:
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for module in MODULES:
        ids = [UUID(row["id"]) for row in await shop.find(module, archived="all", limit=1000)]
        found[module] = {str(one): then(await shop.get(module, one)) for one in ids}
    return found


QUERIES: tuple[RecordQuery, ...] = (
    RecordQuery("orders", filter="stage == 'draft' and customer.name == 'ada'", sort=("-customer.name", "number")),
    RecordQuery("orders", filter="total > money(5, 'EUR')", sort=("stage", "-total")),
    RecordQuery("lines", filter="order.customer.discount > 3", sort=("customer_name", "-quantity")),
    RecordQuery("customers", filter="spent == none or orders_count > 1", sort=("-level", "name"), archived="all"),
    RecordQuery("customers", sort=("since", "title"), archived="only"),
    RecordQuery("notes", filter="about.title == 'Ada'", sort=("-about",)),
    RecordQuery("customers", filter="contains(notes, 'xxx')"),
)


async def answers(shop: Shop, at: datetime | None = None) -> list[list[str]]:
    """The ids that each of the queries finds, in their order, page by page."""
    found = []
    for query in QUERIES:
        ids: list[str] = []
        cursor = None
        while True:
            asked = replace(query, as_of=at, cursor=cursor, limit=3, count="exact")
            page = await shop.run(lambda unit, asked=asked: read.find(unit, asked))
            ids += [orjson.loads(row)["id"] for row in page.rows]
            cursor = page.next
            if cursor is None:
                break
        assert page.count == Count(len(ids), exact=True), asked
        found.append(ids)
    return found


@walking
@given(steps=st.lists(acts(), min_size=1, max_size=20), seed=st.integers(0, 1000))
async def test_the_past_is_what_it_was(shop: Shop, steps: list[Act], seed: int) -> None:
    walk = Walk(shop)
    await walk.empty()
    await walk.found()
    moments: list[tuple[datetime, dict[str, Any], list[list[str]]]] = []
    erased: set[str] = set()
    for number, step in enumerate(steps):
        shop.clock.move(timedelta(seconds=10))
        await walk.act(step)
        if number % 5 == 0:
            moments.append((shop.clock.now() + timedelta(seconds=5), await snapshot(shop), await answers(shop)))
    now = await snapshot(shop)
    for at, seen, found in random.Random(seed).sample(moments, min(3, len(moments))):
        for module, records in seen.items():
            for identifier, record in records.items():
                if identifier not in now[module]:
                    erased.add(identifier)
                    continue
                past = await shop.run(lambda unit, m=module, i=identifier, t=at: read.get(unit, m, UUID(i), as_of=t))
                assert then(orjson.loads(past.json)) == record
                assert past.version == record["version"]
        for was, is_now in zip(found, await answers(shop, at), strict=True):
            # What was erased since, or leads to what was, is gone from the past as well.
            assert is_now == [one for one in was if one in is_now] and set(was) - set(is_now) <= erased or erased


async def test_before_it_was_made_there_was_nothing(shop: Shop) -> None:
    before = shop.clock.now() - timedelta(seconds=1)
    customer = await shop.new("customers", name="Ada")
    with pytest.raises(NotFound):
        await shop.run(lambda unit: read.get(unit, "customers", customer, as_of=before))
    with pytest.raises(NotFound):
        await shop.run(lambda unit: timeline.as_of(unit, "customers", customer, before))
    assert await shop.find("customers", as_of=before) == []
    assert len(await shop.find("customers", as_of=shop.clock.now())) == 1


async def test_the_past_shows_only_the_wanted_fields(shop: Shop) -> None:
    customer = await shop.new("customers", name="Ada", since="2026-01-01")
    (found,) = await shop.find("customers", as_of=shop.clock.now(), fields=("since",))
    assert found == {"id": str(customer), "module": "customers", "version": 1, "title": "Ada", "since": "2026-01-01"}


REFUSED: tuple[tuple[dict[str, Any], str], ...] = (
    ({"filter": "any(orders, total > money(5, 'EUR'))"}, "/filter"),
    ({"filter": "nme == 'x'"}, "/filter"),
    ({"expand": ("parent",)}, "/expand"),
    ({"cursor": "nonsense"}, "/cursor"),
    ({"sort": ("tags",)}, "/sort"),
    ({"sort": ("nothing",)}, "/sort"),
    ({"fields": ("nothing",)}, "/fields"),
)


async def test_what_cannot_be_asked_of_the_past_is_said(shop: Shop) -> None:
    for query, place in REFUSED:
        with pytest.raises((Malformed, Invalid)) as error:
            await shop.find("customers", as_of=shop.clock.now(), **query)
        assert error.value.problems[0].path.startswith(place)

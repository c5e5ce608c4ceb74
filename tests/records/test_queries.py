"""Lists: every record once and in order, the same answer as plain Python, counts, boards, sums, and search."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.records.conftest import Shop
from tests.records.test_computed import walking
from tests.records.walks import NAMES, PRICES, Walk
from xrm_core.kernel.actor import Actor
from xrm_core.kernel.errors import Malformed
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.page import Count
from xrm_core.records import aggregate, batch, board, read, search
from xrm_core.records.query import RecordQuery

asking = settings(walking, max_examples=max(2, walking.max_examples // 2))
LEVELS = ["gold", "silver", "iron"]
SORTS = (
    "name", "level", "since", "discount", "spent", "orders_count", "is_big", "factor", "title", "created_at", "parent", "parent.name", "parent.level",
    "age_days", "mean_total", "best_total", "email", "id", "archived_at", "version", "notes",
)  # fmt: skip
keys = st.tuples(st.sampled_from(SORTS), st.booleans()).map(lambda key: ("-" if key[1] else "") + key[0])
CONDITIONS = (
    "name == 'ADA'", "name < 'm'", "contains(name, 'o')", "level == 'gold'", "level in ['gold', 'silver']", "level == none", "since >= '2026-01-01'",
    "discount > 3", "is_empty(parent)", "parent.name == 'Ada'", "orders_count == 0", "spent > money(50, 'EUR')", "factor != 2", "is_big", "not is_big",
    "has_any(tags, ['a', 'b'])", "has_all(tags, ['a', 'B'])", "has_none(tags, ['a'])", "between(factor, 1, 3)", "within(since, 'this_year')",
    "age_days > 30", "parent.parent.name != 'x'", "starts_with(name, 'l')", "contains(notes, 'long')", "amount(spent) / 3 < 20", "archived_at == none",
)  # fmt: skip
LISTS = ("any(orders, stage == 'draft')", "count(orders.lines) > 1", "any(branches, level == 'gold')", "none(orders, total > money(10, 'EUR'))")


@st.composite
def filters(draw: st.DrawFn, atoms: tuple[str, ...] = CONDITIONS) -> str:
    parts = draw(st.lists(st.sampled_from(atoms), min_size=1, max_size=4))
    found = parts[0]
    for part in parts[1:]:
        found = f"{found} {draw(st.sampled_from(['and', 'or']))} {draw(st.sampled_from(['', 'not ']))}({part})"
        if draw(st.booleans()):
            found = f"({found})"
    return found


async def customers(shop: Shop, chance: random.Random, count: int) -> None:
    known = [row["id"] for row in await shop.find("customers", limit=20)]
    rows = [
        {
            "name": chance.choice([*NAMES, "Straße", "O'Neil", "50% \\ _"]),
            "level": chance.choice([None, *LEVELS[:2]]),
            "since": chance.choice([None, "2026-01-01", "2025-12-31", "1999-05-05"]),
            "discount": chance.choice(["0", "3", "7.5"]),
            "factor": chance.choice([None, 0, 1, 2, -3]),
            "tags": chance.choice([None, ["a"], ["A", "b"], ["Ä"]]),
            "parent": chance.choice([None, None, *known]),
            "notes": chance.choice([None, "a long text", "x"]),
        }
        for _ in range(count)
    ]
    await shop.run(lambda unit: batch.batch(unit, "customers", {"create": rows}))


async def stocked(shop: Shop, seed: int) -> random.Random:
    """A shop with customers of all kinds, orders and lines."""
    chance = random.Random(seed)
    walk = Walk(shop)
    await walk.empty()
    await customers(shop, chance, 12)
    await customers(shop, chance, 10)
    found = await shop.find("customers", limit=100)
    orders = [{"customer": chance.choice(found)["id"], "shipping": chance.choice(PRICES), "ordered_on": "2026-02-0" + str(n % 9 + 1)} for n in range(14)]
    done = await shop.run(lambda unit: batch.batch(unit, "orders", {"create": orders}))
    made = [one["id"] for one in done["results"]["create"]]
    lines = [{"order": chance.choice(made), "quantity": n % 4 + 1, "unit_price": chance.choice(PRICES[:4])} for n in range(12)]
    await shop.run(lambda unit: batch.batch(unit, "lines", {"create": lines}))
    changes = [{"id": one, "stage": chance.choice(["draft", "sent", "paid"]), "shipping": "3"} for one in made[::2]]
    await shop.run(lambda unit: batch.batch(unit, "orders", {"update": changes}))
    archived = [one["id"] for one in await shop.find("customers", "orders_count == 0", limit=3)]
    await shop.run(lambda unit: batch.batch(unit, "customers", {"archive": archived}))
    return chance


async def ids_of(shop: Shop, query: dict[str, Any], limit: int) -> list[str]:
    found, cursor = [], None
    while True:
        asked = RecordQuery("customers", **query, limit=limit, cursor=cursor)
        page = await shop.run(lambda unit, asked=asked: read.find(unit, asked))
        found += [orjson.loads(row)["id"] for row in page.rows]
        cursor = page.next
        if cursor is None:
            return found


@asking
@given(st.integers(0, 10**6), st.lists(st.lists(keys, min_size=1, max_size=4), min_size=1, max_size=6))
async def test_paging_yields_every_record_once_and_in_order(shop: Shop, seed: int, orders: list[list[str]]) -> None:
    chance = await stocked(shop, seed)
    for sort in orders:
        for archived in ("no", "all"):
            query = {"sort": tuple(sort), "archived": archived}
            whole = await ids_of(shop, query, 1000)
            assert len(whole) == len(set(whole))
            paged = await ids_of(shop, query, chance.randint(1, 5))
            assert paged == whole
            # The past is sorted in Python; of this very moment it is the same list.
            assert await ids_of(shop, {**query, "as_of": shop.clock.now()}, 7) == whole, sort


@asking
@given(st.integers(0, 10**6), st.lists(keys, min_size=1, max_size=3), st.integers(1, 6))
async def test_pages_stay_right_while_records_are_added(shop: Shop, seed: int, sort: list[str], limit: int) -> None:
    chance = await stocked(shop, seed)
    before = await ids_of(shop, {"sort": tuple(sort)}, 1000)
    found: list[str] = []
    cursor = None
    while True:
        asked = RecordQuery("customers", sort=tuple(sort), limit=limit, cursor=cursor)
        page = await shop.run(lambda unit, asked=asked: read.find(unit, asked))
        found += [orjson.loads(row)["id"] for row in page.rows]
        cursor = page.next
        if cursor is None:
            break
        if chance.random() < 0.4:
            await customers(shop, chance, 1)
    assert len(found) == len(set(found))
    assert [one for one in found if one in before] == before


@asking
@given(st.integers(0, 10**6), st.lists(filters(), min_size=1, max_size=8))
async def test_filters_answer_the_same_in_python_and_in_sql(shop: Shop, seed: int, conditions: list[str]) -> None:
    await stocked(shop, seed)
    for condition in conditions:
        for archived in ("no", "all"):
            query = {"filter": condition, "archived": archived}
            assert set(await ids_of(shop, query, 1000)) == set(await ids_of(shop, {**query, "as_of": shop.clock.now()}, 1000)), condition


@asking
@given(st.integers(0, 10**6), filters(CONDITIONS + LISTS), filters(CONDITIONS + LISTS))
async def test_filters_obey_logic(shop: Shop, seed: int, one: str, other: str) -> None:
    await stocked(shop, seed)

    async def found(condition: str) -> set[str]:
        return set(await ids_of(shop, {"filter": condition}, 1000))

    everything, first, second = set(await ids_of(shop, {}, 1000)), await found(one), await found(other)
    assert await found(f"not ({one})") == everything - first
    assert await found(f"({one}) and ({other})") == first & second
    assert await found(f"({one}) or ({other})") == first | second


async def test_an_or_does_not_open_what_is_closed(shop: Shop) -> None:
    me, other = new_id(), new_id()
    await shop.members(me, other)
    clerk = Actor(me, "Clerk", ("clerk",))
    customer = await shop.new("customers", name="Ada")
    mine = await shop.new("orders", customer=str(customer), owner=str(me), shipping="1")
    theirs = await shop.new("orders", customer=str(customer), owner=str(other), shipping="2")
    gone = await shop.new("orders", customer=str(customer), owner=str(me), shipping="3")
    await shop.archive("orders", gone)
    either = "stage == 'cancelled' or number != 'x'"
    assert {row["id"] for row in await shop.find("orders", either)} == {str(mine), str(theirs)}
    assert {row["id"] for row in await shop.find("orders", either, clerk)} == {str(mine)}
    counted = await shop.run(lambda unit: aggregate.aggregate(unit, "orders", {"filter": either}), clerk)
    assert orjson.loads(counted)["data"] == [{"count": 1}]
    related = await shop.run(lambda unit: read.related(unit, "customers", customer, "orders", filter=either), clerk)
    assert [orjson.loads(row)["id"] for row in related.rows] == [str(mine)]


async def test_counts(shop: Shop) -> None:
    rows = [{"name": f"C{n}", "factor": n % 2} for n in range(1_100)]
    await shop.run(lambda unit: batch.batch(unit, "customers", {"create": rows}))

    async def count(how: Any, condition: str | None = None) -> Count | None:
        return (await shop.run(lambda unit: read.find(unit, RecordQuery("customers", filter=condition, count=how, limit=1)))).count

    assert await count("none") is None
    assert await count("exact") == Count(1_100, exact=True)
    assert await count("capped") == Count(1_000, exact=False)
    assert await count("capped", "factor == 1") == Count(550, exact=True)
    assert await count("exact", "factor == 1") == Count(550, exact=True)
    estimated = await count("estimate")
    assert estimated is not None and estimated.value >= 1_000


@asking
@given(st.integers(0, 10**6), st.sampled_from([None, "total > money(10, 'EUR')", "customer.level == 'gold' or total != none"]))
async def test_boards_and_sums_are_what_python_makes_of_the_list(shop: Shop, seed: int, condition: str | None) -> None:
    await stocked(shop, seed)
    orders = await shop.find("orders", condition, limit=1000, expand=("customer",))
    shown = orjson.loads(await shop.run(lambda unit: board.board(unit, "orders", filter=condition, sum="total", limit=2, sort=("-total",))))
    assert [column["name"] for column in shown["columns"]] == ["draft", "sent", "paid", "cancelled"]
    for column in shown["columns"]:
        mine = [order for order in orders if order["stage"] == column["name"]]
        assert column["count"] == len(mine)
        assert money_of(column["sum"]) == added(mine)
        query = RecordQuery("orders", filter=f"stage == '{column['name']}'" + (f" and ({condition})" if condition else ""), sort=("-total",))
        first = [orjson.loads(row)["id"] for row in (await shop.run(lambda unit, query=query: read.find(unit, query))).rows]
        assert [card["id"] for card in column["cards"]] == first[:2]
        if column["next"]:
            page = await shop.run(lambda unit, q=query, c=column["next"]: read.find(unit, RecordQuery("orders", filter=q.filter, sort=q.sort, cursor=c)))
            assert [orjson.loads(row)["id"] for row in page.rows] == first[2:]
        assert bool(column["next"]) == (len(first) > 2)
    wanted = [{"function": "count"}, {"function": "sum", "field": "total"}, {"function": "max", "field": "ordered_on", "as": "last"}]
    body = {"measures": wanted, "group_by": ["customer.level", {"field": "ordered_on", "by": "week"}], "filter": condition}
    answer = orjson.loads(await shop.run(lambda unit: aggregate.aggregate(unit, "orders", body)))
    groups: dict[Any, list[dict[str, Any]]] = {}
    for order in orders:
        groups.setdefault((order["customer"].get("level"), past_monday(order["ordered_on"])), []).append(order)
    assert {tuple(one["group"].values()): one["count"] for one in answer["data"]} == Counter({key: len(mine) for key, mine in groups.items()})
    for one in answer["data"]:
        mine = groups[tuple(one["group"].values())]
        assert money_of(one["sum_total"]) == added(mine) and one["last"] == max(order["ordered_on"] for order in mine)
    body = {"measures": [{"function": "sum", "field": "total", "as": "sum"}], "group_by": ["stage", {"field": "total", "by": "currency"}], "filter": condition}
    answer = orjson.loads(await shop.run(lambda unit: aggregate.aggregate(unit, "orders", body)))
    by_currency: dict[Any, list[dict[str, Any]]] = {}
    for order in orders:
        by_currency.setdefault((order["stage"], (order.get("total") or {}).get("currency")), []).append(order)
    assert {tuple(one["group"].values()): money_of(one["sum"]) for one in answer["data"]} == {key: added(mine) for key, mine in by_currency.items()}


def past_monday(day: str) -> str:
    found = date.fromisoformat(day)
    return (found - timedelta(days=found.weekday())).isoformat()


def money_of(value: Any) -> tuple[Decimal, str] | None:
    return None if value is None else (Decimal(value["amount"]), value["currency"])


def added(orders: list[dict[str, Any]]) -> tuple[Decimal, str] | None:
    totals = [found for order in orders if (found := money_of(order.get("total"))) is not None]
    one = {currency for _, currency in totals}
    return (sum((amount for amount, _ in totals), Decimal(0)), one.pop()) if len(one) == 1 else None


SEARCHES = (
    ("Mül", "Müller & Söhne"), ("muller", "Müller & Söhne"), ("MÜLLER SÖHNE", "Müller & Söhne"), ("sohne mul", "Müller & Söhne"),
    ("info@mueller.example", "Müller & Söhne"), ("mueller.exam", "Müller & Söhne"), ("straße", "Straßenbau Ost"), ("STRASSENB", "Straßenbau Ost"),
    ("oneil", None), ("o'neil", "O'Neil"), ("neil", "O'Neil"), ("Łuk", "Łukasz"), ("lukasz", "Łukasz"), ("Mueller", "Müller & Söhne"), ("Königin", "Koenigin Luise"), ("koenigin", "Koenigin Luise"), ("0171 23456", "O'Neil"), ("+49 171 2345678", "O'Neil"), ("1712345678", "O'Neil"), ("004917123", "O'Neil"), ("ukas", "Łukasz"), ("granite", "Straßenbau Ost"),
    ("grani", "Straßenbau Ost"), ("50% \\", "50% \\ _ :*"), ("zzz", None), ("%", None), ("' | 'x", None), (":*", None), ("", None), ("\x00", None),
)  # fmt: skip


async def test_search_finds(shop: Shop) -> None:
    rows = [
        {"name": "Müller & Söhne", "email": "Info@mueller.example"}, {"name": "Straßenbau Ost", "notes": "They work in Granite and sand."},
        {"name": "O'Neil", "phone": "+49 171 2345678"}, {"name": "Łukasz"}, {"name": "50% \\ _ :*"}, {"name": "Koenigin Luise"},
    ]  # fmt: skip
    await shop.run(lambda unit: batch.batch(unit, "customers", {"create": rows}))
    for text, title in SEARCHES:
        found = [hit["title"] for hit in await shop.run(lambda unit, text=text: search.search(unit, text))]
        assert found[:1] == ([title] if title else []), (text, found)


async def test_search_follows_what_changes(shop: Shop) -> None:
    customer = await shop.new("customers", name="Ada", notes="about granite")

    async def found(text: str) -> list[str]:
        return [hit["id"] for hit in await shop.run(lambda unit: search.search(unit, text))]

    order = await shop.new("orders", customer=str(customer))
    assert await found("granite") == [str(customer)] and set(await found("ada")) == {str(customer), str(order)}
    await shop.change("customers", customer, name="Grace", notes="about sand")
    assert await found("granite") == [] and await found("sand") == [str(customer)]
    assert set(await found("grace")) == {str(customer), str(order)} and await found("ada") == []
    await shop.archive("orders", order)
    await shop.archive("customers", customer)
    assert await found("grace") == []
    await shop.restore("customers", customer)
    assert await found("grace") == [str(customer)] and await found("sand") == [str(customer)]
    await shop.erase("orders", order)
    await shop.erase("customers", customer)
    assert await found("grace") == []


async def test_a_made_up_cursor_is_refused(shop: Shop) -> None:
    for cursor in ("x", "W10", "AAAA", "WyJuYW1lIl0", "e30", "W1tdLCJhbGwiLFsieCJdXQ"):
        with pytest.raises(Malformed) as error:
            await shop.find("customers", cursor=cursor)
        assert error.value.problems[0].path == "/cursor"

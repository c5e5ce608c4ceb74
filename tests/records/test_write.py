"""Creating and changing records: values, defaults, numbers, problems, versions."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import orjson
import pytest

from tests.records.conftest import Shop
from xrm_core.kernel.errors import Conflict, Invalid, NotFound, Stale
from xrm_core.records import batch, stages, timeline, write


def paths(error: pytest.ExceptionInfo[Invalid]) -> set[str]:
    return {problem.path for problem in error.value.problems}


async def test_a_new_record_has_its_defaults_its_number_and_its_title(shop: Shop) -> None:
    customer = await shop.new("customers", name="Ada Ltd", discount="10")
    product = await shop.new("products", name="Desk", price={"amount": "120", "currency": "EUR"})
    order = await shop.new("orders", customer=str(customer))
    line = await shop.new("lines", order=str(order), product=str(product), quantity=2)
    found = await shop.get("orders", order)
    assert found["number"] == "O-0001"
    assert found["title"] == "O-0001 Ada Ltd"
    assert found["ordered_on"] == "2026-03-31"
    assert found["due_on"] == "2026-04-30", "a month after the 31st is the end of the month"
    assert found["stage"] == "draft"
    assert found["customer"] == {"id": str(customer), "module": "customers", "title": "Ada Ltd"}
    assert found["total"] == {"amount": "240.00", "currency": "EUR"}
    assert found["discounted"] == {"amount": "216.00", "currency": "EUR"}
    assert (await shop.get("lines", line))["unit_price"] == {"amount": "120.00", "currency": "EUR"}
    seen = await shop.get("customers", customer)
    assert seen["orders_count"] == 1 and seen["line_count"] == 1
    assert seen["spent"] == {"amount": "240.00", "currency": "EUR"}
    assert seen["bought"] == ["Desk"] and seen["latest_number"] == "O-0001"
    assert (await shop.get("products", product))["sold"] == 2


async def test_what_a_write_answers_is_what_a_read_shows(shop: Shop) -> None:
    customer = await shop.new("customers", name="Ada", notes="long\ntext", tags=["a", "b"])
    stored = await shop.run(lambda unit: write.create(unit, "orders", {"customer": str(customer), "shipping": 5}))
    assert orjson.loads(stored.json) == await shop.get("orders", stored.id)
    changed = await shop.change("customers", customer, notes="other", level="gold")
    assert changed == await shop.get("customers", customer)
    assert changed["notes"] == "other" and changed["version"] == 2
    assert (await shop.get("orders", stored.id))["customer_level"] == "gold", "a lookup follows"


async def test_all_problems_come_at_once_with_their_places(shop: Shop) -> None:
    values = {"email": "nope", "discount": "70", "level": "bronze", "foo": 1, "spent": 3, "id": str(uuid4()), "parent": "x"}
    with pytest.raises(Invalid) as error:
        await shop.run(lambda unit: write.create(unit, "customers", values))
    assert paths(error) == {"/email", "/level", "/foo", "/spent", "/id", "/parent", "/name", "/discount"}
    assert await shop.find("customers") == []


async def test_a_link_to_nothing_or_to_something_archived_is_refused(shop: Shop) -> None:
    with pytest.raises(Invalid) as error:
        await shop.new("orders", customer=str(uuid4()))
    assert error.value.problems[0].code == "no_target" and paths(error) == {"/customer"}
    customer = await shop.new("customers", name="Gone")
    await shop.archive("customers", customer)
    with pytest.raises(Invalid) as error:
        await shop.new("orders", customer=str(customer))
    assert error.value.problems[0].code == "archived_target"


async def test_a_link_may_be_named_by_what_tells_the_record_apart(shop: Shop) -> None:
    customer = await shop.new("customers", name="Ada", email="ada@shop.example")
    order = await shop.new("orders", customer={"by": {"email": "ADA@shop.example"}})
    assert (await shop.get("orders", order))["customer"]["id"] == str(customer)
    with pytest.raises(Invalid) as error:
        await shop.new("orders", customer={"by": {"email": "bob@shop.example"}})
    assert error.value.problems[0].code == "unresolved"


async def test_a_unique_value_is_taken_once_and_free_again_after_archiving(shop: Shop) -> None:
    first = await shop.new("customers", name="Ada", email="ada@shop.example")
    with pytest.raises(Invalid) as error:
        await shop.new("customers", name="Eve", email="Ada@Shop.example")
    assert paths(error) == {"/email"} and error.value.problems[0].code == "unique"
    await shop.archive("customers", first)
    await shop.new("customers", name="Eve", email="ada@shop.example")
    with pytest.raises(Invalid):
        await shop.restore("customers", first)


async def test_versions_refuse_stale_writers(shop: Shop) -> None:
    customer = await shop.new("customers", name="Ada")
    await shop.change("customers", customer, name="Ada 2")
    with pytest.raises(Stale):
        await shop.run(lambda unit: write.update(unit, "customers", customer, {"name": "Ada 3"}, 1))
    assert (await shop.get("customers", customer))["name"] == "Ada 2"
    unchanged = await shop.change("customers", customer, name="Ada 2")
    assert unchanged["version"] == 2, "writing what is there already is no change"


async def test_two_writers_of_different_fields_both_win(shop: Shop) -> None:
    customer = await shop.new("customers", name="Ada")
    for turn in range(10):
        await asyncio.gather(
            shop.change("customers", customer, name=f"Ada {turn}"), shop.change("customers", customer, since=f"2026-01-{turn + 1:02d}")
        )
    found = await shop.get("customers", customer)
    assert found["name"] == "Ada 9" and found["since"] == "2026-01-10" and found["version"] == 21


async def test_an_update_is_held_only_to_what_it_touches(shop: Shop) -> None:
    customer = await shop.new("customers", name="Ada", level="gold")
    with pytest.raises(Invalid):
        await shop.change("customers", customer, level="iron")
    with pytest.raises(Invalid):
        await shop.change("customers", customer, name=None)
    assert (await shop.change("customers", customer, level=None)).get("level") is None


async def test_entering_a_stage_asks_for_what_it_needs(shop: Shop) -> None:
    customer = await shop.new("customers", name="Ada")
    order = await shop.new("orders", customer=str(customer))
    with pytest.raises(Invalid) as error:
        await shop.run(lambda unit: stages.move(unit, "orders", order, "sent"))
    assert paths(error) == {"/shipping"}
    await shop.run(lambda unit: stages.move(unit, "orders", order, "sent", values={"shipping": "4.90"}))
    with pytest.raises(Invalid) as error:
        await shop.run(lambda unit: stages.move(unit, "orders", order, "cancelled"))
    assert paths(error) == {"/reason"}
    await shop.run(lambda unit: stages.move(unit, "orders", order, "cancelled", reason="price"))
    assert "spent" not in await shop.get("customers", customer), "nothing is left to add up"
    with pytest.raises(Invalid) as error:
        await shop.run(lambda unit: stages.move(unit, "orders", order, "payed"))
    assert "paid" in error.value.problems[0].hint


async def test_archiving_follows_the_links(shop: Shop) -> None:
    customer = await shop.new("customers", name="Ada")
    order = await shop.new("orders", customer=str(customer), shipping="5")
    line = await shop.new("lines", order=str(order), quantity=1)
    with pytest.raises(Conflict):
        await shop.archive("customers", customer)
    await shop.archive("orders", order)
    assert (await shop.get("lines", line))["archived_at"]
    assert (await shop.get("customers", customer))["orders_count"] == 0
    await shop.restore("orders", order)
    assert "archived_at" not in await shop.get("lines", line)
    seen = await shop.get("customers", customer)
    assert seen["orders_count"] == 1 and seen["spent"] == {"amount": "5.00", "currency": "EUR"}


async def test_erasing_leaves_nothing_that_points_to_it(shop: Shop) -> None:
    customer = await shop.new("customers", name="Ada")
    product = await shop.new("products", name="Desk", price="10")
    order = await shop.new("orders", customer=str(customer))
    line = await shop.new("lines", order=str(order), product=str(product), quantity=3)
    note = await shop.new("notes", text="Hi", about={"module": "customers", "id": str(customer)})
    with pytest.raises(Conflict):
        await shop.erase("customers", customer)
    await shop.erase("products", product)
    assert "product" not in await shop.get("lines", line)
    await shop.erase("orders", order)
    with pytest.raises(NotFound):
        await shop.get("lines", line)
    await shop.erase("customers", customer)
    with pytest.raises(NotFound):
        await shop.get("notes", note)


async def test_many_to_many_links_carry_attributes_and_move_totals(shop: Shop) -> None:
    customer = await shop.new("customers", name="Ada")
    helper = await shop.new("people", name="Bo")
    order = await shop.new("orders", customer=str(customer), shipping="7", helpers=[{"id": str(helper), "attributes": {"share": "40"}}])
    assert (await shop.get("people", helper))["help_total"] == {"amount": "7.00", "currency": "EUR"}
    assert (await shop.get("people", helper))["helped_customers"] == 1
    await shop.change("orders", order, shipping="9")
    assert (await shop.get("people", helper))["help_total"] == {"amount": "9.00", "currency": "EUR"}
    await shop.change("orders", order, helpers=[])
    assert "help_total" not in await shop.get("people", helper)


async def test_a_batch_writes_all_or_says_what_is_wrong(shop: Shop) -> None:
    rows = [{"name": f"C{n}", "email": f"c{n}@shop.example"} for n in range(20)]
    done = await shop.run(lambda unit: batch.batch(unit, "customers", {"create": rows}))
    assert [outcome["status"] for outcome in done["results"]["create"]] == ["created"] * 20
    bad = [{"name": "X", "email": "c3@shop.example"}, {"name": "Y"}, {"email": "z"}]
    with pytest.raises(Invalid):
        await shop.run(lambda unit: batch.batch(unit, "customers", {"create": bad}))
    assert len(await shop.find("customers")) == 20
    done = await shop.run(lambda unit: batch.batch(unit, "customers", {"create": bad, "atomic": False}))
    assert [outcome["status"] for outcome in done["results"]["create"]] == ["invalid", "created", "invalid"]
    upsert = {"by": ["email"], "records": [{"email": "c1@shop.example", "name": "New"}, {"email": "new@shop.example", "name": "Fresh"}]}
    done = await shop.run(lambda unit: batch.batch(unit, "customers", {"upsert": upsert}))
    assert [outcome["status"] for outcome in done["results"]["upsert"]] == ["updated", "created"]
    ids = [UUID(row["id"]) for row in await shop.find("customers", limit=5)]
    done = await shop.run(
        lambda unit: batch.batch(unit, "customers", {"update": [{"id": str(one), "discount": "5"} for one in ids], "archive": [str(ids[0])]})
    )
    assert {outcome["status"] for outcome in done["results"]["update"]} == {"updated"}
    assert len(await shop.find("customers")) == 21


async def test_erasing_moves_the_formulas_of_what_pointed_to_it(shop: Shop) -> None:
    customer = await shop.new("customers", name="Ada")
    product = await shop.new("products", name="Desk", price="10")
    order = await shop.new("orders", customer=str(customer))
    line = await shop.new("lines", order=str(order), product=str(product), quantity=3)
    assert (await shop.get("lines", line))["title"] == "Desk" and (await shop.get("orders", order))["has_desk"] is True
    await shop.erase("products", product)
    assert (await shop.get("lines", line))["title"] == f"#{line.hex[-6:]}"
    assert (await shop.get("orders", order))["has_desk"] is False


async def test_a_formula_over_a_list_follows_the_records_own_values(shop: Shop) -> None:
    customer = await shop.new("customers", name="Ada", factor=3)
    await shop.new("orders", customer=str(customer))
    assert (await shop.get("customers", customer))["weighted"] == 3
    assert (await shop.change("customers", customer, factor=5))["weighted"] == 5


async def test_a_timeline_pages_through_records_that_were_made_together(shop: Shop) -> None:
    customer = await shop.new("customers", name="Ada")
    rows = [{"customer": str(customer)} for _ in range(30)]
    done = await shop.run(lambda unit: batch.batch(unit, "orders", {"create": rows}))
    seen: list[str] = []
    cursor = None
    while True:
        page = await shop.run(lambda unit, cursor=cursor: timeline.timeline(unit, "customers", customer, limit=7, cursor=cursor))
        seen += [entry["record"]["id"] for entry in page["data"] if "record" in entry]
        cursor = page["next"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(one["id"] for one in done["results"]["create"])


async def test_defaults_of_links_follow_each_other(shop: Shop) -> None:
    customer = await shop.new("customers", name="Ada")
    order = await shop.new("orders", customer=str(customer))
    line = await shop.new("lines", order=str(order), quantity=1)
    complaint = await shop.new("complaints", text="Broken", line=str(line))
    found = await shop.get("complaints", complaint)
    assert found["order"]["id"] == str(order)
    assert found["customer"]["id"] == str(customer), "read through a link that is a default itself"

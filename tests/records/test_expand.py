"""Linked records inside the records that link to them, and how many statements reading takes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
import pytest

from tests.records.conftest import Shop
from tests.support.recording import Recording
from xrm_core.kernel.errors import Malformed
from xrm_core.records import aggregate, batch, board, read, search, timeline
from xrm_core.records.query import RecordQuery


async def fill(shop: Shop, count: int) -> dict[str, list[UUID]]:
    made: dict[str, list[UUID]] = {"customers": [], "people": [], "products": [], "orders": [], "lines": []}

    async def create(module: str, rows: list[dict[str, Any]]) -> None:
        done = await shop.run(lambda unit: batch.batch(unit, module, {"create": rows}))
        made[module] += [UUID(one["id"]) for one in done["results"]["create"]]

    await create("customers", [{"name": f"C{n}"} for n in range(count)])
    await create("customers", [{"name": f"B{n}", "parent": str(made["customers"][n])} for n in range(count)])
    await create("people", [{"name": f"P{n}"} for n in range(count)])
    await create("products", [{"name": f"D{n}", "price": n} for n in range(count)])
    helpers = [{"id": str(one), "attributes": {"share": str(10 + n)}} for n, one in enumerate(made["people"][:2])]
    await create("orders", [{"customer": str(made["customers"][n]), "shipping": n, "helpers": helpers} for n in range(count)])
    await create(
        "lines", [{"order": str(made["orders"][n]), "product": str(made["products"][n]), "quantity": m + 1} for n in range(count) for m in range(3)]
    )
    about = [{"module": "customers", "id": str(made["customers"][0])}, {"module": "orders", "id": str(made["orders"][0])}, None]
    await shop.run(lambda unit: batch.batch(unit, "notes", {"create": [{"text": f"N{n}", "about": one} for n, one in enumerate(about)]}))
    return made


async def test_links_are_shown_in_full(shop: Shop) -> None:
    made = await fill(shop, 3)
    orders = await shop.find("orders", sort=("number",), expand=("customer", "customer.parent", "helpers", "lines.product"))
    order = orders[1]
    whole = await shop.get("customers", made["customers"][1])
    assert order["customer"] == {key: value for key, value in whole.items() if key != "notes"}
    assert [one["name"] for one in order["helpers"]] == ["P1", "P0"] and order["helpers"][0]["link"] == {"share": "11.00"}
    assert [line["quantity"] for line in order["lines"]] == [3, 2, 1]
    assert order["lines"][0]["product"]["name"] == "D1" and order["lines"][0]["product"]["sold"] == 6
    assert order["lines"][0]["order"] == {"id": order["id"], "module": "orders", "title": order["title"]}
    branch = (await shop.find("customers", filter="name == 'B0'", expand=("parent",), fields=("name",)))[0]
    assert branch["parent"]["name"] == "C0" and "since" not in branch


async def test_one_record_is_expanded_the_same_way(shop: Shop) -> None:
    made = await fill(shop, 2)
    found = await shop.run(lambda unit: read.get(unit, "customers", made["customers"][0], expand=("orders.helpers", "branches", "parent", "remarks")))
    customer = orjson.loads(found.json)
    assert [one["name"] for one in customer["orders"][0]["helpers"]] == ["P1", "P0"]
    assert [one["name"] for one in customer["branches"]] == ["B0"] and "parent" not in customer
    assert [one["text"] for one in customer["remarks"]] == ["N0"]


async def test_a_link_to_several_modules_is_expanded(shop: Shop) -> None:
    await fill(shop, 2)
    notes = await shop.find("notes", sort=("text",), expand=("about",))
    assert [note.get("about", {}).get("module") for note in notes] == ["customers", "orders", None]
    assert notes[0]["about"]["name"] == "C0" and notes[1]["about"]["number"] == "O-0001"


async def test_what_is_no_link_cannot_be_expanded(shop: Shop) -> None:
    for path in ("nothing", "name", "customer.nothing", "customer.orders.customer.orders", "", "customer..parent"):
        with pytest.raises(Malformed) as error:
            await shop.find("orders", expand=(path,))
        assert error.value.problems[0].path == "/expand"


async def test_archived_records_are_not_in_lists_but_behind_links(shop: Shop) -> None:
    made = await fill(shop, 2)
    await shop.archive("lines", made["lines"][0])
    await shop.archive("products", made["products"][0])
    order = orjson.loads((await shop.run(lambda unit: read.get(unit, "orders", made["orders"][0], expand=("lines.product",)))).json)
    assert [line["quantity"] for line in order["lines"]] == [3, 2]
    assert order["lines"][0]["product"]["archived_at"]


async def counts(shop: Shop, statements: Recording, made: dict[str, list[UUID]]) -> dict[str, int]:
    """How many statements each kind of request takes."""
    found = {}

    async def count(name: str, work: Any) -> None:
        with statements.counting() as sent:
            await shop.run(work)
        # Once a second a process asks whether the definitions are still the same.
        found[name] = sum("definition_version" not in text for text in sent.texts)

    links = ("customer.parent", "helpers", "lines.product", "remarks")
    order, customer = made["orders"][0], made["customers"][0]
    names = [{"function": "count"}, {"function": "sum", "field": "total"}]
    changes = [{"id": str(one), "shipping": "77", "customer": str(customer)} for one in made["orders"]]
    texts = [{"id": str(one), "notes": f"Text {one}", "discount": "3"} for one in made["customers"]]
    await count("list", lambda unit: read.find(unit, RecordQuery("orders", sort=("customer.name",), count="exact")))
    await count("expand", lambda unit: read.find(unit, RecordQuery("orders", expand=links)))
    await count("get", lambda unit: read.get(unit, "orders", order, expand=links))
    await count("related", lambda unit: read.related(unit, "customers", customer, "orders", count="exact"))
    await count("many", lambda unit: read.related(unit, "people", made["people"][0], "helped"))
    await count("board", lambda unit: board.board(unit, "orders", sum="total"))
    await count("aggregate", lambda unit: aggregate.aggregate(unit, "orders", {"measures": names, "group_by": ["customer"]}))
    await count("timeline", lambda unit: timeline.timeline(unit, "customers", customer))
    await count("history", lambda unit: timeline.history(unit, "orders", order))
    await count("search", lambda unit: search.search(unit, "C1"))
    await count("as_of", lambda unit: read.find(unit, RecordQuery("orders", as_of=shop.clock.now(), filter="customer.parent.name != 'x'")))
    await count("create", lambda unit: batch.batch(unit, "customers", {"create": [{"name": f"N{n}", "notes": "x"} for n in range(len(changes))]}))
    await count("update", lambda unit: batch.batch(unit, "orders", {"update": changes}))
    await count("update texts", lambda unit: batch.batch(unit, "customers", {"update": texts}))
    upsert = {"by": ["email"], "records": [{"email": f"c{n}-{len(changes)}@x.example", "name": "C", "factor": n} for n in range(len(changes))]}
    await count("upsert", lambda unit: batch.batch(unit, "customers", {"upsert": upsert}))
    await count("archive", lambda unit: batch.batch(unit, "orders", {"archive": [str(one) for one in made["orders"]]}))
    return found


async def test_the_number_of_statements_does_not_depend_on_the_number_of_records(shop: Shop, statements: Recording) -> None:
    few = await counts(shop, statements, await fill(shop, 3))
    many = await counts(shop, statements, await fill(shop, 25))
    assert many == few
    assert few["list"] == 3 and few["expand"] <= 8 and few["board"] == 2 and few["aggregate"] == 1

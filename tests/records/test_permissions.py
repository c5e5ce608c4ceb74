"""What somebody may not see changes nothing of what they get: two workspaces that differ only in that answer alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import orjson
import pytest

from tests.conftest import NOW
from tests.records.conftest import Shop, install
from tests.records.shop import SHOP
from xrm_core.definitions import Role
from xrm_core.kernel.actor import SYSTEM, Actor
from xrm_core.kernel.clock import FixedClock
from xrm_core.kernel.errors import Malformed, NotFound, XrmError
from xrm_core.kernel.ids import new_id
from xrm_core.records import aggregate, batch, board, lifecycle, read, relating, search, stages, timeline, write
from xrm_core.records.query import RecordQuery
from xrm_core.records.unit import Unit
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import create_workspace

HIDDEN = (
    "discount phone notes spent orders_count last_order latest_number line_count bought is_big weighted late mean_total best_total first_order "
    "helped_by group_spent".split()
)  # fmt: skip
GUEST = Role.model_validate(
    {
        "name": "guest",
        "label": "Guest",
        "modules": {
            "*": {"see": "all"},
            "orders": {"see": "own", "create": True, "edit": "own"},
            "lines": {"see": "own"},
            "people": {"see": "none"},
        },
        "hidden_fields": {
            "customers": HIDDEN,
            "orders": ["discounted", "helper_names", "helper_count"],
            "products": ["sold", "buyers", "revenue"],
            "lines": ["customer_spent"],
        },
    }
)
ME, OTHER = new_id(), new_id()
IDS = {name: new_id() for name in ("c1", "c2", "c3", "desk", "o1", "o2", "l1", "n1", "p1")}
Ask = Callable[[Unit], Awaitable[Any]]
guest = Actor(ME, "Guest", ("guest",))


async def world(database: Database, slug: str, secret: int) -> Shop:
    """A workspace; `secret` moves only what the guest may not see."""
    workspace = await create_workspace(database, slug=slug, name=slug, now=NOW, time_zone="Europe/Berlin")
    clock = FixedClock(NOW)
    shop = Shop(await install(database, workspace, clock, SHOP.model_copy(update={"roles": (GUEST,)})), workspace, clock)
    await shop.members(ME, OTHER)

    async def new(module: str, key: str, actor: Actor = SYSTEM, **values: Any) -> None:
        async def work(unit: Unit) -> None:
            _, drafts, _ = await write.create_all(unit, unit.module(module), [write.Given(values, id=IDS[key])])
            assert not drafts[0].problems, drafts[0].problems

        await shop.run(work, actor)

    words = ("granite", "marble")[secret]
    for name in ("c1", "c2", "c3"):
        await new("customers", name, name=f"Customer {name}", discount=str(secret * 7), notes=f"about {words}", phone=f"+4917123456{secret}8")
    await new("products", "desk", name="Desk", price="10")
    await new("people", "p1", name=f"Person {secret}")
    for name, customer in (("o1", "c1"), ("o2", "c2")):
        await new("orders", name, guest, customer=str(IDS[customer]), shipping="5")
    await new("lines", "l1", owner=str(ME), order=str(IDS["o1"]), product=str(IDS["desk"]), quantity=2)
    await new("notes", "n1", text="Note", about={"module": "customers", "id": str(IDS["c1"])})
    clock.set(NOW.replace(hour=12))
    # From here on everything is out of the guest's sight.
    rows = [{"customer": str(IDS["c1"]), "owner": str(OTHER), "shipping": str(n)} for n in range(1 + secret * 30)]
    done = await shop.run(lambda unit: batch.batch(unit, "orders", {"create": rows}))
    theirs = [one["id"] for one in done["results"]["create"]]
    lines = [{"order": one, "product": str(IDS["desk"]), "quantity": 1, "owner": str(OTHER)} for one in theirs]
    await shop.run(lambda unit: batch.batch(unit, "lines", {"create": lines}))
    await shop.run(lambda unit: stages.move(unit, "orders", UUID(theirs[0]), "sent"))
    await shop.change("people", IDS["p1"], name=f"Somebody {secret}")
    if secret:
        await shop.run(lambda unit: relating.link(unit, "orders", IDS["o1"], "helpers", IDS["p1"], {"share": "5"}))
        await shop.run(lambda unit: lifecycle.archive(unit, "orders", UUID(theirs[1])))
        await shop.run(lambda unit: relating.link(unit, "people", IDS["p1"], "helped", UUID(theirs[2])))
    return shop


def found(module: str, **query: Any) -> Ask:
    async def ask(unit: Unit) -> Any:
        page = await read.find(unit, RecordQuery(module, **query))
        return [orjson.loads(row) for row in page.rows], page.next, page.count

    return ask


def got(module: str, name: str, **more: Any) -> Ask:
    async def ask(unit: Unit) -> Any:
        return orjson.loads((await read.get(unit, module, IDS[name], **more)).json)

    return ask


def linked(module: str, name: str, link: str, **more: Any) -> Ask:
    async def ask(unit: Unit) -> Any:
        page = await read.related(unit, module, IDS[name], link, **more)
        return [orjson.loads(row) for row in page.rows], page.next, page.count

    return ask


def told(work: Callable[..., Awaitable[Any]], module: str, name: str) -> Ask:
    async def ask(unit: Unit) -> Any:
        answer = await work(unit, module, IDS[name], limit=5)
        return [{key: value for key, value in entry.items() if key != "id"} for entry in answer["data"]], bool(answer["next"])

    return ask


def summed(module: str, **body: Any) -> Ask:
    return lambda unit: aggregate.aggregate(unit, module, body)


def shown(module: str, **more: Any) -> Ask:
    return lambda unit: board.board(unit, module, **more)


def searched(text: str) -> Ask:
    return lambda unit: search.search(unit, text, limit=3)


MODULES = ("customers", "products", "orders", "lines", "people", "notes")
QUESTIONS: dict[str, Ask] = {
    **{f"all {module}": found(module, count="exact", limit=3) for module in MODULES},
    **{f"archived {module}": found(module, archived="all", count="exact") for module in MODULES},
    **{f"past {module}": found(module, as_of=NOW.replace(hour=14), count="exact") for module in MODULES},
    **{f"{kind} of {name}": told(work, module, name) for kind, work in (("history", timeline.history), ("timeline", timeline.timeline))
       for module, name in (("customers", "c1"), ("orders", "o1"), ("products", "desk"), ("people", "p1"), ("notes", "n1"))},
    **{f"get {name}": got(module, name) for module, name in (("customers", "c1"), ("orders", "o1"), ("lines", "l1"), ("products", "desk"), ("people", "p1"))},
    "past o1": got("orders", "o1", as_of=NOW.replace(hour=14)),
    "expand c1": got("customers", "c1", expand=("orders.lines.product", "remarks")),
    "expand l1": got("lines", "l1", expand=("order.customer", "product.lines")),
    "expand helpers": got("orders", "o1", expand=("helpers",)),
    "expand orders": found("products", expand=("lines.order",)),
    "orders of c1": linked("customers", "c1", "orders", count="exact", limit=1),
    "lines of desk": linked("products", "desk", "lines", count="exact"),
    "helpers of o1": linked("orders", "o1", "helpers"),
    "remarks of c1": linked("customers", "c1", "remarks", filter="about.title == 'Customer c1'"),
    "filter any": found("customers", filter="any(orders, shipping > money(3, 'EUR'))"),
    "filter count": found("customers", filter="count(orders) > 3 or count(orders.lines) > 3"),
    "filter sum": found("products", filter="sum(lines, quantity) > 5"),
    "filter through": found("lines", filter="order.customer.name == 'Customer c1'", sort=("order.number",)),
    "filter hidden": found("customers", filter="discount > 3"),
    "filter hidden far": found("lines", filter="order.customer.spent > money(3, 'EUR')"),
    "filter hidden list": found("orders", filter="any(helpers, name == 'Person 1')"),
    "filter json": found("customers", filter={"field": "notes", "op": "contains", "value": "granite"}),
    "sort hidden": found("customers", sort=("-spent",)),
    "sort hidden far": found("orders", sort=("customer.discount",)),
    "fields hidden": found("customers", fields=("name", "notes")),
    "board": shown("orders", sum="shipping", limit=1),
    "board hidden": shown("orders", sum="discounted"),
    "board by customer": shown("customers", by="level"),
    "sum": summed("orders", measures=[{"function": "count"}, {"function": "sum", "field": "shipping"}], group_by=["customer", "stage"]),
    "sum hidden": summed("customers", measures=[{"function": "sum", "field": "discount"}]),
    "sum far": summed("lines", measures=[{"function": "max", "field": "order.customer.discount"}]),
    "group hidden": summed("customers", measures=[{"function": "count"}], group_by=["orders_count"]),
    **{f"search {text}": searched(text) for text in ("Customer", "granite", "marble", "about", "O-00", "Person", "Somebody", "0171234560", "1", "ustomer")},
}  # fmt: skip


async def answer(shop: Shop, ask: Ask) -> Any:
    try:
        return await shop.run(ask, guest)
    except XrmError as error:
        return type(error).__name__, [problem.as_dict() for problem in error.problems]


async def test_what_is_hidden_changes_no_answer(database: Database) -> None:
    one, other = await world(database, "one", 0), await world(database, "other", 1)
    differing = []
    for name, ask in QUESTIONS.items():
        first, second = await answer(one, ask), await answer(other, ask)
        if first != second:
            differing.append(f"{name}: {first} != {second}")
    assert not differing, "\n".join(differing)
    for name in ("all customers", "orders of c1", "search Customer", "board", "sum", "expand c1", "timeline of c1", "past orders"):
        first = await answer(one, QUESTIONS[name])
        assert first and not (isinstance(first, tuple) and isinstance(first[0], str)), (name, first)


UNKNOWN = (
    "filter hidden", "filter hidden far", "filter hidden list", "filter json", "sort hidden", "sort hidden far", "fields hidden", "board hidden", "sum far",
    "sum hidden", "group hidden", "expand helpers",
)  # fmt: skip


async def test_what_is_hidden_is_unknown(database: Database) -> None:
    shop = await world(database, "one", 0)
    for name in UNKNOWN:
        with pytest.raises(Malformed):
            await shop.run(QUESTIONS[name], guest)


async def test_what_one_may_not_see_cannot_be_changed_or_linked(database: Database) -> None:
    shop = await world(database, "one", 0)
    (theirs,) = [UUID(row["id"]) for row in await shop.find("orders", f"owner == '{OTHER}'")]
    refused: tuple[Ask, ...] = (
        lambda unit: write.update(unit, "orders", theirs, {"shipping": "1"}),
        lambda unit: relating.link(unit, "customers", IDS["c2"], "orders", theirs),
        lambda unit: relating.link(unit, "orders", IDS["o1"], "helpers", IDS["p1"]),
        lambda unit: relating.unlink(unit, "customers", IDS["c1"], "orders", theirs),
        lambda unit: lifecycle.archive(unit, "orders", IDS["o1"]),
        lambda unit: write.create(unit, "people", {"name": "X"}),
        lambda unit: write.update(unit, "customers", IDS["c1"], {"name": "X"}),
        lambda unit: write.create(unit, "orders", {"customer": str(IDS["c1"]), "helpers": [str(IDS["p1"])]}),
    )
    before = await shop.find("orders", sort=("number",))
    for ask in refused:
        with pytest.raises(XrmError) as error:
            await shop.run(ask, guest)
        assert error.value.status in (403, 404, 422)
    assert await shop.find("orders", sort=("number",)) == before
    with pytest.raises(NotFound):
        await shop.run(lambda unit: read.get(unit, "orders", theirs), guest)

"""Undo: exactly what was before, or a conflict that tells who changed what."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from tests.records.conftest import Shop
from tests.records_ui.conftest import everything
from xrm_core.kernel.actor import SYSTEM, Actor
from xrm_core.kernel.errors import Conflict, Forbidden, NotFound, XrmError
from xrm_core.records import batch, changes, lifecycle, relating, stages, timeline, undo, write
from xrm_core.records.unit import Unit


async def done(shop: Shop, work: Callable[[Unit], Awaitable[Any]], actor: Actor = SYSTEM) -> UUID | None:
    """The change that the work made, if it made one."""

    async def named(unit: Unit) -> UUID | None:
        await work(unit)
        return unit.changed

    return await shop.run(named, actor)


async def back(shop: Shop, change: UUID | None, actor: Actor = SYSTEM) -> UUID:
    assert change is not None
    return (await shop.run(lambda unit: undo.undo(unit, change), actor)).change_id


async def test_a_changed_field_goes_back_and_forth(shop: Shop, ava: Actor) -> None:
    customer = await shop.new("customers", name="Ada", notes="old text")
    before = await everything(shop)
    change = await done(shop, lambda unit: write.update(unit, "customers", customer, {"name": "Eve", "notes": None, "level": "gold"}), ava)
    after = await everything(shop)
    undone = await back(shop, change, ava)
    assert await everything(shop) == before
    with pytest.raises(Conflict) as error:
        await back(shop, change, ava)
    assert error.value.problems[0].code == "already_undone"
    again = (await shop.run(lambda unit: undo.redo(unit, change or undone), ava)).change_id
    assert await everything(shop) == after
    await back(shop, change, ava)
    assert await everything(shop) == before
    with pytest.raises(Conflict):
        await back(shop, undone, ava)
    history = [entry["kind"] for entry in (await shop.run(lambda unit: _history(unit, customer)))["data"]]
    assert history == ["undone", "undone", "undone", "updated", "created"] and again


async def _history(unit: Unit, customer: UUID) -> dict[str, Any]:
    return await timeline.history(unit, "customers", customer)


async def test_a_new_record_goes_to_the_archive_and_comes_back(shop: Shop, ava: Actor) -> None:
    customer = await shop.new("customers", name="Ada")
    before = await everything(shop)
    change = await done(shop, lambda unit: write.create(unit, "orders", {"customer": str(customer), "shipping": "5"}), ava)
    after = await everything(shop)
    undone = await back(shop, change, ava)
    assert await everything(shop) == before
    await back(shop, undone, ava)
    assert await everything(shop) == after


async def test_what_others_changed_since_is_named_and_kept(shop: Shop, ava: Actor, ben: Actor) -> None:
    customer = await shop.new("customers", ava, name="Ada", level="gold")
    change = await done(shop, lambda unit: write.update(unit, "customers", customer, {"level": "silver", "since": "2026-01-01"}), ava)
    await shop.change("customers", customer, ben, level="gold", name="Ada B.")
    with pytest.raises(Conflict) as error:
        await back(shop, change, ava)
    (problem,) = error.value.problems
    assert problem.path == f"/customers/{customer}/level" and "Ben changed Level to Gold" in problem.message
    found = await shop.get("customers", customer)
    assert found["level"] == "gold" and found["since"] == "2026-01-01" and found["name"] == "Ada B."
    other = await done(shop, lambda unit: write.update(unit, "customers", customer, {"since": "2026-02-02"}), ava)
    await shop.change("customers", customer, ben, name="Ada C.")
    await back(shop, other, ava)
    found = await shop.get("customers", customer)
    assert found["since"] == "2026-01-01" and found["name"] == "Ada C.", "another field does not stand in the way"


async def test_only_ones_own_changes_within_ones_rights(shop: Shop, ava: Actor, ben: Actor) -> None:
    customer = await shop.new("customers", ava, name="Ada")
    change = await done(shop, lambda unit: write.update(unit, "customers", customer, {"name": "Eve"}), ava)
    with pytest.raises(Forbidden):
        await back(shop, change, ben)
    reader = Actor(ava.user_id, "Ava", ("viewer",))
    with pytest.raises(Forbidden):
        await back(shop, change, reader)
    with pytest.raises(NotFound):
        await back(shop, customer, ava)
    assert (await shop.get("customers", customer))["name"] == "Eve"


async def test_a_record_in_use_by_others_stays(shop: Shop, ava: Actor, ben: Actor) -> None:
    change = await done(shop, lambda unit: write.create(unit, "customers", {"name": "Ada"}), ava)
    customer = UUID((await shop.find("customers"))[0]["id"])
    order = await shop.new("orders", ben, customer=str(customer))
    with pytest.raises(Conflict) as error:
        await back(shop, change, ava)
    assert error.value.problems[0].code == "in_use"
    await shop.archive("orders", order)
    await back(shop, change, ava)
    assert await shop.find("customers") == []


async def test_a_link_is_not_made_again_to_what_is_gone(shop: Shop, ava: Actor, ben: Actor) -> None:
    parent = await shop.new("customers", ben, name="Parent")
    child = await shop.new("customers", ava, name="Child", parent=str(parent))
    change = await done(shop, lambda unit: write.update(unit, "customers", child, {"parent": None}), ava)
    await shop.run(lambda unit: lifecycle.archive(unit, "customers", parent), ben)
    with pytest.raises(Conflict) as error:
        await back(shop, change, ava)
    assert error.value.problems[0].code == "no_target"


async def test_many_records_are_undone_as_one(shop: Shop, ava: Actor) -> None:
    rows = [{"name": f"C{n}", "level": "gold" if n % 2 else "silver"} for n in range(60)]
    await shop.run(lambda unit: batch.batch(unit, "customers", {"create": rows}), ava)
    before = await everything(shop)
    found = [{"id": row["id"], "level": "gold", "tags": ["all"]} for row in await shop.find("customers", limit=100)]
    body = {"update": found, "create": [{"name": "New"}], "archive": []}
    change = await done(shop, lambda unit: batch.batch(unit, "customers", body), ava)
    listed = await shop.run(lambda unit: changes.lately(unit), ava)
    assert listed[0]["records"] == 61 and listed[0]["can_undo"]
    await back(shop, change, ava)
    assert await everything(shop) == before
    listed = await shop.run(lambda unit: changes.lately(unit, limit=2), ava)
    assert listed[0]["undoes"] == listed[1]["id"] == str(change) and not listed[1]["can_undo"]


async def test_changes_are_told_in_words(shop: Shop, ava: Actor) -> None:
    customer = await shop.new("customers", ava, name="Ada")
    order = await shop.new("orders", ava, customer=str(customer))
    await shop.change("customers", customer, ava, level="gold")
    await shop.run(lambda unit: stages.move(unit, "orders", order, "sent", values={"shipping": "4.90"}), ava)
    await shop.change("customers", customer, ava, level=None)
    await shop.run(lambda unit: lifecycle.archive(unit, "orders", order), ava)
    told = [entry["summary"] for entry in await shop.run(lambda unit: changes.lately(unit), ava)]
    assert told == [
        "O-0001 Ada archived", "Ada: Level cleared", "O-0001 Ada: Stage, Shipping moved", "Ada: Level changed to Gold",
        "O-0001 Ada created", "Ada created",
    ]  # fmt: skip


# -- random writes ----------------------------------------------------------------------------------------------------------


class Writer:
    """Writes at random what the shop allows; what is refused did not happen."""

    def __init__(self, shop: Shop, seed: int) -> None:
        self.shop = shop
        self.dice = random.Random(seed)

    async def pick(self, module: str) -> UUID | None:
        rows = await self.shop.find(module, limit=100)
        return UUID(self.dice.choice(rows)["id"]) if rows else None

    async def step(self, actor: Actor) -> UUID | None:
        try:
            return await done(self.shop, await self.work(), actor)
        except XrmError:
            return None

    async def work(self) -> Callable[[Unit], Awaitable[Any]]:
        dice = self.dice
        kind = dice.choice("customer product order line helper note edit edit edit move link unlink archive restore parent batch".split())
        customer, order, product, human = [await self.pick(m) for m in ("customers", "orders", "products", "people")]
        if kind == "customer" or customer is None:
            return lambda unit: write.create(unit, "customers", {"name": f"N{dice.randrange(99)}", "notes": "x" * dice.randrange(3)})
        if kind == "product":
            return lambda unit: write.create(unit, "products", {"name": f"P{dice.randrange(99)}", "price": dice.randrange(1, 90)})
        if kind == "helper" or human is None:
            return lambda unit: write.create(unit, "people", {"name": f"H{dice.randrange(99)}"})
        if kind == "order" or order is None:
            helpers = [{"id": str(human), "attributes": {"share": "20"}}] if dice.random() < 0.5 else []
            return lambda unit: write.create(unit, "orders", {"customer": str(customer), "shipping": dice.randrange(9), "helpers": helpers})
        if kind == "line":
            values: dict[str, Any] = {"order": str(order), "quantity": dice.randrange(1, 5), "unit_price": dice.randrange(1, 50)}
            if product is not None:
                values["product"] = str(product)
            return lambda unit: write.create(unit, "lines", values)
        if kind == "note":
            about = {"module": "customers", "id": str(customer)}
            return lambda unit: write.create(unit, "notes", {"text": f"T{dice.randrange(99)}", "about": about})
        if kind == "move":
            stage = dice.choice(["sent", "paid", "cancelled", "draft"])
            return lambda unit: stages.move(unit, "orders", order, stage, reason="price" if stage == "cancelled" else None)
        if kind == "link":
            share = {"share": str(dice.randrange(1, 99))}
            return lambda unit: relating.link(unit, "orders", order, "helpers", human, share)
        if kind == "unlink":
            return lambda unit: relating.unlink(unit, "orders", order, "helpers", human)
        if kind == "archive":
            module = dice.choice(["orders", "lines", "customers", "products", "people"])
            wanted = await self.pick(module)
            return lambda unit: lifecycle.archive(unit, module, wanted or customer)
        if kind == "restore":
            gone = await self.shop.find("orders", archived="only", limit=100)
            return lambda unit: lifecycle.restore(unit, "orders", UUID(dice.choice(gone)["id"]) if gone else customer)
        if kind == "parent":
            parent = await self.pick("customers")
            return lambda unit: write.update(unit, "customers", customer, {"parent": None if parent == customer else str(parent)})
        if kind == "batch":
            body = {
                "update": [{"id": str(customer), "level": dice.choice(["gold", "silver"]), "factor": dice.randrange(9)}],
                "create": [{"name": f"B{dice.randrange(99)}"}, {"name": f"B{dice.randrange(99)}", "parent": str(customer)}],
            }
            return lambda unit: batch.batch(unit, "customers", body)
        changes_ = dice.choice([
            ("customers", customer, {"name": f"E{dice.randrange(99)}"}), ("customers", customer, {"discount": str(dice.randrange(60))}),
            ("customers", customer, {"notes": "y" * dice.randrange(4)}), ("customers", customer, {"tags": ["a", "b"][: dice.randrange(3)]}),
            ("orders", order, {"ordered_on": f"2026-0{dice.randrange(1, 9)}-11"}), ("orders", order, {"shipping": dice.randrange(99)}),
            ("orders", order, {"customer": str(customer)}), ("orders", order, {"helpers": [str(human)] if dice.random() < 0.7 else []}),
        ])  # fmt: skip
        return lambda unit: write.update(unit, *changes_)


@pytest.mark.parametrize("seed", range(6))
async def test_random_writes_undone_in_reverse_leave_no_trace(shop: Shop, ava: Actor, seed: int) -> None:
    writer = Writer(shop, seed)
    for _ in range(12):
        await writer.step(ava)
    states: list[tuple[UUID, Any]] = []
    for _ in range(25):
        before = await everything(shop)
        change = await writer.step(ava)
        if change is not None:
            states.append((change, before))
    assert len(states) > 8
    redo: list[tuple[UUID, Any]] = []
    for change, before in reversed(states):
        after = await everything(shop)
        redo.append((await back(shop, change, ava), after))
        assert await everything(shop) == before
    for change, after in reversed(redo):
        await back(shop, change, ava)
        assert await everything(shop) == after


@pytest.mark.parametrize("seed", range(6))
async def test_two_people_never_overwrite_each_other(shop: Shop, ava: Actor, ben: Actor, seed: int) -> None:
    """Ava undoes while Ben has written since: what Ben wrote stays, whether the undo is refused or not."""
    writer = Writer(shop, 100 + seed)
    for _ in range(15):
        await writer.step(ava)
    refused = 0
    for _ in range(12):
        mine = await writer.step(ava)
        unrelated = await everything(shop)
        theirs = await writer.step(ben)
        if mine is None or theirs is None:
            continue
        after = await everything(shop)
        written = _values(unrelated, after)
        try:
            await back(shop, mine, ava)
        except XrmError:
            refused += 1
            assert await everything(shop) == after
            continue
        now = await everything(shop)
        for module, identifier, key, value in written:
            assert now[module].get(identifier, {}).get(key) == value, (module, key)
    assert refused < 12


_COMPUTED = {
    "customers": {"orders_count", "spent", "last_order", "latest_number", "line_count", "bought", "is_big", "age_days", "weighted",
                  "late", "mean_total", "best_total", "first_order", "helped_by", "remark_count", "siblings", "group_spent"},
    "products": {"sold", "buyers", "revenue"},
    "orders": {"lines_total", "total", "customer_level", "discounted", "helper_names", "helper_count", "is_late", "has_desk", "due_on", "title", "customer"},
    "lines": {"amount", "customer_name", "customer_spent", "title", "product", "order"},
    "people": {"help_total", "helped_lines", "helped_customers"},
    "notes": {"about"},
    "links": set(),
}  # fmt: skip


def _values(before: Any, after: Any) -> list[tuple[str, UUID, str, Any]]:
    """What a step wrote of its own."""
    return [
        (module, identifier, key, value)
        for module, keys in _COMPUTED.items()
        for identifier, record in after[module].items()
        for key, value in record.items()
        if key not in keys and before[module].get(identifier, {}).get(key) != value
    ]

"""Two who move the same value from different ends at the same moment: both in one transaction each, held open on purpose."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from tests.records.conftest import Shop
from tests.records.test_computed import check
from xrm_core.kernel.actor import SYSTEM
from xrm_core.records import lifecycle, relating, write
from xrm_core.records.unit import Unit

Work = Callable[[Unit], Awaitable[Any]]


async def together(shop: Shop, first: Work, second: Work) -> None:
    """`second` begins when `first` has written everything and not yet committed."""
    written, going_on = asyncio.Event(), asyncio.Event()

    async def one() -> None:
        async with shop.units.begin(shop.workspace, SYSTEM) as unit:
            await unit.transaction()
            await first(unit)
            written.set()
            await going_on.wait()

    async def other() -> None:
        await written.wait()
        running = asyncio.create_task(shop.run(second))
        # Either it waits for the first one, or it is through: both are seen soon enough.
        await asyncio.wait([running], timeout=0.15)
        going_on.set()
        await running

    await asyncio.gather(one(), other())
    await check(shop, (first, second))


@pytest.mark.parametrize("turned", [False, True])
async def test_two_ends_of_one_path(shop: Shop, turned: bool) -> None:
    customer, other = await shop.new("customers", name="Ada"), await shop.new("customers", name="Bo", parent=None)
    product, lamp = await shop.new("products", name="Desk", price="3"), await shop.new("products", name="Lamp")
    people = [await shop.new("people", name=f"P{n}") for n in range(12)]

    async def order(**values: Any) -> UUID:
        return await shop.new("orders", customer=str(customer), **values)

    async def line(of: UUID) -> UUID:
        return await shop.new("lines", order=str(of), product=str(product), quantity=2)

    def updates(module: str, identifier: UUID, **values: Any) -> Work:
        return lambda unit: write.update(unit, module, identifier, values)

    def links(of: UUID, person: UUID) -> Work:
        return lambda unit: relating.link(unit, "orders", of, "helpers", person)

    def unlinks(of: UUID, person: UUID) -> Work:
        return lambda unit: relating.unlink(unit, "people", person, "helped", of)

    def archives(module: str, identifier: UUID) -> Work:
        return lambda unit: lifecycle.archive(unit, module, identifier)

    def creates(module: str, **values: Any) -> Work:
        return lambda unit: write.create(unit, module, values)

    o = [await order() for _ in range(12)]
    a = [await line(one) for one in o]
    await shop.run(links(o[6], people[6]))
    pairs: list[tuple[Work, Work]] = [
        (archives("lines", a[0]), links(o[0], people[0])),
        (updates("lines", a[1], quantity=9), links(o[1], people[1])),
        (updates("people", people[2], name="Other"), links(o[2], people[2])),
        (updates("lines", a[3], quantity=7), updates("orders", o[3], customer=str(other))),
        (creates("lines", order=str(o[4]), product=str(lamp), quantity=1), updates("orders", o[4], customer=str(other))),
        (updates("customers", customer, name="Eve"), updates("orders", o[5], customer=str(other))),
        (archives("orders", o[6]), unlinks(o[6], people[6])),
        (updates("lines", a[7], product=str(lamp)), updates("products", lamp, name="Desk")),
        (updates("customers", other, parent=str(customer)), creates("customers", name="Cy", parent=str(customer))),
        (updates("orders", o[8], shipping="5"), links(o[8], people[8])),
        (updates("orders", o[9], helpers=[str(people[9])]), updates("people", people[9], name="Third")),
        (updates("customers", customer, discount="7"), creates("lines", order=str(o[10]), quantity=3)),
        (updates("customers", customer, name="Flo"), creates("lines", order=str(o[11]), quantity=3)),
        (updates("customers", other, name="Gus"), creates("orders", customer=str(other), helpers=[str(people[10])])),
    ]  # fmt: skip
    for first, second in pairs:
        await (together(shop, second, first) if turned else together(shop, first, second))


async def test_many_who_move_one_total_wait_in_turn(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    customer, product = await shop.new("customers", name="Ada"), await shop.new("products", name="Desk", price="3")
    orders = [await shop.new("orders", customer=str(customer)) for _ in range(8)]
    tries: list[str] = []
    real = write.prepare_new

    async def counted(*given: Any, **more: Any) -> Any:
        tries.append("")
        return await real(*given, **more)

    monkeypatch.setattr(write, "prepare_new", counted)
    await asyncio.gather(
        *(shop.new("lines", order=str(order), product=str(product), quantity=2, unit_price="1.50") for order in orders)
    )
    assert len(tries) == len(orders), "nobody was undone to let another one go on"
    await check(shop, "lines of one customer")

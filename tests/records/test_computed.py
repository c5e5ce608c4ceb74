"""Computed values are always what a recomputation from scratch gives, whoever writes what at the same time."""

from __future__ import annotations

import asyncio
import os
import random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.records.conftest import Shop
from tests.records.oracle import differences, read_tables
from tests.records.walks import KINDS, Act, Walk, acts
from xrm_core.kernel.clock import today
from xrm_core.storage.indexes import mismatches

EXAMPLES = int(os.environ.get("XRM_TEST_EXAMPLES", "60")) if os.environ.get("XRM_TEST_ALL") else 5
LENGTH = 40 if os.environ.get("XRM_TEST_ALL") else 24
PHASES = list(Phase) if os.environ.get("XRM_TEST_ALL") else [Phase.explicit, Phase.generate]
walking = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=not os.environ.get("XRM_TEST_ALL"), phases=PHASES
)


async def check(shop: Shop, after: object) -> None:
    tables = await read_tables(shop.units.database, shop.workspace.schema)
    wrong = differences(tables, today(shop.clock.now(), shop.workspace.time_zone))
    catalog = await shop.units.catalogs.get(shop.workspace)
    for module in catalog.modules.values():
        for identifier in await mismatches(shop.units.database, module.table, module.table.promoted):
            wrong.append(f"promoted columns of {module.name} {identifier}")
    assert not wrong, f"after {after}:\n" + "\n".join(wrong)


@walking
@given(steps=st.lists(acts(), min_size=1, max_size=LENGTH))
async def test_one_writer(shop: Shop, steps: list[Act]) -> None:
    walk = Walk(shop)
    await walk.empty()
    await walk.found()
    for step in steps:
        await walk.act(step)
        await check(shop, step)


@walking
@given(steps=st.lists(st.tuples(acts(), acts()), min_size=1, max_size=LENGTH))
async def test_two_writers(shop: Shop, steps: list[tuple[Act, Act]]) -> None:
    walk = Walk(shop)
    await walk.empty()
    await walk.found()
    for pair in steps:
        await asyncio.gather(*(walk.act(act) for act in pair))
        if "night" in (pair[0].kind, pair[1].kind):
            await walk.later()
        await check(shop, pair)


COMING_AND_GOING = [kind for kind in KINDS if kind not in ("night", "stage", "person", "product", "customer")]


@walking
@given(steps=st.lists(st.tuples(*[acts(COMING_AND_GOING)] * 4), min_size=1, max_size=LENGTH))
async def test_four_writers_who_link_and_erase(shop: Shop, steps: list[tuple[Act, ...]]) -> None:
    walk = Walk(shop)
    await walk.empty()
    await walk.found()
    for group in steps:
        await asyncio.gather(*(walk.act(act) for act in group))
        await check(shop, group)


@pytest.mark.parametrize("seed", range(40 if os.environ.get("XRM_TEST_ALL") else 2))
async def test_long_random_walks_of_two_writers(shop: Shop, seed: int) -> None:
    chance = random.Random(seed)
    walk = Walk(shop)
    await walk.found()

    def act() -> Act:
        return Act(chance.choice(KINDS), chance.randrange(12), chance.randrange(12), chance.randrange(12))

    for number in range(60):
        pair = (act(), act())
        await asyncio.gather(*(walk.act(one) for one in pair))
        if "night" in (pair[0].kind, pair[1].kind):
            await walk.later()
        if number % 3 == 0:
            await check(shop, pair)
    await check(shop, "the end")
    assert walk.done > 40, walk.refused
    assert not walk.refused["busy"], "whoever waits for others gets there in the end"

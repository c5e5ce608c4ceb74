"""Long loops give others their turn."""

from __future__ import annotations

import asyncio

from xrm_core.kernel.turns import STRETCH, in_turns


async def test_a_long_loop_lets_another_task_run_in_between() -> None:
    seen: list[str] = []

    async def long() -> None:
        async for number in in_turns(range(STRETCH * 3)):
            seen.append(f"long {number}")

    async def short() -> None:
        seen.append("short")

    await asyncio.gather(long(), short())
    assert seen.index("short") == STRETCH
    assert len(seen) == STRETCH * 3 + 1


async def test_all_items_come_once_and_in_order() -> None:
    assert [number async for number in in_turns(range(200))] == list(range(200))

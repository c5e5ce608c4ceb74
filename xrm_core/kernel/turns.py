"""Long work in Python lets others have their turn: one event loop serves everybody."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

T = TypeVar("T")
STRETCH = 64
"""Items between two turns: some ten milliseconds of the heaviest work there is."""


async def in_turns(items: Iterable[T]) -> AsyncIterator[T]:
    """The items one after the other, with a turn for other tasks after every 64."""
    for number, item in enumerate(items, 1):
        yield item
        if number % STRETCH == 0:
            await asyncio.sleep(0)


def spare_the_collector() -> None:
    """Look for reference cycles less often, for processes that serve or import.

    What is loaded by now stays for good and requests make few cycles; with the interpreter's settings a quarter of the
    processor time of a large batch goes into looking for them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)

"""Record ids: UUID version 7, made by the application so that they sort by time on every kind of database."""

from __future__ import annotations

import os
import struct
import threading
import time
from datetime import datetime
from uuid import UUID

_lock = threading.Lock()
_last = 0
_AT_ONCE = 512
_pool: list[int] = []


def new_id() -> UUID:
    """A new UUIDv7 (RFC 9562); ids made by one process never go backwards."""
    global _last
    with _lock:
        # 48 bits of milliseconds and 12 bits of the fraction below, kept strictly rising within the process.
        tick = (time.time_ns() << 12) // 1_000_000
        if tick <= _last:
            tick = _last + 1
        _last = tick
    return _uuid(tick)


def id_at(at: datetime) -> UUID:
    """A new UUIDv7 that sorts as if it had been made at `at`: for records and events whose time is told by an import."""
    return _uuid((int(at.timestamp() * 1_000_000) << 12) // 1000)


def _random() -> int:
    """62 random bits; the system is asked for many at once, since each question costs more than the rest of an id."""
    try:
        return _pool.pop()
    except IndexError:
        fresh = struct.unpack(f">{_AT_ONCE}Q", os.urandom(8 * _AT_ONCE))
        _pool.extend(number & 0x3FFF_FFFF_FFFF_FFFF for number in fresh[1:])
        return int(fresh[0]) & 0x3FFF_FFFF_FFFF_FFFF


# A forked process must not hand out the numbers that its parent has in stock.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.clear)


def _uuid(tick: int) -> UUID:
    random = _random()
    return UUID(int=(tick >> 12) << 80 | 0x7 << 76 | (tick & 0xFFF) << 64 | 0b10 << 62 | random)

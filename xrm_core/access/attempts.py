"""Brakes on guessing: how often one address or one account may try to sign in."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from xrm_core.kernel.errors import XrmError
from xrm_core.kernel.problem import Problem

_MOST_KEYS = 20_000


class TooManyAttempts(XrmError):
    """Too many failed attempts; says nothing about which accounts exist."""

    status = 429
    title = "Too many attempts"

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(
            Problem("too_many_attempts", "", "Too many attempts to sign in.", f"Try again in {retry_after} seconds.")
        )


class Attempts:
    """Counts attempts per key in a sliding window; a success forgets them."""

    def __init__(self, most: int, seconds: float, timer: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self.seconds = seconds
        self._timer = timer
        self._made: dict[str, deque[float]] = {}

    def make(self, key: str) -> None:
        """Count an attempt before it is made; raises TooManyAttempts when there were too many."""
        now = self._timer()
        made = self._made.get(key)
        if made is None:
            if len(self._made) >= _MOST_KEYS:
                self._forget(now)
            made = self._made[key] = deque()
        while made and made[0] <= now - self.seconds:
            made.popleft()
        if len(made) >= self.most:
            raise TooManyAttempts(max(1, int(made[0] + self.seconds - now) + 1))
        made.append(now)

    def succeeded(self, key: str) -> None:
        """Forget the attempts of a key."""
        self._made.pop(key, None)

    def _forget(self, now: float) -> None:
        old = [key for key, made in self._made.items() if not made or made[-1] <= now - self.seconds]
        for key in old or list(self._made)[: _MOST_KEYS // 2]:
            del self._made[key]

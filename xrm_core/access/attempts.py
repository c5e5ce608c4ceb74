"""Brakes on guessing: how often one address or one account may try to sign in."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from xrm_core.kernel.errors import XrmError
from xrm_core.kernel.problem import Problem

_MOST_KEYS = 20_000


class TooManyAttempts(XrmError):
    """Too many failed attempts; says nothing about which accounts exist."""

    status = 429
    title = "Too many attempts"

    def __init__(self, retry_after: int, what: str = " to sign in") -> None:
        self.retry_after = retry_after
        super().__init__(
            Problem("too_many_attempts", "", f"Too many attempts{what}.", f"Try again in {retry_after} seconds.")
        )


class Attempts:
    """Counts attempts per key in a sliding window; a success forgets them."""

    def __init__(
        self, most: int, seconds: float, timer: Callable[[], float] = time.monotonic, what: str = " to sign in"
    ) -> None:
        self.most = most
        self.seconds = seconds
        self._timer = timer
        self._what = what
        self._made: dict[str, deque[float]] = {}

    def require(self, key: str) -> None:
        """Raises TooManyAttempts when there were too many, without counting one."""
        made, now = self._made.get(key, ()), self._timer()
        recent = [at for at in made if at > now - self.seconds]
        if len(recent) >= self.most:
            raise TooManyAttempts(max(1, int(recent[0] + self.seconds - now) + 1), self._what)

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
            raise TooManyAttempts(max(1, int(made[0] + self.seconds - now) + 1), self._what)
        made.append(now)

    def succeeded(self, key: str) -> None:
        """Forget the attempts of a key."""
        self._made.pop(key, None)

    def _forget(self, now: float) -> None:
        old = [key for key, made in self._made.items() if not made or made[-1] <= now - self.seconds]
        for key in old or list(self._made)[: _MOST_KEYS // 2]:
            del self._made[key]


@dataclass(frozen=True, slots=True)
class GuestBrakes:
    """For links that need no account: wrong addresses per sender, and actions per link."""

    wrong: Attempts = field(default_factory=lambda: Attempts(30, 900.0, what=""))
    acts: Attempts = field(default_factory=lambda: Attempts(60, 900.0, what=""))

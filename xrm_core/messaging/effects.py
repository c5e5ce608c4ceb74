"""How an effect can end: done, to be tried again, never to happen, or unclear."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

DELAYS = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=6),
    timedelta(hours=12),
)
"""How long is waited after each failed attempt; after the last one it is given up."""


class Failed(Exception):
    """An effect that has not happened."""

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.details = details


class Later(Failed):
    """It has not happened, and may be tried again."""


class Never(Failed):
    """It has not happened, and trying again would be of no use."""


class Unclear(Failed):
    """Nobody knows whether it has happened."""


def delay(attempts: int) -> timedelta | None:
    """The wait after so many attempts; None: give up."""
    return DELAYS[attempts - 1] if attempts <= len(DELAYS) else None

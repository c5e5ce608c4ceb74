"""A page of a list: its items, the way to the next one, and a count if one was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are; not `exact` means "at least" or an estimate."""

    value: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Items of one page; `next` is the cursor of the following page, None at the end."""

    items: list[T]
    next: str | None = None
    count: Count | None = None

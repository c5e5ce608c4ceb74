"""View models of the page about enrolments."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EnrolmentView:
    """One run under way."""

    id: str
    title: str
    url: str
    following: str
    """What comes next."""
    at: str
    paused: bool
    waits: bool
    """Whether it can be changed now."""
    steps: tuple[tuple[int, str], ...]
    step: int


@dataclass(frozen=True, slots=True)
class EnrolmentsPage:
    """Everybody who is on the way through an automation."""

    label: str
    back: str
    runs: tuple[EnrolmentView, ...]

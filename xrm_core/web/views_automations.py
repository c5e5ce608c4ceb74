"""View models of the pages about automations."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AutomationCard:
    """One automation in the list."""

    name: str
    label: str
    sentence: str
    state: str
    state_text: str
    hue: str
    facts: tuple[str, ...]

    @property
    def url(self) -> str:
        return f"/automations/{self.name}"


@dataclass(frozen=True, slots=True)
class AutomationsPage:
    """All automations, and what should have run and did not."""

    automations: tuple[AutomationCard, ...]
    overdue: int


@dataclass(frozen=True, slots=True)
class StepRowView:
    """What one step of a run did."""

    step: str
    state: str
    detail: str


@dataclass(frozen=True, slots=True)
class RunView:
    """One run."""

    id: str
    title: str
    url: str
    state: str
    hue: str
    why: str
    at: str
    at_text: str
    late: bool
    decides: bool
    """Whether somebody may decide about it."""
    steps: tuple[StepRowView, ...]


@dataclass(frozen=True, slots=True)
class PastView:
    """What it would have done in the past."""

    fired: int
    suppressed: int
    exact: bool
    lines: tuple[tuple[str, str, str], ...]
    """(when, title of the record, url)."""
    conflicts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class AutomationPage:
    """One automation with its runs."""

    card: AutomationCard
    runs: tuple[RunView, ...]
    past: PastView | None
    months: int

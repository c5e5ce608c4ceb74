"""View models of the pages about automations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Input:
    """One setting of an automation as an input; lists and objects hold others."""

    name: str
    path: str
    """Its JSON pointer in the automation."""
    label: str
    kind: str
    value: Any = None
    choices: tuple[tuple[str, str], ...] = ()
    help: str = ""
    errors: tuple[str, ...] = ()
    required: bool = False
    module: str = ""
    """Whose records an expression is about."""
    items: tuple[Input, ...] = ()
    most: int | None = None
    given: bool = False
    """Whether it was set."""

    @property
    def id(self) -> str:
        return "p" + self.path.replace("/", "-")

    @property
    def key(self) -> str:
        return "p" + self.path


@dataclass(frozen=True, slots=True)
class TriedStep:
    """What one step would do."""

    name: str
    state: str
    hue: str
    detail: str
    to: tuple[str, ...] = ()
    subject: str = ""
    text: str = ""
    invitation: tuple[str, str, str, str] | None = None
    """(start, end, title, place) of the calendar entry that goes along."""


@dataclass(frozen=True, slots=True)
class TriedView:
    """What would happen for one record."""

    title: str
    url: str
    holds: bool
    steps: tuple[TriedStep, ...]
    changes: tuple[tuple[str, str, str], ...] = ()
    """(what, url, values)."""
    sets_off: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BuilderPage:
    """An automation while it is built."""

    name: str
    """Empty while there is none of that name yet."""
    label: str
    state: str
    state_text: str
    hue: str
    sentence: str
    inputs: Mapping[str, Input]
    base: str
    mode: str = "form"
    json: str = ""
    problems: tuple[str, ...] = ()
    module: str = ""
    record: tuple[str, str] | None = None
    months: int = 6
    tried: TriedView | None = None
    past: PastView | None = None
    try_problem: str = ""
    drafting: bool = False
    """Whether the visitor has a draft that it can go into."""
    told: bool = False
    """Whether everything that is wrong is shown."""

    @property
    def url(self) -> str:
        return f"/automations/{self.name}/edit" if self.name else "/automations/new"


@dataclass(frozen=True, slots=True)
class LogRow:
    """One automation in the comparison of what was expected with what was done."""

    label: str
    url: str
    expected: int
    done: int
    late: int
    waiting: int
    asked: int
    failed: int
    overdue: int
    suppressed: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class LogPage:
    """Expected against fired, for a number of days."""

    rows: tuple[LogRow, ...]
    days: int
    overdue: int


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A published version in which an automation changed."""

    number: int
    who: str
    at: str
    at_text: str
    summary: str


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
    waiting: int = 0
    """Runs that wait for somebody's decision."""


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
    version: int = 0
    """The version of the definitions that it keeps to."""


@dataclass(frozen=True, slots=True)
class PastView:
    """What it would have done in the past."""

    fired: int
    suppressed: int
    exact: bool
    lines: tuple[tuple[str, str, str], ...]
    """(when, title of the record, url)."""
    conflicts: tuple[tuple[str, int], ...]
    records: int = 0
    """For how many different records."""
    months: int = 0


@dataclass(frozen=True, slots=True)
class AutomationPage:
    """One automation with its runs."""

    card: AutomationCard
    runs: tuple[RunView, ...]
    past: PastView | None
    months: int
    versions: tuple[VersionRow, ...] = ()

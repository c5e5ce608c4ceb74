"""View models of the report of a record: what surrounds it, counted and added up over a period."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from xrm_core.web.pages import ModuleView, OptionView, TabView, ValueView


@dataclass(frozen=True, slots=True)
class ReportLine:
    """The records of one stage, or all of them."""

    count: int
    url: str
    """The same records as a list."""
    sums: tuple[str, ...] = ()
    """One text per currency."""
    stage: OptionView | None = None


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One record."""

    title: str
    url: str
    day: str
    stage: OptionView | None
    amount: Markup


@dataclass(frozen=True, slots=True)
class ReportPart:
    """The records of one module that belong to the record."""

    name: str
    label: str
    module: ModuleView
    day_label: str
    """By which date they are counted."""
    money_label: str
    lines: tuple[ReportLine, ...]
    total: ReportLine
    pace: str
    """How long those took that reached their goal; empty if none did."""
    rows: tuple[ReportRow, ...]


@dataclass(frozen=True, slots=True)
class ReportPage:
    """The report of one record over a period."""

    module: ModuleView
    title: str
    url: str
    facts: tuple[ValueView, ...]
    first: str
    last: str
    period: str
    made_on: str
    presets: tuple[TabView, ...]
    parts: tuple[ReportPart, ...]
    empty: tuple[str, ...] = ()
    """What has no record in the period."""

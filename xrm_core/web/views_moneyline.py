"""View models of timelines of money: a chart and a table per currency, and cards by period."""

from __future__ import annotations

from dataclasses import dataclass, field

from markupsafe import Markup

from xrm_core.web.pages import FilterBar, LayoutLink, ModuleView, OptionView, Picker, TabView


@dataclass(frozen=True, slots=True)
class MoneyCard:
    """A record with its amount."""

    id: str
    title: str
    url: str
    version: int
    day: str
    day_text: str
    amount: str
    hue: str = "gray"
    status: str = ""


@dataclass(frozen=True, slots=True)
class Period:
    """A month or a quarter with its cards."""

    start: str
    label: str
    sums: tuple[str, ...]
    """One text per currency."""
    count: int
    cards: tuple[MoneyCard, ...] = ()
    list_url: str = ""
    """All its records as a list."""
    now: bool = False


@dataclass(frozen=True, slots=True)
class MoneyRow:
    """The periods of one group; one row without a label when nothing is grouped."""

    label: str
    periods: tuple[Period, ...]


@dataclass(frozen=True, slots=True)
class MoneyTable:
    """The numbers of one currency: a chart, and the same as a table."""

    currency: str
    chart: Markup
    legend: tuple[OptionView, ...]
    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    totals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MoneyPage:
    """Records by the period of a date, with what they are worth."""

    module: ModuleView
    title: str
    tables: tuple[MoneyTable, ...]
    rows: tuple[MoneyRow, ...]
    by: str
    """The date."""
    previous_url: str
    today_url: str
    next_url: str
    months: int = 1
    """Months of one period."""
    notice: str = ""
    tabs: tuple[TabView, ...] = ()
    layouts: tuple[LayoutLink, ...] = ()
    filters: FilterBar = field(default_factory=lambda: FilterBar(action=""))
    pickers: tuple[Picker, ...] = ()
    can_move: bool = True

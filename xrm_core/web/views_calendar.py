"""View models of calendars: events by day, by hour, or one after another."""

from __future__ import annotations

from dataclasses import dataclass, field

from xrm_core.web.pages import FilterBar, LayoutLink, ModuleView, Picker, TabView


@dataclass(frozen=True, slots=True)
class EventView:
    """A record on a day."""

    id: str
    title: str
    url: str
    version: int
    start: str
    """Local day, or local day and time (`2026-04-01T09:30`)."""
    end: str = ""
    time: str = ""
    """Times as they are read."""
    hue: str = "blue"
    quarter: int = 0
    """Quarter of the hour in which it begins."""
    length: int = 2
    """Half hours, 1 to 16."""
    continued: bool = False
    """It began on an earlier day."""


@dataclass(frozen=True, slots=True)
class HourView:
    """An hour of a day, and what begins in it."""

    hour: int
    events: tuple[EventView, ...] = ()


@dataclass(frozen=True, slots=True)
class DayView:
    """One day of a calendar."""

    day: str
    number: str
    label: str
    """The whole date in words."""
    events: tuple[EventView, ...] = ()
    more: tuple[EventView, ...] = ()
    """What does not fit into the cell of a month."""
    outside: bool = False
    today: bool = False
    hours: tuple[HourView, ...] = ()
    create_url: str | None = None


@dataclass(frozen=True, slots=True)
class CalendarPage:
    """Records by day."""

    module: ModuleView
    span: str
    """month, week or agenda."""
    title: str
    """The month or week that is shown."""
    weekdays: tuple[str, ...]
    weeks: tuple[tuple[DayView, ...], ...]
    previous_url: str
    today_url: str
    next_url: str
    spans: tuple[TabView, ...]
    by: str
    """The field that places records in time."""
    timed: bool = False
    end: str = ""
    hours: tuple[str, ...] = ()
    """Labels of the hours of a week."""
    tray: tuple[EventView, ...] = ()
    """Records without a day."""
    tray_count: str = ""
    tray_url: str = ""
    notice: str = ""
    tabs: tuple[TabView, ...] = ()
    layouts: tuple[LayoutLink, ...] = ()
    filters: FilterBar = field(default_factory=lambda: FilterBar(action=""))
    pickers: tuple[Picker, ...] = ()
    can_move: bool = True
    can_empty: bool = True
    """Whether the date of a record may be taken away."""

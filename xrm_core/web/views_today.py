"""View models of Today, of notifications and of the settings page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from xrm_core.web.pages import EmptyState, ModuleView


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One thing to do, or one that takes place."""

    module: str
    id: str
    version: int
    title: str
    url: str
    when: str = ""
    """The time or day as it is shown."""
    exact: str = ""
    late: bool = False
    facts: Markup = Markup("")
    done: Mapping[str, Any] = field(default_factory=dict)
    """Values that mark it as done; empty: it cannot be marked."""
    tomorrow: Mapping[str, Any] = field(default_factory=dict)
    """Values that put it off; empty: it is only hidden here until tomorrow."""
    week: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorkList:
    """One list of the queue."""

    name: str
    label: str
    module: ModuleView
    items: tuple[WorkItem, ...]
    count: int
    exact: bool
    url: str
    """Where all of them are."""


@dataclass(frozen=True, slots=True)
class TodayPage:
    """The work queue."""

    day: str
    date: str
    lists: tuple[WorkList, ...]
    empty: EmptyState


@dataclass(frozen=True, slots=True)
class NoticeView:
    """One notification."""

    id: str
    title: str
    body: str
    icon: str
    at: str
    at_text: str
    url: str
    unread: bool
    kind: str


@dataclass(frozen=True, slots=True)
class NoticesPage:
    """Notifications, newest first."""

    items: tuple[NoticeView, ...]
    unread: int
    next_url: str | None = None


@dataclass(frozen=True, slots=True)
class KeyView:
    """One shortcut on the settings page."""

    id: str
    label: str
    default: str
    keys: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ChoiceView:
    """One setting with its choices."""

    name: str
    label: str
    value: str
    choices: tuple[tuple[str, str], ...]
    help: str = ""


@dataclass(frozen=True, slots=True)
class SettingsPage:
    """What a person chooses for themselves."""

    look: tuple[ChoiceView, ...]
    places: tuple[ChoiceView, ...]
    formats: tuple[ChoiceView, ...]
    notify: tuple[tuple[str, str, bool], ...]
    single_keys: bool
    keys: tuple[KeyView, ...]
    problem: str = ""

"""View models of pages for guests, and of the page on which links to them are made."""

from __future__ import annotations

from dataclasses import dataclass, field

from markupsafe import Markup

from xrm_core.web.pages import Crumb, FieldWidget, ModuleView, Theme


@dataclass(frozen=True, slots=True)
class GuestFact:
    """One value with its label."""

    label: str
    value: Markup
    wide: bool = False


@dataclass(frozen=True, slots=True)
class GuestChoiceView:
    """One thing that a guest may do: a button, with questions if it asks some."""

    name: str
    label: str
    widgets: tuple[FieldWidget, ...] = ()
    open: bool = False
    """Its questions are shown at once, because an answer was not acceptable."""
    target: str = ""
    version: int = 0


@dataclass(frozen=True, slots=True)
class GuestRow:
    """One record of a list."""

    title: str
    facts: tuple[GuestFact, ...]
    choices: tuple[GuestChoiceView, ...] = ()


@dataclass(frozen=True, slots=True)
class GuestListView:
    """A list of the page."""

    name: str
    label: str
    rows: tuple[GuestRow, ...]


@dataclass(frozen=True, slots=True)
class GuestView:
    """What a guest sees; `heading` alone when the link does not work (any more)."""

    workspace: str
    heading: str
    text: str = ""
    icon: str = ""
    action: str = ""
    facts: tuple[GuestFact, ...] = ()
    lists: tuple[GuestListView, ...] = ()
    choices: tuple[GuestChoiceView, ...] = ()
    problems: tuple[str, ...] = ()
    saved: bool = False
    recipient: str = ""
    ends: str = ""
    locale: str = "en"
    theme: Theme = "system"


@dataclass(frozen=True, slots=True)
class GuestLinkLine:
    """One link that was given out."""

    id: str
    page: str
    recipient: str
    state: str
    hue: str
    made: Markup
    ends: Markup
    seen: Markup
    choice: str = ""
    withdraw_url: str = ""


@dataclass(frozen=True, slots=True)
class GuestLinksPage:
    """The links to a record, and a form for a new one."""

    module: ModuleView
    title: str
    url: str
    crumbs: tuple[Crumb, ...]
    pages: tuple[tuple[str, str], ...]
    lines: tuple[GuestLinkLine, ...]
    chosen: str = ""
    recipient: str = ""
    problems: tuple[str, ...] = ()
    fresh: str = ""
    """The address that was just made; it is shown this once."""
    elements: tuple[str, ...] = field(default=())

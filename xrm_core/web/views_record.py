"""View models of one record: its page and drawer, the places to write about it, and what is told at a glance."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from xrm_core.web.pages import (
    ActionView,
    EntryView,
    FieldWidget,
    ModuleView,
    OptionView,
    RelatedView,
    SectionView,
    StepView,
    UserView,
    ValueView,
)


@dataclass(frozen=True, slots=True)
class MailFormView:
    """What the form of an e-mail begins with."""

    action: str
    to: str
    offers: tuple[tuple[str, str], ...] = ()
    """(address, whose) of everybody near the record."""
    senders: tuple[tuple[str, str], ...] = ()
    """(id, name) of the accounts to choose from; empty where there is no choice."""
    templates: tuple[tuple[str, str], ...] = ()
    """(name, label) of the texts that fit the record."""


@dataclass(frozen=True, slots=True)
class WritingView:
    """One way to write about a record: a tab of the composer."""

    key: str
    """`module` or `module:kind`."""
    label: str
    icon: str
    widgets: tuple[FieldWidget, ...]
    text: str = ""
    """Name of the input that the composer grows around; empty for modules without a long text."""
    letter: str = ""
    """The key that opens it."""
    mail: MailFormView | None = None
    """Set for the one that sends an e-mail."""


@dataclass(frozen=True, slots=True)
class ComposerView:
    """Where notes, calls and tasks about a record are written."""

    action: str
    writings: tuple[WritingView, ...]
    people: tuple[UserView, ...] = ()


@dataclass(frozen=True, slots=True)
class PanelRow:
    """A record in a panel."""

    url: str
    title: Markup
    facts: tuple[tuple[str, Markup], ...] = ()
    text: Markup | None = None


@dataclass(frozen=True, slots=True)
class PanelView:
    """A block of the brief."""

    name: str
    label: str
    kind: str
    count: int | None = None
    exact: bool = True
    rows: tuple[PanelRow, ...] = ()
    facts: tuple[tuple[str, Markup], ...] = ()
    groups: tuple[tuple[OptionView, int], ...] = ()


@dataclass(frozen=True, slots=True)
class FileView:
    """A file that the record holds."""

    id: str
    name: str
    size: str
    field: str
    label: str
    preview: str = ""
    """`image`, `pdf`, `text`, or empty when a browser cannot show it."""


@dataclass(frozen=True, slots=True)
class FileFieldView:
    """A field that takes files."""

    name: str
    label: str
    multiple: bool
    accept: str = ""


@dataclass(frozen=True, slots=True)
class TimelineFilter:
    """What the timeline is narrowed to, and what it can be."""

    url: str
    kind: str = ""
    person: str = ""
    kinds: tuple[tuple[str, str], ...] = ()
    people: tuple[UserView, ...] = ()


@dataclass(frozen=True, slots=True)
class WhyRow:
    """A record behind a computed value, with what it gives."""

    url: str
    title: str
    value: Markup = Markup("")
    why: str = ""
    """Where its value is explained in turn; empty: somebody wrote it."""


@dataclass(frozen=True, slots=True)
class WhyPart:
    """One thing that a computed value is made of."""

    label: str
    path: str = ""
    value: Markup = Markup("")
    source: tuple[str, str] | None = None
    """(address, title) of the linked record that holds it."""
    why: str = ""
    missing: str = ""
    """The link that leads nowhere yet."""
    hidden: bool = False
    is_list: bool = False
    rows: tuple[WhyRow, ...] = ()
    count: int = 0
    more: int = 0
    unseen: int = 0
    """Records that count but that the reader may not see."""


@dataclass(frozen=True, slots=True)
class WhyPage:
    """Why a computed value is what it is."""

    module: ModuleView
    record_url: str
    record_title: str
    label: str
    value: Markup
    how: str
    code: str
    parts: tuple[WhyPart, ...]
    uses_today: bool = False


@dataclass(frozen=True, slots=True)
class RecordPage:
    """One record."""

    module: ModuleView
    id: str
    title: str
    version: int
    subtitle: str = ""
    archived: bool = False
    title_field: str | None = None
    """The field behind the title, when it can be changed in place."""
    facts: tuple[ValueView, ...] = ()
    stages: tuple[StepView, ...] = ()
    move_url: str | None = None
    """Where the stage bar posts to (`stage`, `reason`, `version`); None: read only."""
    sections: tuple[SectionView, ...] = ()
    related: tuple[RelatedView, ...] = ()
    timeline: tuple[EntryView, ...] = ()
    timeline_next: str | None = None
    timeline_filter: TimelineFilter | None = None
    composer: ComposerView | None = None
    panels: tuple[PanelView, ...] = ()
    files: tuple[FileView, ...] = ()
    file_fields: tuple[FileFieldView, ...] = ()
    edit_url: str | None = None
    merge_url: str | None = None
    """Where it is put beside others like it; None for who may not merge."""
    actions: tuple[ActionView, ...] = ()
    guests_url: str | None = None
    """Where links for guests are made; None where there are none."""
    report_url: str | None = None
    """What belongs to it, counted and added up; None where nothing can be."""

"""View models of the pages about mail, what goes out, who gets nothing more, and webhooks."""

from __future__ import annotations

from dataclasses import dataclass, field

from xrm_core.web.pages import TabView


@dataclass(frozen=True, slots=True)
class BoxView:
    """One account, as its form shows it."""

    id: str
    kind: str
    kind_text: str
    name: str
    address: str
    scope_text: str
    values: dict[str, str]
    enabled: bool
    has_password: bool
    checked: str
    error: str


@dataclass(frozen=True, slots=True)
class MailboxesPage:
    """Accounts for sending and receiving."""

    tabs: tuple[TabView, ...]
    boxes: tuple[BoxView, ...]
    kinds: tuple[tuple[str, str], ...]
    administers: bool
    installation: str
    """The server that is set for the whole installation; empty without one."""
    form: dict[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    place: str = ""
    """The account that the problems are about; empty: the new one."""


@dataclass(frozen=True, slots=True)
class EffectView:
    """One thing that is to happen outside, or did."""

    id: str
    kind: str
    title: str
    to: str
    at: str
    state: str
    hue: str
    error: str
    attempts: int
    failed: bool
    waits: bool


@dataclass(frozen=True, slots=True)
class OutboxPage:
    """What is to go out, what went, and what could not."""

    tabs: tuple[TabView, ...]
    states: tuple[TabView, ...]
    effects: tuple[EffectView, ...]
    next_url: str = ""


@dataclass(frozen=True, slots=True)
class SuppressionsPage:
    """Addresses that get no more mail."""

    tabs: tuple[TabView, ...]
    entries: tuple[tuple[str, str, str, str], ...]
    """(address, of which kind, why, since when)."""
    next_url: str = ""
    problem: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class HookView:
    """One webhook with its last calls."""

    id: str
    name: str
    incoming: bool
    url: str
    enabled: bool
    facts: tuple[str, ...]
    calls: tuple[EffectView, ...] = ()


@dataclass(frozen=True, slots=True)
class WebhooksPage:
    """Webhooks, and forms for new ones."""

    tabs: tuple[TabView, ...]
    hooks: tuple[HookView, ...]
    automations: tuple[tuple[str, str], ...]
    """(name, label) of those that wait for calls."""
    modules: tuple[tuple[str, str], ...]
    events: tuple[str, ...]
    secret: str = ""
    """Shown once, after it was made."""
    secret_of: str = ""
    problems: tuple[str, ...] = ()
    form: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TemplateCard:
    """One mail template in the list."""

    name: str
    label: str
    module: str
    languages: str
    subject: str
    marketing: bool


@dataclass(frozen=True, slots=True)
class TemplatesPage:
    """All mail templates, and a form for a new one."""

    tabs: tuple[TabView, ...]
    templates: tuple[TemplateCard, ...]
    modules: tuple[tuple[str, str], ...]
    language: str
    form: dict[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TextView:
    """A mail in one language."""

    language: str
    subject: str
    text: str
    html: str = ""


@dataclass(frozen=True, slots=True)
class PreviewView:
    """A mail as it is for a record."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class TemplatePage:
    """One mail template, and how it reads for a record."""

    tabs: tuple[TabView, ...]
    name: str
    label: str
    module: str
    purpose: str
    texts: tuple[TextView, ...]
    more: tuple[tuple[str, str], ...]
    """Languages that it does not have yet."""
    records: tuple[tuple[str, str], ...]
    record: str
    language: str
    languages: tuple[str, ...]
    preview: PreviewView | None
    names: tuple[str, ...]
    """What its texts can mention."""
    problems: tuple[str, ...] = ()

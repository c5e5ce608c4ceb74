"""View models: everything a page shows, as plain frozen data that request handlers fill and templates read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from markupsafe import Markup

from xrm_core.web.views_bar import ViewsBar

Theme = Literal["system", "light", "dark"]
Density = Literal["compact", "default", "comfortable"]


# ---- the frame -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NavItem:
    """One entry of the side navigation, usually a module."""

    name: str
    label: str
    icon: str
    url: str
    shortcut: str | None = None
    """The letter after G, upper case."""
    current: bool = False
    create_url: str | None = None
    """Where "new" leads; None if this user may not create."""
    label_one: str = ""
    """The label of one record, for "New client"."""


@dataclass(frozen=True, slots=True)
class UserView:
    """A person as shown in menus and cells."""

    id: str
    name: str
    email: str = ""


@dataclass(frozen=True, slots=True)
class Toast:
    """A message shown once after a redirect."""

    text: str
    kind: Literal["ok", "bad"] = "ok"
    action_label: str = ""
    action_url: str = ""


@dataclass(frozen=True, slots=True)
class Crumb:
    """A step above the title."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class FavouriteView:
    """What somebody keeps in the navigation."""

    kind: Literal["module", "view", "record"]
    target: str
    module: str
    title: str
    url: str
    icon: str = "star"


@dataclass(frozen=True, slots=True)
class Shell:
    """What every page of a signed-in user needs around its content."""

    title: str
    """The window title, without the product's name."""
    workspace: str
    user: UserView
    nav: tuple[NavItem, ...]
    csrf: str
    nonce: str
    locale: str = "en"
    theme: Theme = "system"
    density: Density = "default"
    shortcuts: bool = True
    """False: single-key shortcuts are off (WCAG 2.1.4)."""
    path: str = "/"
    """The address of this page, where a preference form leads back to."""
    create_url: str | None = None
    """What the key C opens here."""
    toasts: tuple[Toast, ...] = ()
    currencies: tuple[str, ...] = ("EUR", "USD", "GBP", "CHF")
    """Offered first in money inputs; the workspace's own comes first."""
    place: str = ""
    """Which entry of the navigation, other than a module, is current."""
    favourites: tuple[FavouriteView, ...] = ()
    unread: int = 0
    remapped: Mapping[str, str] = field(default_factory=dict)
    """Key that was chosen to the key that it stands for; an empty value: does nothing."""
    narrow: bool = False
    """The navigation shows icons only."""
    imports: bool = False
    """Whether this person may import."""
    designs: bool = False
    """Whether this person may change definitions."""


# ---- values and columns ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OptionView:
    """One choice of a select, or a stage."""

    name: str
    label: str
    hue: str = "gray"
    archived: bool = False


@dataclass(frozen=True, slots=True)
class ColumnView:
    """How a field, link or system field is shown: the recipe of a formatter, the same in lists, cards and pages."""

    key: str
    """Name in the record; dotted for values of linked records."""
    label: str
    type: str
    """Field type name, or `link`, `links`, `title`, `stage`, `instant`."""
    options: Mapping[str, OptionView] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the field type that matter for showing (`scale`, `max`, `fixed`, `currency`)."""
    sortable: bool = False
    sort: Literal["", "asc", "desc"] = ""
    """How the list is sorted by it now."""
    sort_url: str = ""


@dataclass(frozen=True, slots=True)
class TabView:
    """A saved view, shown as a tab."""

    label: str
    url: str
    current: bool = False
    count: int | None = None


@dataclass(frozen=True, slots=True)
class LayoutLink:
    """One way to look at the same records: list, board."""

    name: str
    label: str
    icon: str
    url: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class FilterChip:
    """One condition that is on."""

    field: str
    operator: str
    value: str
    remove_url: str


@dataclass(frozen=True, slots=True)
class FilterOperator:
    """An operator offered for a field; `value` says what it needs."""

    name: str
    label: str
    value: Literal["none", "text", "number", "date", "options", "span", "record", "boolean", "user"]


@dataclass(frozen=True, slots=True)
class FilterField:
    """A field that the filter builder offers."""

    name: str
    label: str
    operators: tuple[FilterOperator, ...]
    options: tuple[OptionView, ...] = ()
    modules: tuple[str, ...] = ()
    """Targets of a link."""


@dataclass(frozen=True, slots=True)
class EmptyState:
    """What is said when there is nothing to show, and the next step."""

    icon: str
    title: str
    text: str = ""
    action_label: str = ""
    action_url: str = ""


@dataclass(frozen=True, slots=True)
class ModuleView:
    """A module as pages name it."""

    name: str
    label: str
    label_plural: str
    icon: str
    url: str
    hue: str = "blue"
    create_url: str | None = None


@dataclass(frozen=True, slots=True)
class FilterBar:
    """The line of filters above a list or board."""

    action: str
    """Address without query that the filter form sends to."""
    query: str = ""
    """Text in the "find in this view" box (`q`)."""
    expression: str = ""
    """The free expression (`filter`), if it cannot be read."""
    chips: tuple[FilterChip, ...] = ()
    fields: tuple[FilterField, ...] = ()
    keep: tuple[tuple[str, str], ...] = ()
    """Parameters of the address that the form carries along as hidden inputs."""
    clear_url: str = ""
    problem: str = ""
    """Why the free expression was refused."""
    source: str = ""
    """Where the builder asks for its fields and for counts."""
    state: Mapping[str, Any] = field(default_factory=dict)
    """What the builder begins with: the conditions as rows and as text."""


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of records as rows; `rows` comes from `rows.RowRenderer`."""

    module: ModuleView
    columns: tuple[ColumnView, ...]
    rows: Markup
    row_count: int
    """Rows on this page."""
    tabs: tuple[TabView, ...] = ()
    layouts: tuple[LayoutLink, ...] = ()
    filters: FilterBar = field(default_factory=lambda: FilterBar(action=""))
    total: int | None = None
    total_exact: bool = True
    next_url: str | None = None
    """The following page as a full address; with `more=1` the server answers with rows only."""
    first_url: str | None = None
    """Back to the first page, when this is not it."""
    empty: EmptyState | None = None
    offset: int = 0
    """Rows before this page; 0 when unknown."""
    meta_url: str = ""
    """What the grid needs to know of the columns to let cells be edited; empty: it does not."""
    css: str = ""
    """The widths of the columns; empty: those of their types."""
    sums: Markup = Markup("")
    """The line of sums below the list."""
    views: ViewsBar | None = None
    limit: int = 0
    """Not 0: so many rows are loaded, and no more will be."""
    data: Mapping[str, str] = field(default_factory=dict)
    """Attributes for the scripts of the grid."""


@dataclass(frozen=True, slots=True)
class Picker:
    """One choice of how a layout arranges records: a parameter of the address."""

    name: str
    label: str
    value: str
    options: tuple[tuple[str, str], ...]


# ---- board -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CardView:
    """A record on the board."""

    id: str
    title: str
    url: str
    version: int
    facts: tuple[tuple[str, Markup], ...] = ()
    """(label, formatted value); empty values are left out, a label is empty where the value speaks for itself."""
    owner: UserView | None = None
    age_days: int | None = None
    late: bool = False


@dataclass(frozen=True, slots=True)
class LaneView:
    """A stage with its first cards."""

    stage: OptionView
    category: str
    count: int
    cards: tuple[CardView, ...] = ()
    sum: str = ""
    next_url: str | None = None
    """More cards of this lane (an HTML fragment of cards)."""
    create_url: str | None = None
    reasons: tuple[OptionView, ...] = ()
    """Not empty: moving here asks for one of them."""


@dataclass(frozen=True, slots=True)
class BoardPage:
    """Records by stage, or by another field with options."""

    module: ModuleView
    lanes: tuple[LaneView, ...]
    tabs: tuple[TabView, ...] = ()
    layouts: tuple[LayoutLink, ...] = ()
    filters: FilterBar = field(default_factory=lambda: FilterBar(action=""))
    total: int | None = None
    can_move: bool = True
    by: str = "stage"
    """The field that the columns stand for."""
    pickers: tuple[Picker, ...] = ()


# ---- record ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ValueView:
    """One value of a record with its label."""

    label: str
    html: Markup
    empty: bool = False
    wide: bool = False
    help: str = ""
    name: str = ""
    editable: bool = False
    """Whether this actor may change it in place."""
    computed: bool = False
    """Whether it can be explained where it comes from."""


@dataclass(frozen=True, slots=True)
class SectionView:
    """A group of values of the layout."""

    name: str
    label: str
    values: tuple[ValueView, ...]
    columns: int = 2


@dataclass(frozen=True, slots=True)
class StepView:
    """A stage in the stage bar."""

    name: str
    label: str
    state: Literal["done", "now", "open"]
    category: str
    days: int | None = None
    """Days in the stage, for the current one."""
    allowed: bool = True
    reasons: tuple[OptionView, ...] = ()
    hint: str = ""
    """What is still missing for it, or why it cannot be entered from here."""


@dataclass(frozen=True, slots=True)
class RelatedView:
    """Records linked to this one through one link, either side."""

    link: str
    label: str
    module: ModuleView
    columns: tuple[ColumnView, ...]
    rows: Markup
    count: int
    add_url: str | None = None
    all_url: str | None = None
    """The list filtered to these, when there are more than shown."""
    pick: tuple[str, str, str] | None = None
    """(module, label, kind) of records that can be added by choosing them; kind is `link` or `new`."""
    unlink: bool = False
    """Whether a record can be taken out of it."""


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One changed field in the timeline."""

    label: str
    before: Markup
    after: Markup


@dataclass(frozen=True, slots=True)
class EntryView:
    """Something that happened to the record."""

    id: str
    icon: str
    who: str
    what: str
    """A sentence fragment after the name: "moved it to Offer"."""
    at: str
    """ISO instant."""
    at_text: str
    day: str
    """Heading; entries of one day carry the same text."""
    changes: tuple[ChangeView, ...] = ()
    body: Markup | None = None


@dataclass(frozen=True, slots=True)
class ActionView:
    """An entry of the record's menu; posted as a form."""

    label: str
    icon: str
    url: str
    danger: bool = False
    confirm: str = ""
    """Asked before it is done."""


# ---- forms -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecordRef:
    """A linked record as an input shows it."""

    id: str
    module: str
    title: str


@dataclass(frozen=True, slots=True)
class FieldWidget:
    """One input of a form."""

    name: str
    label: str
    widget: str
    """Template macro: see `widgets.WIDGETS`."""
    value: Any = None
    """API form of the value, or what was typed when it was refused."""
    help: str = ""
    required: bool = False
    read_only: bool = False
    wide: bool = False
    errors: tuple[str, ...] = ()
    options: tuple[OptionView, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    modules: tuple[tuple[str, str], ...] = ()
    """Targets of a link: (module name, label)."""
    refs: tuple[RecordRef, ...] = ()
    """Chosen records of a link."""
    users: tuple[UserView, ...] = ()
    shown: Markup | None = None
    """Formatted value of a read-only widget."""
    prefix: str = "f"
    """Begins the ids of its elements: one page may show the same input in a form and in place."""
    conditional: bool = False
    """Whether a condition over the record decides if it is shown or needed."""
    off: bool = False
    """Not shown now, because its condition does not hold."""

    @property
    def id(self) -> str:
        """The id of the input element."""
        return f"{self.prefix}-" + self.name.replace(".", "-")


@dataclass(frozen=True, slots=True)
class FormSection:
    """A group of inputs."""

    label: str
    widgets: tuple[FieldWidget, ...]
    columns: int = 2


@dataclass(frozen=True, slots=True)
class FormPage:
    """Create or edit one record; a plain POST."""

    module: ModuleView
    heading: str
    action: str
    cancel_url: str
    sections: tuple[FormSection, ...]
    version: int | None = None
    """Present when editing; sent back so that a change meanwhile is noticed."""
    problems: tuple[str, ...] = ()
    """Problems that belong to no single input."""
    crumbs: tuple[Crumb, ...] = ()
    hidden: tuple[tuple[str, str], ...] = ()
    submit_label: str = ""
    another: bool = False
    """Offer "create and another" (`another=1`)."""
    multipart: bool = False


# ---- search and messages ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HitView:
    """A search result."""

    title: str
    url: str
    facts: Markup = Markup("")


@dataclass(frozen=True, slots=True)
class HitGroup:
    """The results of one module."""

    module: ModuleView
    hits: tuple[HitView, ...]


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Results over all modules."""

    query: str
    groups: tuple[HitGroup, ...] = ()


@dataclass(frozen=True, slots=True)
class MessagePage:
    """An error or an empty place: what is the matter and the next step."""

    status: int
    title: str
    text: str
    icon: str = "triangle-alert"
    reference: str = ""
    """Request id, for support."""
    problems: tuple[str, ...] = ()
    action_label: str = ""
    action_url: str = ""


@dataclass(frozen=True, slots=True)
class LoginPage:
    """Sign in."""

    workspace: str
    csrf: str
    nonce: str
    next: str = ""
    email: str = ""
    problem: str = ""
    locale: str = "en"
    theme: Theme = "system"
    hint: str = ""
    """Shown below the card, e.g. the demo account."""

"""View models of the designer: modules, one module with its parts, the review and the history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xrm_core.web.pages import FormSection, ModuleView, TabView


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a definition as an input."""

    name: str
    label: str
    kind: str
    """label, text, expression, condition, check, number, choice, list, set or json."""
    value: Any = None
    """For labels a mapping of languages to texts."""
    choices: tuple[tuple[str, str], ...] = ()
    help: str = ""
    errors: tuple[str, ...] = ()
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A member of a list: a field, link, stage, rule, view, section or option."""

    path: str
    """The path of ids that operations use."""
    label: str
    name: str
    icon: str = ""
    sub: str = ""
    hue: str = ""
    badges: tuple[str, ...] = ()
    url: str = ""
    selected: bool = False
    archived: bool = False
    new: bool = False
    index: int = 0
    errors: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """A titled list of parts that can be put into another order."""

    label: str
    path: str
    """The section's path of ids; empty for the rest."""
    parts: tuple[Part, ...]
    url: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """The settings of what is selected, or of something new."""

    title: str
    path: str
    """What they are settings of; for something new the list that it goes to."""
    groups: tuple[tuple[str, tuple[Setting, ...]], ...]
    adds: bool = False
    kind: str = ""
    """The type or kind of something new."""
    archived: bool = False
    options: tuple[Part, ...] = ()
    options_path: str = ""
    """Where options are added; empty: it has none."""
    types: tuple[tuple[str, str], ...] = ()
    """Types that it could become; the first is the one it has."""
    uses: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DraftBar:
    """What is waiting to be published."""

    version: int
    changes: int
    undo: bool
    redo: bool
    problems: tuple[tuple[str, str], ...] = ()
    """(where, what) of everything that is wrong."""
    behind: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """Something that can be added, as the palette shows it."""

    name: str
    label: str
    icon: str
    about: str
    url: str = ""
    """Where its settings are asked for first; empty: it is added at once."""


@dataclass(frozen=True, slots=True)
class DesignModules:
    """All modules as the draft has them."""

    bar: DraftBar
    modules: tuple[tuple[ModuleView, str, str, str], ...]
    """(module, what it has, state, address)."""
    archived: tuple[tuple[str, str], ...] = ()
    error: str = ""
    typed: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class DesignModule:
    """One module in the designer."""

    bar: DraftBar
    module: ModuleView
    module_id: str
    state: str
    tab: str
    tabs: tuple[TabView, ...]
    groups: tuple[Group, ...] = ()
    palette: tuple[Kind, ...] = ()
    panel: Panel | None = None
    preview: tuple[FormSection, ...] = ()
    preview_problem: str = ""
    preview_as: tuple[tuple[str, str], ...] = ()
    """Roles whose form can be shown."""
    preview_in: tuple[tuple[str, str], ...] = ()
    """Pipelines, where there are several."""
    chosen: tuple[str, str] = ("", "")
    """The role and the pipeline that the preview is for."""
    variant: bool = False
    """Whether a layout is open that can be given sections."""
    json: str = ""
    json_problems: tuple[tuple[int, str], ...] = ()
    """(line, what is wrong)."""
    error: str = ""
    here: str = ""
    """The address of what is shown, where an action without scripts comes back to."""


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One change as the review shows it."""

    path: str
    what: str
    kind: str
    effect: str
    hue: str
    records: str = ""
    reason: str = ""
    samples: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    confirm: str = ""
    """What has to be typed before it is carried out."""
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class ConflictView:
    """A place that somebody else changed too."""

    path: str
    mine: str
    theirs: str
    choices: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class DesignReview:
    """What publishing the draft would do."""

    bar: DraftBar
    changes: tuple[ChangeView, ...]
    work: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    conflicts: tuple[ConflictView, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class VersionView:
    """A published version."""

    number: int
    who: str
    at: str
    at_text: str
    summary: str
    changes: tuple[str, ...]
    current: bool = False


@dataclass(frozen=True, slots=True)
class DesignHistory:
    """All versions, the newest first."""

    bar: DraftBar
    versions: tuple[VersionView, ...]
    next_url: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class DesignRoles:
    """All roles as the draft has them."""

    bar: DraftBar
    roles: tuple[tuple[str, str, str, str, bool], ...]
    """(name, label, description, state, whether it can be archived)."""
    archived: tuple[tuple[str, str], ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class RightsRow:
    """The rights of a role on one module, or on all that it does not name."""

    name: str
    label: str
    inherits: bool
    scopes: tuple[tuple[str, str], ...]
    """(right, whose records)."""
    rights: tuple[tuple[str, bool], ...]
    fields: int = 0
    """How many fields are hidden or read-only."""
    current: bool = False


@dataclass(frozen=True, slots=True)
class DesignRole:
    """One role: its rights per module, and its fields of one of them."""

    bar: DraftBar
    name: str
    label: str
    labels: Mapping[str, str]
    rows: tuple[RightsRow, ...]
    scopes: tuple[tuple[str, str], ...]
    workspace: tuple[tuple[str, str, bool], ...]
    module: str = ""
    module_label: str = ""
    fields: tuple[tuple[str, str, str], ...] = ()
    """(name, label, "hidden", "read_only" or "")."""
    module_id: str = ""
    error: str = ""

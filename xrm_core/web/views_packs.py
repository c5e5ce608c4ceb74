"""View models of the pack gallery."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PackCard:
    """One pack in the gallery."""

    name: str
    label: str
    description: str
    icon: str
    version: str
    """The version at hand; the installed one if there is no other."""
    installed: str
    state: str
    """In words."""
    hue: str
    facts: tuple[str, ...]

    @property
    def url(self) -> str:
        return f"/packs/{self.name}"


@dataclass(frozen=True, slots=True)
class GalleryPage:
    """All packs."""

    packs: tuple[PackCard, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PackModule:
    """A module that a pack brings, or extends."""

    label: str
    icon: str
    hue: str
    text: str
    pipelines: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    """(label, its stages as (label, hue))."""
    url: str = ""


@dataclass(frozen=True, slots=True)
class StepLine:
    """A step that was done with a pack."""

    what: str
    who: str
    at: str
    at_text: str
    undone: bool


@dataclass(frozen=True, slots=True)
class PackPage:
    """One pack: what it brings, what can be done with it, and what was."""

    card: PackCard
    requires: tuple[tuple[str, str], ...]
    """(url, pack and versions)."""
    modules: tuple[PackModule, ...]
    extends: tuple[PackModule, ...]
    roles: tuple[str, ...]
    scenarios: tuple[str, ...]
    sample_records: int
    sample_state: str
    """none, loading, loaded or removed."""
    screenshots: tuple[str, ...]
    actions: tuple[tuple[str, str, str], ...]
    """(url of the preview, label, css class)."""
    steps: tuple[StepLine, ...]
    waiting: int
    """Pieces of background work that are not done yet."""
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """One thing that a step changes."""

    kind: str
    mark: str
    hue: str
    what: str
    effect: str
    records: int | None


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """The changes of one module."""

    label: str
    icon: str
    lines: tuple[ChangeLine, ...]
    whole: bool
    """The module as a whole comes or goes."""


@dataclass(frozen=True, slots=True)
class ConflictBox:
    """Something that was changed here and in the pack."""

    path: str
    where: str
    clash: str
    sides: tuple[tuple[str, str], ...]
    """(whose, value)."""
    choices: tuple[tuple[str, str], ...]
    chosen: str
    """Empty: somebody has to choose."""
    hint: str


@dataclass(frozen=True, slots=True)
class StepPage:
    """The preview of a step with a pack."""

    card: PackCard
    action: str
    heading: str
    explained: str
    base: int
    counts: tuple[tuple[str, str], ...]
    """(number, of what)."""
    problems: tuple[str, ...]
    conflicts: tuple[ConflictBox, ...]
    groups: tuple[ChangeGroup, ...]
    values: tuple[str, ...]
    notes: tuple[str, ...]
    button: str
    possible: bool
    sample: int
    """Records of sample data that may be loaded with it."""
    tried: tuple[tuple[str, bool, tuple[str, ...]], ...] = ()
    """Scenarios that were run over what would come of it: (label, passed, what was wrong)."""
    can_try: bool = False
    error: str = ""

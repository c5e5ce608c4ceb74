"""View models of the import pages."""

from __future__ import annotations

from dataclasses import dataclass

from xrm_core.web.pages import ModuleView


@dataclass(frozen=True, slots=True)
class ImportLine:
    """One of the latest imports."""

    url: str
    file: str
    module: str
    state: str
    """In words."""
    hue: str
    when: str
    rows: int


@dataclass(frozen=True, slots=True)
class ImportsPage:
    """Uploading a file, and the latest imports."""

    modules: tuple[tuple[str, str], ...]
    chosen: str
    lines: tuple[ImportLine, ...]
    limit_mb: int


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """Places that a column may go to."""

    label: str
    targets: tuple[tuple[str, str], ...]
    """(as a mapping writes it, label)."""


@dataclass(frozen=True, slots=True)
class ColumnLine:
    """One column of the file."""

    name: str
    samples: tuple[str, ...]
    target: str
    sure: int
    """Percent of trust that the guess deserves; 0: it goes nowhere."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row with problems."""

    row: int
    left_out: bool
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImportPage:
    """One import, at the step where it is."""

    id: str
    file: str
    module: ModuleView
    state: str
    step: int
    """1 map, 2 check, 3 run, 4 result."""
    title: str
    rows: int
    columns: tuple[ColumnLine, ...] = ()
    groups: tuple[TargetGroup, ...] = ()
    match: str = ""
    matches: tuple[tuple[str, str], ...] = ()
    existing: str = "update"
    unresolved: str = "skip"
    counts: tuple[tuple[str, str, int], ...] = ()
    """(name, label, how many)."""
    bad: tuple[BadRow, ...] = ()
    left_out: int = 0
    problems: tuple[str, ...] = ()
    done: int = 0
    undoable: bool = False
    changeable: bool = False
    """Whether the mapping can still be changed."""

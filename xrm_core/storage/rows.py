"""A record as it is stored, and what storage needs to know of a module's table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

import orjson

SYSTEM_COLUMNS = (
    "id",
    "version",
    "revision",
    "owner",
    "stage",
    "stage_entered_at",
    "created_at",
    "created_by",
    "updated_at",
    "updated_by",
    "archived_at",
    "title",
    "data",
)


@dataclass(slots=True)
class Row:
    """One stored record: the system columns and the document, whose keys are field and link ids."""

    id: UUID
    version: int
    revision: int
    """How often computed values were stored since; with `version` it tells whether a row is still what was read."""
    owner: UUID | None
    stage: str | None
    stage_entered_at: datetime | None
    created_at: datetime
    created_by: UUID | None
    updated_at: datetime
    updated_by: UUID | None
    archived_at: datetime | None
    title: str
    data: dict[str, Any]
    beside: dict[str, str] = field(default_factory=dict)
    """Long texts, by field id: only those that were read or are to be written."""

    def copy(self) -> Row:
        """An independent row; values inside the document are shared, since they are never changed in place."""
        return replace(self, data=dict(self.data), beside=dict(self.beside))

    def get(self, key: str) -> Any:
        """The JSON value under a system name or a field or link id."""
        if key in self.data:
            return self.data[key]
        if key in self.beside:
            return self.beside[key]
        return system_json(getattr(self, key)) if key in _SYSTEM else None


_SYSTEM = frozenset(SYSTEM_COLUMNS) - {"data", "revision"}


def instant(at: datetime) -> str:
    """A UTC instant in its stored form, always 27 characters."""
    return (
        f"{at.year:04d}-{at.month:02d}-{at.day:02d}T{at.hour:02d}:{at.minute:02d}:{at.second:02d}.{at.microsecond:06d}Z"
    )


def system_json(value: Any) -> Any:
    """A system column's value in its JSON form."""
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, UUID):
        return str(value)
    return value


@dataclass(frozen=True, slots=True)
class Promoted:
    """A typed column beside the document: its name, its type, and how its value follows from the document's."""

    column: str
    type: str
    key: str
    project: Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class Table:
    """Where the records of a module are; one object per catalog, so that it is found fast in caches."""

    schema: str
    module_id: str
    name: str
    promoted: tuple[Promoted, ...] = ()

    @property
    def qualified(self) -> str:
        return f"{self.schema}.{self.name}"

    def columns(self) -> list[str]:
        """All columns that a write sets, in the order of `values`."""
        return [*SYSTEM_COLUMNS, *(promoted.column for promoted in self.promoted)]

    def types(self) -> list[str]:
        """The SQL types of `columns`."""
        return [*SYSTEM_TYPES, *(promoted.type for promoted in self.promoted)]

    def values(self, row: Row) -> list[Any]:
        """The values of `columns` for a row."""
        data = row.data
        found: list[Any] = [
            row.id,
            row.version,
            row.revision,
            row.owner,
            row.stage,
            row.stage_entered_at,
            row.created_at,
            row.created_by,
            row.updated_at,
            row.updated_by,
            row.archived_at,
            row.title,
            orjson.dumps(data).decode(),
        ]
        get = data.get
        found += [None if (value := get(key)) is None else project(value) for key, project in self._projections]
        return found

    @cached_property
    def _projections(self) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
        return tuple((promoted.key, promoted.project) for promoted in self.promoted)


SYSTEM_TYPES = (
    "uuid",
    "int4",
    "int4",
    "uuid",
    "text",
    "timestamptz",
    "timestamptz",
    "uuid",
    "timestamptz",
    "uuid",
    "timestamptz",
    "text",
    "jsonb",
)


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the log that is history, timeline, audit and trigger at once.

    `changes` of a creation holds the document; of any other kind `{key: [old, new]}`.
    """

    id: UUID
    module_id: str
    record_id: UUID
    version: int
    kind: str
    actor: dict[str, Any]
    at: datetime
    changes: dict[str, Any]
    change_id: UUID | None = None
    """What was done in one go, and can be undone in one go, has the same."""


@dataclass(frozen=True, slots=True)
class SearchEntry:
    """What search knows of a record: its title, the title folded, and the words in it, as the text of a `tsvector`."""

    title: str
    folded: str
    tsv: str

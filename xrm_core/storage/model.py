"""A module made ready for work: names resolved, tables and columns known, what is computed in order."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from xrm_core.definitions import Link, Module, Pipeline, Stage
from xrm_core.fields import Field
from xrm_core.fields.capabilities import HoldsFiles, HoldsOptions, HoldsUsers, Numbered
from xrm_core.kernel.kinds import Kind
from xrm_core.storage.rows import Table

SYSTEM_KINDS: dict[str, Kind] = {
    "id": Kind.REFERENCE,
    "module": Kind.TEXT,
    "version": Kind.INTEGER,
    "title": Kind.TEXT,
    "created_at": Kind.INSTANT,
    "created_by": Kind.REFERENCE,
    "updated_at": Kind.INSTANT,
    "updated_by": Kind.REFERENCE,
    "archived_at": Kind.INSTANT,
    "owner": Kind.REFERENCE,
    "stage": Kind.TEXT,
    "stage_entered_at": Kind.INSTANT,
}
"""Fields that every record has, and their kinds."""


@dataclass(frozen=True, eq=False)
class CompiledField:
    """A field with what the engine found out about it."""

    definition: Field
    kind: Kind
    column: str | None
    """The promoted column that queries may use; None while there is none, or while it is still being filled."""

    @cached_property
    def id(self) -> str:
        return self.definition.id

    @cached_property
    def name(self) -> str:
        return self.definition.name

    @cached_property
    def beside(self) -> bool:
        return self.definition.beside

    @cached_property
    def computed(self) -> bool:
        return self.definition.computed

    @cached_property
    def writable(self) -> bool:
        return not (self.definition.computed or isinstance(self.definition, Numbered))


@dataclass(frozen=True, eq=False)
class CompiledLink:
    """A link as its own module sees it."""

    definition: Link
    module_id: str
    targets: tuple[str, ...]
    """Target module ids."""
    column: str | None
    """The promoted column of a many-to-one link; None for many-to-many."""

    @cached_property
    def id(self) -> str:
        return self.definition.id

    @cached_property
    def name(self) -> str:
        return self.definition.name

    @cached_property
    def many(self) -> bool:
        return self.definition.many

    @cached_property
    def polymorphic(self) -> bool:
        return len(self.definition.to) > 1


@dataclass(frozen=True, eq=False)
class CompiledInverse:
    """A link of another module as a target of it sees it: always a list."""

    link: CompiledLink
    name: str
    label: Any

    @property
    def id(self) -> str:
        return f"{self.link.module_id}.{self.link.id}"

    @property
    def module_id(self) -> str:
        """The module whose records are listed."""
        return self.link.module_id


@dataclass(frozen=True, eq=False)
class CompiledModule:
    """Everything that reading and writing the records of a module needs; immutable."""

    definition: Module
    table: Table
    fields: dict[str, CompiledField]
    """Fields that are not archived, by name."""
    links: dict[str, CompiledLink]
    inverses: dict[str, CompiledInverse]
    memo: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)
    """Things derived from the module and made once, such as compiled queries."""

    @property
    def id(self) -> str:
        return self.definition.id

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def pipeline(self) -> Pipeline | None:
        return self.definition.pipeline

    @cached_property
    def fields_by_id(self) -> dict[str, CompiledField]:
        return {found.id: found for found in self.fields.values()}

    @cached_property
    def links_by_id(self) -> dict[str, CompiledLink]:
        return {found.id: found for found in self.links.values()}

    @cached_property
    def inverses_by_id(self) -> dict[str, CompiledInverse]:
        return {found.id: found for found in self.inverses.values()}

    @cached_property
    def stages(self) -> dict[str, Stage]:
        """Stages by name, which is what a record stores."""
        return {stage.name: stage for stage in self.definition.stages}

    @cached_property
    def owner_link(self) -> CompiledLink | None:
        """The link to the record that owns this one, for child modules."""
        return next((link for link in self.links.values() if link.definition.owner), None)

    @cached_property
    def parts(self) -> list[CompiledField | CompiledLink]:
        """Fields and links."""
        return [*self.fields.values(), *self.links.values()]

    @cached_property
    def names(self) -> dict[str, str]:
        """Field and link names by id."""
        return {part.id: part.name for part in self.parts}

    @cached_property
    def beside(self) -> frozenset[str]:
        """Ids of the fields whose values stand beside the row."""
        return frozenset(found.id for found in self.fields.values() if found.beside)

    # Asking a definition for an ability costs microseconds, so it is done once per field and not once per record.

    @cached_property
    def with_options(self) -> dict[str, HoldsOptions]:
        """Fields whose values are chosen from options, by id."""
        return {f.id: f.definition for f in self.fields.values() if isinstance(f.definition, HoldsOptions)}

    @cached_property
    def with_archived_options(self) -> dict[str, HoldsOptions]:
        """Those of them that have options which can no longer be chosen."""
        return {key: found for key, found in self.with_options.items() if any(one.archived for one in found.options)}

    @cached_property
    def with_users(self) -> dict[str, HoldsUsers]:
        """Fields that refer to users, by id."""
        return {f.id: f.definition for f in self.fields.values() if isinstance(f.definition, HoldsUsers)}

    @cached_property
    def with_files(self) -> dict[str, HoldsFiles]:
        """Fields that refer to files, by id."""
        return {f.id: f.definition for f in self.fields.values() if isinstance(f.definition, HoldsFiles)}

    @cached_property
    def numbered(self) -> dict[str, Numbered]:
        """Fields that get the next number, by id."""
        return {f.id: f.definition for f in self.fields.values() if isinstance(f.definition, Numbered)}

"""What may be named on a record of a module: system fields, its fields and links, and the inverses of links to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.link import Link
from xrm_core.definitions.module import Module
from xrm_core.fields.base import Field
from xrm_core.kernel.kinds import Kind

SYSTEM_FIELDS: dict[str, Kind] = {
    "id": Kind.REFERENCE,
    "title": Kind.TEXT,
    "version": Kind.INTEGER,
    "created_at": Kind.INSTANT,
    "created_by": Kind.REFERENCE,
    "updated_at": Kind.INSTANT,
    "updated_by": Kind.REFERENCE,
    "archived_at": Kind.INSTANT,
    "owner": Kind.REFERENCE,
}
"""Columns that every record has, with their kinds."""

STAGE_FIELDS: dict[str, Kind] = {"stage": Kind.TEXT, "stage_entered_at": Kind.INSTANT}
"""Columns that mean something where the module has a pipeline."""

USERS = frozenset({"created_by", "updated_by", "owner"})
"""System fields that refer to a user, not to a record."""

MemberKind = Literal["system", "field", "link", "inverse"]


@dataclass(frozen=True, slots=True)
class Member:
    """One thing that has a name on a module; for an inverse, `module` and `link` are those of the other side."""

    name: str
    kind: MemberKind
    module: Module
    field: Field | None = None
    link: Link | None = None
    targets: tuple[Module, ...] = ()
    many: bool = False
    system: Kind | None = None

    @property
    def id(self) -> str:
        """The stable id of the definition behind it."""
        node = self.field or self.link
        return node.id if node is not None else self.name


class Directory:
    """All names of a set of definitions, found once and remembered."""

    def __init__(self, definitions: DefinitionSet) -> None:
        self.definitions = definitions
        self._of: dict[str, dict[str, Member]] = {}
        self._inverses: dict[str, list[Member]] = {}
        self._links: dict[str, list[Member]] = {}
        for module in live(definitions):
            own = self._links.setdefault(module.id, [])
            for link in module.links:
                if link.archived:
                    continue
                targets = tuple(
                    t for name in link.to if (t := definitions.by_name.get(name)) is not None and not t.archived
                )
                own.append(Member(link.name, "link", module, link=link, targets=targets, many=link.many))
                if link.inverse is not None:
                    for target in targets:
                        inverse = Member(link.inverse.name, "inverse", module, link=link, targets=(module,), many=True)
                        self._inverses.setdefault(target.id, []).append(inverse)

    def of(self, module: Module) -> dict[str, Member]:
        """Every member of a module by name; where a name is taken twice (a problem of its own) the first one wins."""
        found = self._of.get(module.id)
        if found is None:
            found = {}
            for member in self.all(module):
                found.setdefault(member.name, member)
            self._of[module.id] = found
        return found

    def all(self, module: Module) -> Iterator[Member]:
        """Every member of a module, also those whose names clash."""
        for name, kind in SYSTEM_FIELDS.items():
            yield Member(name, "system", module, system=kind)
        if module.pipeline is not None:
            for name, kind in STAGE_FIELDS.items():
                yield Member(name, "system", module, system=kind)
        for field in module.fields:
            if not field.archived:
                yield Member(field.name, "field", module, field=field)
        yield from self._links.get(module.id, ())
        yield from self._inverses.get(module.id, ())

    def inverses(self, module: Module) -> list[Member]:
        """The links of other modules (or the module itself) that lead to this one."""
        return self._inverses.get(module.id, [])

    def links(self, module: Module) -> list[Member]:
        """The live links of a module itself."""
        return self._links.get(module.id, [])

    def member(self, module: Module, name: str) -> Member | None:
        """What `name` means on a module."""
        return self.of(module).get(name)

    def follow(self, module: Module, path: str) -> list[Member] | None:
        """The members along a dotted path, None if a step does not exist or does not lead to one module."""
        found: list[Member] = []
        here: Module | None = module
        for step in path.split("."):
            member = self.member(here, step) if here is not None else None
            if member is None:
                return None
            found.append(member)
            here = member.targets[0] if len(member.targets) == 1 else None
        return found


def live(definitions: DefinitionSet) -> Iterator[Module]:
    """The modules that are not archived."""
    return (module for module in definitions.modules if not module.archived)

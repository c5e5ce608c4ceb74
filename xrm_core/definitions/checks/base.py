"""What a check is: a function from a set of definitions to its problems."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.members import Directory, Member, live
from xrm_core.definitions.module import Module
from xrm_core.definitions.names import did_you_mean
from xrm_core.definitions.role import BUILT_IN_ROLES
from xrm_core.definitions.scope import Scopes
from xrm_core.kernel.problem import Problem, pointer


@dataclass(frozen=True)
class Subject:
    """The set under examination with its directory and scopes, shared by all checks."""

    definitions: DefinitionSet
    directory: Directory
    scopes: Scopes

    @classmethod
    def of(cls, definitions: DefinitionSet) -> Subject:
        scopes = Scopes(definitions)
        return cls(definitions, scopes.directory, scopes)

    def roles(self) -> set[str]:
        """The names of roles that users can have."""
        return {role.name for role in self.definitions.roles if not role.archived} | BUILT_IN_ROLES

    def modules(self) -> Iterator[Module]:
        """The modules that are not archived."""
        return live(self.definitions)


Check = Callable[[Subject], Iterable[Problem]]


def at(module: Module, *parts: str | int) -> str:
    """The pointer to something in a module."""
    return pointer("modules", module.name, *parts)


def missing(subject: Subject, module: Module, name: str, path: str, what: str = "field or link") -> Problem:
    """The problem that a module has nothing of that name; says so when it is archived."""
    archived = [n for n in (*module.fields, *module.links) if n.name == name and n.archived]
    if archived:
        return Problem("archived", path, f"'{name}' of {module.name} is archived.", "Restore it, or take it out here.")
    names = [m.name for m in subject.directory.of(module).values()]
    return Problem("missing", path, f"{module.name} has no {what} '{name}'.", did_you_mean(name, names))


def resolve(subject: Subject, module: Module, path: str, place: str) -> tuple[list[Member], list[Problem]]:
    """The members along a dotted path, or the problem at the step that does not exist."""
    found: list[Member] = []
    here: Module | None = module
    for step in path.split("."):
        if here is None:
            return found, [
                Problem(
                    "path",
                    place,
                    f"'{path}' cannot go on after '{found[-1].name}'.",
                    "Only a link to one module can be followed.",
                )
            ]
        member = subject.directory.member(here, step)
        if member is None:
            return found, [missing(subject, here, step, place)]
        found.append(member)
        here = member.targets[0] if len(member.targets) == 1 else None
    return found, []

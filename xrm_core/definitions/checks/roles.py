"""Roles: the modules and fields that they name exist."""

from __future__ import annotations

from collections.abc import Iterator

from xrm_core.definitions.checks.base import Subject, at, missing
from xrm_core.definitions.names import did_you_mean
from xrm_core.definitions.role import Role
from xrm_core.fields.user import User
from xrm_core.kernel.problem import Problem, pointer


def check(subject: Subject) -> Iterator[Problem]:
    """All problems of roles in the set, and of fields that name roles."""
    names = subject.roles()
    for module in subject.modules():
        for index, field in enumerate(module.fields):
            for place, name in enumerate(field.roles if isinstance(field, User) and not field.archived else ()):
                if name not in names:
                    path = at(module, "fields", index, "roles", place)
                    yield Problem("missing", path, f"There is no role '{name}'.", did_you_mean(name, names))
    for role in subject.definitions.roles:
        if not role.archived:
            yield from _role(subject, role)


def _role(subject: Subject, role: Role) -> Iterator[Problem]:
    modules = {module.name: module for module in subject.modules()}
    for name in role.modules:
        if name != "*" and name not in modules:
            yield Problem(
                "missing",
                pointer("roles", role.name, "modules", name),
                f"There is no module '{name}'.",
                did_you_mean(name, modules),
            )
    for key, lists in (("hidden_fields", role.hidden_fields), ("read_only_fields", role.read_only_fields)):
        for name, fields in lists.items():
            module = modules.get(name)
            if module is None:
                yield Problem(
                    "missing",
                    pointer("roles", role.name, key, name),
                    f"There is no module '{name}'.",
                    did_you_mean(name, modules),
                )
                continue
            for index, field in enumerate(fields):
                if field not in subject.directory.of(module):
                    yield missing(subject, module, field, pointer("roles", role.name, key, name, index))

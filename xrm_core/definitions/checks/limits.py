"""Limits: how large a set of definitions may be."""

from __future__ import annotations

from collections.abc import Iterator

from xrm_core.definitions.checks.base import Subject, at
from xrm_core.kernel.problem import Problem

MODULES = 1000
ROLES = 200
FIELDS = 2000
"""Fields of a module in use; with the archived ones it may have twice as many."""
LINKS = 200
PROMOTED = 400
"""Columns of their own per module: PostgreSQL allows 1,600 per table, dropped ones included."""


def check(subject: Subject) -> Iterator[Problem]:
    """Problems of sets that are too large."""
    definitions = subject.definitions
    if len(definitions.modules) > MODULES:
        yield Problem(
            "too_many", "/modules", f"A workspace has at most {MODULES} modules; these are {len(definitions.modules)}."
        )
    if len(definitions.roles) > ROLES:
        yield Problem(
            "too_many", "/roles", f"A workspace has at most {ROLES} roles; these are {len(definitions.roles)}."
        )
    for module in subject.modules():
        for key, most, nodes in (("fields", FIELDS, module.fields), ("links", LINKS, module.links)):
            live = sum(not node.archived for node in nodes)
            if live > most:
                yield Problem(
                    "too_many", at(module, key), f"A module has at most {most} {key} in use; these are {live}."
                )
            if len(nodes) > 2 * most:
                message = f"A module has at most {2 * most} {key} with the archived ones; these are {len(nodes)}."
                yield Problem("too_many", at(module, key), message, "Erase archived ones that nobody needs.")
        promoted = sum(field.promoted for field in module.fields) + sum(not link.many for link in module.links)
        if promoted > PROMOTED:
            yield Problem(
                "too_many",
                at(module, "fields"),
                f"At most {PROMOTED} fields and links of a module can be indexed; these are {promoted}.",
                "Take 'indexed' from some.",
            )

"""Cycles: no computed value may depend on itself, over however many modules."""

from __future__ import annotations

from collections.abc import Iterator

from xrm_core.definitions.checks.base import Subject, at
from xrm_core.definitions.dependencies import TITLE, Node, build
from xrm_core.kernel.problem import Problem


def check(subject: Subject) -> Iterator[Problem]:
    """A problem for every cycle of formulas, roll-ups, lookups and titles."""
    for cycle in build(subject.scopes).cycles:
        chain = " → ".join(_name(subject, node) for node in (*cycle, cycle[0]))
        yield Problem(
            "cycle",
            _place(subject, cycle[0]),
            f"These values depend on each other: {chain}.",
            "Break the circle at one of them.",
        )


def _name(subject: Subject, node: Node) -> str:
    module = subject.definitions.by_id[node[0]]
    field = next((field for field in module.fields if field.id == node[1]), None)
    return f"{module.name}.{field.name if field is not None else node[1]}"


def _place(subject: Subject, node: Node) -> str:
    module = subject.definitions.by_id[node[0]]
    if node[1] == TITLE:
        return at(module, "title")
    return at(module, "fields", next(i for i, field in enumerate(module.fields) if field.id == node[1]))

"""The checks of a set of definitions: one rule per file, all problems at once."""

from __future__ import annotations

from xrm_core.definitions.checks import (
    automations,
    cycles,
    expressions,
    fields,
    guest_pages,
    layouts,
    limits,
    links,
    mail_templates,
    naming,
    pipelines,
    roles,
    rules,
    views,
    work,
)
from xrm_core.definitions.checks.base import Check, Subject
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.kernel.problem import Problem

CHECKS: tuple[Check, ...] = (
    limits.check,
    naming.check,
    fields.check,
    links.check,
    pipelines.check,
    expressions.check,
    cycles.check,
    rules.check,
    layouts.check,
    views.check,
    work.check,
    guest_pages.check,
    roles.check,
    automations.check,
    mail_templates.check,
)


def check(definitions: DefinitionSet) -> list[Problem]:
    """Every problem of a set, each once; paths are JSON pointers such as `/modules/customers/fields/3/formula`."""
    subject = Subject.of(definitions)
    return list(dict.fromkeys(problem for rule in CHECKS for problem in rule(subject)))


__all__ = ["CHECKS", "Check", "Subject", "check"]

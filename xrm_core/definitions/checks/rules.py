"""Rules: their conditions can be read, and the fields they name exist and can do what the rule asks."""

from __future__ import annotations

from collections.abc import Iterator

from xrm_core.definitions.checks.base import Subject, at, missing
from xrm_core.definitions.checks.expressions import condition
from xrm_core.definitions.checks.views import member_type
from xrm_core.definitions.module import Module
from xrm_core.definitions.rule import DuplicateRule, UniqueRule, ValidationRule
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem

_UNIQUE = frozenset(
    {Kind.TEXT, Kind.INTEGER, Kind.DECIMAL, Kind.DATE, Kind.INSTANT, Kind.REFERENCE, Kind.BOOLEAN, Kind.MONEY}
)


def check(subject: Subject) -> Iterator[Problem]:
    """All problems of rules in the set."""
    for module in subject.modules():
        for index, rule in enumerate(module.rules):
            if rule.archived:
                continue
            path = at(module, "rules", index)
            if isinstance(rule, ValidationRule):
                yield from _validation(subject, module, rule, path)
            else:
                yield from _fields(subject, module, rule, path)


def _validation(subject: Subject, module: Module, rule: ValidationRule, path: str) -> Iterator[Problem]:
    for key in ("when", "check"):
        source = getattr(rule, key)
        if source is not None:
            yield from condition(subject, module, source, f"{path}/{key}")
    members = subject.directory.of(module)
    for index, name in enumerate(rule.fields):
        if name not in members:
            yield missing(subject, module, name, f"{path}/fields/{index}")


def _fields(subject: Subject, module: Module, rule: UniqueRule | DuplicateRule, path: str) -> Iterator[Problem]:
    unique = isinstance(rule, UniqueRule)
    names, key = (rule.fields, "fields") if isinstance(rule, UniqueRule) else (rule.match, "match")
    members = subject.directory.of(module)
    for index, name in enumerate(names):
        place = f"{path}/{key}/{index}"
        member = members.get(name)
        if member is None:
            yield missing(subject, module, name, place)
            continue
        kind = member_type(subject, member)
        several = member.link is not None and member.link.polymorphic
        beside = member.field is not None and member.field.beside
        if (
            member.kind == "inverse"
            or kind is None
            or several
            or beside
            or (kind.kind is not None and kind.kind not in _UNIQUE)
        ):
            yield Problem(
                "type",
                place,
                f"'{name}' cannot be part of a {'unique' if unique else 'duplicate'} rule.",
                "Choose a plain field or a link to one record.",
            )
        elif name in names[:index]:
            yield Problem("duplicate", place, f"'{name}' is named twice.", "Name each field once.")

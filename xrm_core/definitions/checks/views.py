"""Views: columns, sorting and grouping name what exists, and each kind of view has what it needs."""

from __future__ import annotations

from collections.abc import Iterator

from xrm_core.definitions.checks.base import Subject, at, resolve
from xrm_core.definitions.checks.expressions import condition
from xrm_core.definitions.members import Member
from xrm_core.definitions.module import Module
from xrm_core.definitions.names import did_you_mean
from xrm_core.definitions.view import View
from xrm_core.expressions.types import Type
from xrm_core.kernel.kinds import NUMERIC, ORDERED, Kind
from xrm_core.kernel.problem import Problem

_GROUPS = frozenset({Kind.TEXT, Kind.BOOLEAN, Kind.REFERENCE, Kind.INTEGER, Kind.DATE})
_TIMES = frozenset({Kind.DATE, Kind.INSTANT})


def check(subject: Subject) -> Iterator[Problem]:
    """All problems of views in the set."""
    for module in subject.modules():
        defaults = 0
        for index, view in enumerate(module.views):
            if view.archived:
                continue
            path = at(module, "views", index)
            yield from check_view(subject, module, view, path)
            defaults += view.default
            if view.default and defaults == 2:
                yield Problem("contradiction", f"{path}/default", f"{module.name} has two default views.", "Keep one.")


def member_type(subject: Subject, member: Member) -> Type | None:
    """The type of the value that a member has on a record; None for links to many."""
    if member.link is not None:
        return None if member.many else Type(Kind.REFERENCE, modules=tuple(target.id for target in member.targets))
    if member.field is not None:
        return subject.scopes.type_of(member.module, member.field)
    return Type(member.system)


def check_view(subject: Subject, module: Module, view: View, path: str) -> Iterator[Problem]:
    """All problems of one view."""
    if view.module is not None and view.module not in (module.name, module.id):
        yield Problem(
            "contradiction",
            f"{path}/module",
            f"This view stands in {module.name} and names {view.module}.",
            "Leave 'module' out.",
        )
    if view.filter is not None:
        yield from condition(subject, module, view.filter, f"{path}/filter")
    for key, columns in (("columns", view.columns), ("card_fields", view.card_fields)):
        for index, column in enumerate(columns):
            _, problems = resolve(subject, module, column, f"{path}/{key}/{index}")
            yield from problems
    for index, sort in enumerate(view.sort):
        yield from check_sort(subject, module, sort.removeprefix("-"), f"{path}/sort/{index}")
    yield from _needs(subject, module, view, path)
    roles = subject.roles()
    for index, role in enumerate(view.roles):
        if role not in roles:
            yield Problem("missing", f"{path}/roles/{index}", f"There is no role '{role}'.", did_you_mean(role, roles))


def check_sort(subject: Subject, module: Module, name: str, place: str) -> Iterator[Problem]:
    """The problems of one key of an order."""
    members, problems = resolve(subject, module, name, place)
    yield from problems
    if problems:
        return
    if len(members) > 1:
        yield Problem(
            "type", place, "Records are sorted by their own fields only.", "Add a lookup field and sort by it."
        )
        return
    kind = member_type(subject, members[0])
    if kind is None or (kind.kind is not None and kind.kind not in ORDERED):
        yield Problem(
            "type", place, f"Records cannot be sorted by '{name}'.", "Choose a text, number, date or money field."
        )


def _needs(subject: Subject, module: Module, view: View, path: str) -> Iterator[Problem]:
    if view.layout == "board" and view.group_by is None and module.pipeline is None:
        yield Problem(
            "required",
            f"{path}/group_by",
            f"A board needs a pipeline or a field to group by, {module.name} has no pipeline.",
            "Set group_by.",
        )
    if view.layout in ("calendar", "timeline") and view.date_field is None:
        yield Problem("required", f"{path}/date_field", f"A {view.layout} needs a date field.", "Set date_field.")
    wanted = (
        ("group_by", view.group_by, _GROUPS, "grouped by"),
        ("sum", view.sum, NUMERIC | {Kind.MONEY}, "added up over"),
        ("date_field", view.date_field, _TIMES, "placed in time by"),
        ("end_field", view.end_field, _TIMES, "placed in time by"),
    )
    for key, name, kinds, words in wanted:
        if name is None:
            continue
        members, problems = resolve(subject, module, name, f"{path}/{key}")
        yield from problems
        if problems:
            continue
        kind = member_type(subject, members[-1])
        if kind is None or (kind.kind is not None and kind.kind not in kinds):
            yield Problem("type", f"{path}/{key}", f"Records cannot be {words} '{name}'.", "Choose another field.")

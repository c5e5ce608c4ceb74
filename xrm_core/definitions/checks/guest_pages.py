"""Guest pages: what they show, ask and set exists, and nothing of it needs an account."""

from __future__ import annotations

from collections.abc import Iterator

from xrm_core.definitions.checks.base import Subject, at, missing, resolve
from xrm_core.definitions.checks.expressions import condition, fits
from xrm_core.definitions.checks.views import check_sort, member_type
from xrm_core.definitions.guest_page import GuestChoice, GuestList, GuestPage
from xrm_core.definitions.members import Member
from xrm_core.definitions.module import Module
from xrm_core.definitions.names import did_you_mean
from xrm_core.definitions.scope import field_type
from xrm_core.fields.capabilities import HoldsFiles, HoldsUsers
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem, under

_TIMES = frozenset({Kind.DATE, Kind.INSTANT})


def check(subject: Subject) -> Iterator[Problem]:
    """All problems of guest pages in the set."""
    for module in subject.modules():
        for index, page in enumerate(module.guest_pages):
            if not page.archived:
                yield from _page(subject, module, page, at(module, "guest_pages", index))


def _page(subject: Subject, module: Module, page: GuestPage, path: str) -> Iterator[Problem]:
    if page.when is not None:
        yield from condition(subject, module, page.when, f"{path}/when")
    yield from _shown(subject, module, page.show, f"{path}/show")
    if page.recipient is not None:
        yield from resolve(subject, module, page.recipient, f"{path}/recipient")[1]
    for key, name, kinds in (("until", page.until, _TIMES), ("seen", page.seen, frozenset({Kind.INSTANT}))):
        if name is None:
            continue
        members, problems = resolve(subject, module, name, f"{path}/{key}")
        yield from problems
        found = member_type(subject, members[-1]) if not problems else None
        if not problems and (found is None or found.kind not in kinds):
            yield Problem("type", f"{path}/{key}", f"'{name}' is no {'time' if key == 'seen' else 'date or time'}.")
        elif not problems and key == "seen" and not _writable(members[-1]):
            yield Problem("computed", f"{path}/{key}", f"'{name}' cannot be set.", "Choose a time field of the module.")
    if not page.show and not page.lists:
        yield Problem("required", f"{path}/show", "The page shows nothing.", "Name fields in 'show', or a list.")
    taken: set[str] = set()
    for index, one in enumerate(page.lists):
        yield from _list(subject, module, one, f"{path}/lists/{index}")
        if one.name in taken:
            yield Problem("taken", f"{path}/lists/{index}/name", f"Two lists are called '{one.name}'.")
        taken.add(one.name)
    yield from _choices(subject, module, module, page.choices, f"{path}/choices")


def _shown(subject: Subject, module: Module, names: tuple[str, ...], path: str) -> Iterator[Problem]:
    for index, name in enumerate(names):
        members, problems = resolve(subject, module, name, f"{path}/{index}")
        yield from problems
        if not problems and any(member.many for member in members):
            yield Problem(
                "type", f"{path}/{index}", f"'{name}' leads to many records.", "Show them as a list of the page."
            )


def _list(subject: Subject, module: Module, one: GuestList, path: str) -> Iterator[Problem]:
    target = subject.definitions.by_name.get(one.module)
    if target is None or target.archived:
        hint = did_you_mean(one.module, subject.definitions.by_name)
        yield Problem("missing", f"{path}/module", f"There is no module '{one.module}'.", hint)
        return
    start: tuple[Module, ...] = (module,)
    if one.of is not None:
        members, problems = resolve(subject, module, one.of, f"{path}/of")
        yield from problems
        if problems:
            return
        if any(member.many for member in members) or not members[-1].targets:
            yield Problem("type", f"{path}/of", f"'{one.of}' does not lead to one record.", "Name a path of links.")
            return
        start = members[-1].targets
    member = subject.directory.member(target, one.link)
    if member is None:
        yield missing(subject, target, one.link, f"{path}/link", "link")
    elif member.kind != "link" or member.many or not {t.id for t in member.targets} & {s.id for s in start}:
        where = " or ".join(found.name for found in start)
        yield Problem("type", f"{path}/link", f"'{one.link}' of {target.name} is no link to one of {where}.")
    if one.filter is not None:
        yield from condition(subject, target, one.filter, f"{path}/filter")
    yield from _shown(subject, target, one.show, f"{path}/show")
    for index, sort in enumerate(one.sort):
        yield from check_sort(subject, target, sort.removeprefix("-"), f"{path}/sort/{index}")
    yield from _choices(subject, module, target, one.choices, f"{path}/choices")


def _choices(
    subject: Subject, page: Module, module: Module, choices: tuple[GuestChoice, ...], path: str
) -> Iterator[Problem]:
    taken: set[str] = set()
    for index, choice in enumerate(choices):
        yield from _choice(subject, page, module, choice, f"{path}/{index}")
        if choice.name in taken:
            yield Problem("taken", f"{path}/{index}/name", f"Two choices are called '{choice.name}'.")
        taken.add(choice.name)


def _choice(subject: Subject, page: Module, module: Module, choice: GuestChoice, path: str) -> Iterator[Problem]:
    if choice.when is not None:
        yield from condition(subject, page, choice.when, f"{path}/when")
    for index, name in enumerate(choice.ask):
        member = subject.directory.member(module, name)
        place = f"{path}/ask/{index}"
        if member is None or member.field is None:
            yield missing(subject, module, name, place, "field")
        elif not _writable(member):
            yield Problem("computed", place, f"'{name}' cannot be filled in.")
        elif isinstance(member.field, (HoldsFiles, HoldsUsers)):
            yield Problem(
                "type", place, f"'{name}' cannot be filled in by guests.", "Choose a field with a plain value."
            )
    for index, name in enumerate(choice.required):
        if name not in choice.ask:
            yield Problem("missing", f"{path}/required/{index}", f"'{name}' is not asked for.", "Add it to 'ask'.")
    for name, value in choice.values.items():
        place = f"{path}/values/{name}"
        member = subject.directory.member(module, name)
        if member is None or member.kind in ("system", "inverse"):
            yield missing(subject, module, name, place)
            continue
        if not _writable(member):
            yield Problem("computed", place, f"'{name}' cannot be set.")
            continue
        if not isinstance(value, str):
            continue
        typed, problems = subject.scopes.check(module, value)
        yield from under(place, problems)
        if typed is not None and member.field is not None and not fits(typed.type, field_type(member.field)):
            yield Problem("type", place, f"This gives a {typed.type}, the field holds a {field_type(member.field)}.")
    if choice.stage is not None and not any(s.name == choice.stage and not s.archived for s in module.stages):
        known = [stage.name for stage in module.stages if not stage.archived]
        yield Problem(
            "missing",
            f"{path}/stage",
            f"{module.name} has no stage '{choice.stage}'.",
            did_you_mean(choice.stage, known),
        )


def _writable(member: Member) -> bool:
    if member.link is not None:
        return member.kind == "link" and not member.many
    return member.field is not None and not member.field.computed

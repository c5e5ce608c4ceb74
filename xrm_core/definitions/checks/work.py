"""Tasks, events, logs and panels: they name fields that exist and are of the kind that is needed."""

from __future__ import annotations

from collections.abc import Iterator

from xrm_core.definitions.checks.base import Subject, at, missing, resolve
from xrm_core.definitions.checks.expressions import condition
from xrm_core.definitions.checks.views import check_sort, member_type
from xrm_core.definitions.members import USERS, Member
from xrm_core.definitions.module import Module
from xrm_core.definitions.names import did_you_mean
from xrm_core.definitions.work import Log, Panel
from xrm_core.fields.capabilities import HoldsOptions, HoldsUsers
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem

_TIMES = frozenset({Kind.DATE, Kind.INSTANT})


def check(subject: Subject) -> Iterator[Problem]:
    """All problems of tasks, events, logs and panels in the set."""
    for module in subject.modules():
        task, event = module.task, module.event
        if task is not None:
            yield from _user(subject, module, task.assignee, at(module, "task", "assignee"))
            yield from _time(subject, module, task.due, at(module, "task", "due"))
            yield from condition(subject, module, task.done_when, at(module, "task", "done_when"))
            for name in task.done:
                if name != "stage" and not any(one.name == name and not one.archived for one in module.fields):
                    yield missing(subject, module, name, at(module, "task", "done", name), "field")
        if event is not None:
            yield from _time(subject, module, event.start, at(module, "event", "start"))
            if event.end is not None:
                yield from _time(subject, module, event.end, at(module, "event", "end"))
            for index, name in enumerate(event.who):
                yield from _user(subject, module, name, at(module, "event", "who", index))
            if event.when is not None:
                yield from condition(subject, module, event.when, at(module, "event", "when"))
            if event.place is not None and subject.directory.member(module, event.place) is None:
                yield missing(subject, module, event.place, at(module, "event", "place"), "field")
            for index, path in enumerate(event.guests):
                yield from _guests(subject, module, path, at(module, "event", "guests", index))
        if module.log is not None:
            yield from _log(subject, module, module.log)
        if module.reachable is not None:
            for key in ("allowed_when", "marketing_when"):
                text = getattr(module.reachable, key)
                if text is not None:
                    yield from condition(subject, module, text, at(module, "reachable", key))
        for index, panel in enumerate(module.panels):
            yield from _panel(subject, module, panel, at(module, "panels", index))


def _user(subject: Subject, module: Module, name: str, path: str) -> Iterator[Problem]:
    member = subject.directory.member(module, name)
    if member is None:
        yield missing(subject, module, name, path)
    elif name not in USERS and not (member.field is not None and isinstance(member.field, HoldsUsers)):
        yield Problem("type", path, f"'{name}' does not hold users.", "Choose a field of the type user, or owner.")


def _time(subject: Subject, module: Module, name: str, path: str) -> Iterator[Problem]:
    member = subject.directory.member(module, name)
    if member is None:
        yield missing(subject, module, name, path)
        return
    found = member_type(subject, member)
    if found is None or (found.kind is not None and found.kind not in _TIMES):
        yield Problem("type", path, f"'{name}' is neither a date nor a time.", "Choose a date or time field.")


def _guests(subject: Subject, module: Module, path: str, where: str) -> Iterator[Problem]:
    members, problems = resolve(subject, module, path, where)
    yield from problems
    if members and not problems and (members[-1].kind not in ("link", "inverse") or not members[-1].targets):
        yield Problem("type", where, f"'{path}' leads to no records.", "Name links, such as order.customer.")


def _log(subject: Subject, module: Module, log: Log) -> Iterator[Problem]:
    fields = {one.name: one for one in module.fields if not one.archived}
    wanted = {"text": log.text, "title": log.title, "kind": log.kind}
    for key, name in wanted.items():
        if name is not None and name not in fields:
            yield missing(subject, module, name, at(module, "log", key), "field")
    for key in ("text", "title"):
        found = fields.get(wanted[key] or "")
        if found is not None and (found.kind is not Kind.TEXT or found.computed):
            yield Problem("type", at(module, "log", key), f"'{found.name}' holds no text.", "Choose a text field.")
    kind = fields.get(log.kind or "")
    if kind is not None and not isinstance(kind, HoldsOptions):
        yield Problem("type", at(module, "log", "kind"), f"'{kind.name}' has no options.", "Choose a select field.")
    options = {one.name for one in kind.options} if isinstance(kind, HoldsOptions) else set()
    for index, name in enumerate(log.kinds):
        if name not in options:
            where = at(module, "log", "kinds", index)
            yield Problem("missing", where, f"There is no option '{name}'.", did_you_mean(name, options))
    if log.mail is not None and log.mail not in options:
        where = at(module, "log", "mail")
        yield Problem("missing", where, f"There is no option '{log.mail}'.", did_you_mean(log.mail, options))
    for name in log.mail_values:
        if name not in fields:
            yield missing(subject, module, name, at(module, "log", "mail_values", name), "field")
    for index, name in enumerate(log.fields):
        if subject.directory.member(module, name) is None:
            yield missing(subject, module, name, at(module, "log", "fields", index))


def _panel(subject: Subject, module: Module, panel: Panel, path: str) -> Iterator[Problem]:
    if panel.visible_when is not None:
        yield from condition(subject, module, panel.visible_when, f"{path}/visible_when")
    if panel.kind == "facts":
        for key in ("link", "module", "via", "filter", "group_by"):
            if getattr(panel, key) is not None:
                yield Problem("contradiction", f"{path}/{key}", "Facts are of the record itself.", f"Remove '{key}'.")
        if not panel.columns:
            yield Problem("required", f"{path}/columns", "Facts need columns.", "Name the fields.")
        yield from _columns(subject, module, panel, path)
        return
    if (panel.link is None) == (panel.module is None):
        yield Problem("required", path, "Either 'link', or 'module' with 'via'.", "Name a link of this module.")
        return
    target: Module | None
    if panel.link is not None:
        members, problems = resolve(subject, module, panel.link, f"{path}/link")
        yield from problems
        target = members[-1].targets[0] if members and len(members[-1].targets) == 1 else None
        if members and not problems and target is None:
            yield Problem(
                "type", f"{path}/link", f"'{panel.link}' is no link to one module.", "Name a link or inverse."
            )
    else:
        found: list[Problem] = []
        target = _by_way(subject, module, panel, path, found)
        yield from found
    if target is None:
        return
    if panel.filter is not None:
        yield from condition(subject, target, panel.filter, f"{path}/filter")
    yield from _columns(subject, target, panel, path)
    for index, sort in enumerate(panel.sort):
        yield from check_sort(subject, target, sort.removeprefix("-"), f"{path}/sort/{index}")
    if panel.group_by is not None:
        _, problems = resolve(subject, target, panel.group_by, f"{path}/group_by")
        yield from problems


def _by_way(subject: Subject, module: Module, panel: Panel, path: str, problems: list[Problem]) -> Module | None:
    names = subject.definitions.by_name
    target = names.get(panel.module or "")
    if target is None or target.archived:
        problems.append(
            Problem(
                "missing",
                f"{path}/module",
                f"There is no module '{panel.module}'.",
                did_you_mean(panel.module or "", names),
            )
        )
        return None
    if panel.via is None:
        problems.append(
            Problem("required", f"{path}/via", "The way from there to this record is needed.", "Name links.")
        )
        return target
    members, found = resolve(subject, target, panel.via, f"{path}/via")
    problems += found
    if not found and (any(_many(member) for member in members) or module.id not in {m.id for m in members[-1].targets}):
        problems.append(
            Problem("type", f"{path}/via", f"'{panel.via}' does not lead to {module.name}.", "Use links to one record.")
        )
    return target


def _many(member: Member) -> bool:
    return member.many or member.kind == "inverse"


def _columns(subject: Subject, module: Module, panel: Panel, path: str) -> Iterator[Problem]:
    for index, column in enumerate(panel.columns):
        _, problems = resolve(subject, module, column, f"{path}/columns/{index}")
        yield from problems
        if "." in column:
            yield Problem(
                "path", f"{path}/columns/{index}", "Panels show fields of the records themselves.", "Add a lookup."
            )

"""Loops: automations that set each other (or themselves) going without end are refused, with the way round."""

from __future__ import annotations

from collections.abc import Iterator

from xrm_core.definitions.automation import every_step
from xrm_core.definitions.automation_scope import AutomationTexts
from xrm_core.definitions.checks.base import Subject
from xrm_core.definitions.module import Module
from xrm_core.definitions.steps import Enrol
from xrm_core.definitions.steps.base import Write
from xrm_core.definitions.triggers import EventTrigger, Trigger
from xrm_core.definitions.triggers.archived import Archived
from xrm_core.definitions.triggers.changed import Changed
from xrm_core.definitions.triggers.created import Created
from xrm_core.definitions.triggers.stage import StageEntered, StageLeft
from xrm_core.kernel.problem import Problem, pointer


def loops(subject: Subject) -> Iterator[Problem]:
    """A problem for every circle of automations."""
    live = [one for one in subject.definitions.automations if not one.archived and not one.once_per]
    edges: dict[str, dict[str, str]] = {}
    texts = AutomationTexts(subject.scopes)
    for one in live:
        module = subject.definitions.by_name.get(one.module or "")
        for path, step in every_step(one.steps):
            if isinstance(step, Enrol):
                edges.setdefault(one.name, {}).setdefault(step.automation, path)
            for write in step.writes():
                for target in _written(subject, texts, module, write):
                    for other in live:
                        if other.module == target.name and any(_sets_off(write, t) for t in other.triggers):
                            edges.setdefault(one.name, {}).setdefault(other.name, path)
    known: set[frozenset[str]] = set()
    for one in live:
        way = _way(edges, one.name)
        if way is None or frozenset(way) in known:
            continue
        known.add(frozenset(way))
        said = " → ".join([*way, way[0]])
        message = (
            f"'{one.name}' changes what sets it going: it would run again and again."
            if len(way) == 1
            else f"These automations would set each other going again and again: {said}."
        )
        yield Problem(
            "loop", pointer("automations", one.name) + edges[one.name][way[1] if len(way) > 1 else one.name], message,
            "Let one of them react to other fields or other values, or set 'once_per'.",
        )  # fmt: skip


def _written(subject: Subject, texts: AutomationTexts, module: Module | None, write: Write) -> list[Module]:
    if write.module is not None:
        if write.module == "*task":
            return [one for one in subject.modules() if one.task is not None]
        found = subject.definitions.by_name.get(write.module)
    else:
        found = texts.behind(module, write.over or "this")
    return [found] if found is not None else []


def _sets_off(write: Write, trigger: Trigger) -> bool:
    """Whether what is written is what the trigger waits for."""
    if not isinstance(trigger, EventTrigger):
        return False
    match trigger:
        case Created():
            return write.creates
        case Archived():
            return write.archives
        case StageEntered():
            return "stage" in write.names and (write.stage is None or write.stage in trigger.stages) or write.creates
        case StageLeft():
            return "stage" in write.names and (write.stage is None or write.stage not in trigger.stages)
        case Changed():
            if write.creates:
                return trigger.on_create
            constants = dict(write.constants)
            if write.stage is not None:
                constants["stage"] = write.stage
            return any(
                name in write.names
                and (name not in constants or not trigger.after or constants[name] in trigger.after)
                and not (name in constants and constants[name] in trigger.before)
                for name in trigger.fields
            )
        case _:
            return False


def _way(edges: dict[str, dict[str, str]], start: str) -> list[str] | None:
    """The shortest way from an automation back to itself."""
    paths = [[start]]
    seen: set[str] = set()
    while paths:
        path = paths.pop(0)
        for following in edges.get(path[-1], ()):
            if following == start:
                return path
            if following not in seen:
                seen.add(following)
                paths.append([*path, following])
    return None

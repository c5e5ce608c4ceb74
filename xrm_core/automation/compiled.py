"""Automations made ready for work: steps in one row with jumps, texts checked, and who listens to which module."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from xrm_core.catalog import Catalog, CompiledModule
from xrm_core.definitions import body
from xrm_core.definitions.automation import Automation, every_step
from xrm_core.definitions.automation_scope import AutomationTexts, needs_before
from xrm_core.definitions.steps import AnyStep, Branch, Step
from xrm_core.definitions.triggers import EventTrigger, TimeTrigger
from xrm_core.expressions.typed import Typed, walk
from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem

_MEMO = "automations"


@dataclass(frozen=True, slots=True)
class Instruction:
    """One step of a program: do it, or jump (`unless` a condition holds)."""

    place: str
    step: Step | None = None
    jump: int | None = None
    unless: str | None = None


def program(steps: Iterable[AnyStep]) -> tuple[Instruction, ...]:
    """Steps in one row: a branch becomes jumps, so that a number tells where a run stands."""
    found: list[Instruction] = []

    def add(some: Iterable[Step], path: str) -> None:
        for place, step in enumerate(some):
            here = f"{path}/{place}"
            if not isinstance(step, Branch):
                found.append(Instruction(here, step))
                continue
            start = len(found)
            found.append(Instruction(here, step))
            add(step.then, f"{here}/then")
            end = len(found)
            found.append(Instruction(here))
            add(step.otherwise, f"{here}/else")
            found[start] = Instruction(here, step, end + 1, step.when)
            found[end] = Instruction(here, None, len(found))

    add(steps, "/steps")
    return tuple(found)


@dataclass(eq=False)
class Ready:
    """One automation over one catalog."""

    automation: Automation
    catalog: Catalog
    module: CompiledModule | None
    program: tuple[Instruction, ...]
    texts: AutomationTexts
    events: tuple[tuple[EventTrigger, frozenset[str] | None], ...]
    """Triggers that follow from changes, with the ids of what they watch."""
    timed: tuple[TimeTrigger, ...]
    timed_keys: frozenset[str]
    """Ids of the values from which the times follow."""
    uses_before: bool = False
    _typed: dict[tuple[str, str, str], Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.automation.id

    def condition(self, text: str, module: CompiledModule | None = None) -> Typed:
        """The typed tree of a condition; raises Invalid if it cannot be read any more."""
        found: Typed = self._read("condition", text, module)
        return found

    def value(self, text: str, module: CompiledModule | None = None) -> Typed:
        """The typed tree of an expression; raises Invalid if it cannot be read any more."""
        found: Typed = self._read("value", text, module)
        return found

    def template(self, text: str) -> tuple[str | Typed, ...]:
        """The parts of a template; raises Invalid if it cannot be read any more."""
        found: tuple[str | Typed, ...] = self._read("template", text, None)
        return found

    def _read(self, role: str, text: str, module: CompiledModule | None) -> Any:
        over = module or self.module
        key = (role, text, over.id if over is not None else "")
        if key not in self._typed:
            definition = over.definition if over is not None else None
            found, problems = getattr(self.texts, role)(definition, text)
            if problems or found is None:
                raise Invalid(problems or Problem("syntax", "", f"'{text[:60]}' cannot be read."))
            self._typed[key] = found
        return self._typed[key]

    def armed_for(self) -> str:
        """A short text that is the same as long as the times are reckoned in the same way."""
        times = [body(trigger) for trigger in self.timed]
        if not times or not self.automation.live:
            return ""
        text = json.dumps([self.automation.module, times], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def ready(catalog: Catalog, automation: Automation) -> Ready:
    """An automation over a catalog."""
    module = catalog.find(automation.module) if automation.module else None
    texts = AutomationTexts(catalog.scopes)
    events, timed = [], []
    keys: set[str] = set()
    for trigger in automation.triggers:
        if isinstance(trigger, EventTrigger):
            watched = trigger.watches()
            events.append((trigger, None if watched is None else frozenset(ids_of(module, watched))))
        elif isinstance(trigger, TimeTrigger):
            timed.append(trigger)
            keys |= ids_of(module, {name for _, name in trigger.reads()})
    made = Ready(
        automation, catalog, module, program(automation.steps), texts, tuple(events), tuple(timed), frozenset(keys)
    )
    made.uses_before = _uses_before(made)
    return made


def _uses_before(made: Ready) -> bool:
    found = list(made.automation.own_texts())
    for _, step in every_step(made.automation.steps):
        found += [text for text in step.texts() if text.over == "this"]
    if not any("before" in text.text for text in found):
        return False
    for text in found:
        try:
            parts = made.template(text.text) if text.role == "template" else (made.value(text.text),)
        except Invalid:
            continue
        if any(needs_before(part) for part in parts if isinstance(part, Typed)):
            return True
    return False


def ids_of(module: CompiledModule | None, names: Iterable[str]) -> set[str]:
    """The ids under which changes name these fields and links."""
    if module is None:
        return set()
    ids = {part.name: part.id for part in module.parts}
    return {ids.get(name, name) for name in names}


@dataclass(eq=False)
class Listeners:
    """Who listens to which module."""

    by_id: dict[str, Ready]
    events: dict[str, list[Ready]]
    timed: dict[str, list[Ready]]
    free: list[Ready]
    """Automations at times of the calendar."""
    watched: dict[str, frozenset[str] | None]
    """By module the ids of what somebody watches; None: any change."""


def listeners(catalog: Catalog) -> Listeners:
    """All automations of a catalog, made ready once."""
    found: Listeners | None = catalog.memo.get(_MEMO)
    if found is None:
        found = catalog.memo[_MEMO] = _listeners(catalog)
    return found


def _listeners(catalog: Catalog) -> Listeners:
    made = Listeners({}, {}, {}, [], {})
    for automation in catalog.definitions.automations:
        if automation.archived or (automation.module is not None and catalog.find(automation.module) is None):
            continue
        one = made.by_id[automation.id] = ready(catalog, automation)
        if not automation.live:
            continue
        if any(not trigger.of_record for trigger in one.timed):
            made.free.append(one)
        if one.module is None:
            continue
        if one.events:
            made.events.setdefault(one.module.id, []).append(one)
        if any(trigger.of_record for trigger in one.timed):
            made.timed.setdefault(one.module.id, []).append(one)
    for module_id in {*made.events, *made.timed}:
        keys: set[str] = set()
        everything = False
        for one in made.events.get(module_id, ()):
            for trigger, watched in one.events:
                everything = everything or watched is None
                keys |= ids_of(one.module, {name for _, name in trigger.reads()}) | (watched or set())
        for one in made.timed.get(module_id, ()):
            keys |= one.timed_keys
        # A trigger without names is about creation, archiving or stages, which a change of other values does not touch.
        made.watched[module_id] = frozenset(keys | ({"stage", "archived_at"} if everything else set()))
    return made


def is_local(typed: Typed) -> bool:
    """Whether the record itself is enough to know the value, so that the database need not be asked."""
    from_record = True
    for part in walk(typed):
        path = getattr(part, "path", None)
        if path is not None and (len(path) > 1 or path[0].kind in ("link", "links")):
            from_record = False
        if path is not None and part.type.kind is Kind.OBJECT:
            from_record = False
    return from_record

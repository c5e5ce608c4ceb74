"""Automations: what they name exists, their texts can be read, and none sets itself going again and again."""

from __future__ import annotations

from collections.abc import Iterator

from xrm_core.definitions.automation import MOST_STEPS, Automation, every_step
from xrm_core.definitions.automation_scope import AutomationTexts
from xrm_core.definitions.checks.automation_loops import loops
from xrm_core.definitions.checks.base import Subject, missing
from xrm_core.definitions.checks.expressions import fits
from xrm_core.definitions.module import Module
from xrm_core.definitions.names import did_you_mean
from xrm_core.definitions.scope import field_type
from xrm_core.definitions.steps import AssignRecord, CreateTask, Enrol, LinkRecords, MoveRecords, SendMail, Step, Text
from xrm_core.definitions.steps.base import Records, Write
from xrm_core.definitions.triggers import Cron, TimeTrigger, Trigger
from xrm_core.definitions.triggers.button import Button
from xrm_core.definitions.triggers.date import Dated
from xrm_core.definitions.triggers.every import Every
from xrm_core.definitions.triggers.received import Called
from xrm_core.expressions.hints import named
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem, pointer, under

AUTOMATIONS = 1000
_TIMES = frozenset({Kind.DATE, Kind.INSTANT})
_PEOPLE = frozenset({Kind.TEXT, Kind.LIST, Kind.REFERENCE})


def check(subject: Subject) -> Iterator[Problem]:
    """All problems of automations in the set."""
    automations = subject.definitions.automations
    if len(automations) > AUTOMATIONS:
        yield Problem("too_many", "/automations", f"A workspace has at most {AUTOMATIONS} automations.")
    seen: set[str] = set()
    for automation in automations:
        if automation.archived:
            continue
        place = pointer("automations", automation.name)
        if automation.name in seen:
            yield Problem("twice", f"{place}/name", f"There are two automations '{automation.name}'.", "Rename one.")
        seen.add(automation.name)
        yield from under(place, _Check(subject, automation).problems())
    yield from loops(subject)


class _Check:
    """The check of one automation; paths are relative to it."""

    def __init__(self, subject: Subject, automation: Automation) -> None:
        self.subject = subject
        self.automation = automation
        self.texts = AutomationTexts(subject.scopes)
        self.module: Module | None = None

    def problems(self) -> Iterator[Problem]:
        automation, by_name = self.automation, self.subject.definitions.by_name
        if automation.module is not None:
            self.module = by_name.get(automation.module)
            if self.module is None or self.module.archived:
                hint = did_you_mean(automation.module, by_name)
                yield Problem("missing", "/module", f"There is no module '{automation.module}'.", hint)
                return
        for place, trigger in enumerate(automation.triggers):
            yield from under(f"/triggers/{place}", self._trigger(trigger))
        for text in automation.own_texts():
            yield from self._text(text, "")
        for place, name in enumerate(automation.once_per):
            yield from self._name(name, f"/once_per/{place}")
        steps = list(every_step(automation.steps))
        if len(steps) > MOST_STEPS:
            yield Problem(
                "too_many", "/steps", f"An automation has at most {MOST_STEPS} steps; these are {len(steps)}."
            )
        for path, step in steps:
            yield from self._step(step, path)

    # -- triggers -----------------------------------------------------------------------------------------------------

    def _trigger(self, trigger: Trigger) -> Iterator[Problem]:
        if self.module is None:
            if not isinstance(trigger, (Cron, Called, Button)):
                yield Problem("required", "/kind", "This trigger is about records.", "Name their module in 'module'.")
            return
        if isinstance(trigger, TimeTrigger) and self.automation.at_once:
            yield Problem("contradiction", "/kind", "Nothing changes at this moment, so it cannot be done at once.")
        for place, name in trigger.reads():
            yield from self._name(name, place, times=isinstance(trigger, (Dated, Every)))
        stages = {stage.name for stage in self.module.stages if not stage.archived}
        for place, name in trigger.stages_named():
            if name not in stages:
                yield Problem(
                    "missing", place, f"{self.module.name} has no stage '{name}'.", did_you_mean(name, stages)
                )

    def _name(self, name: str, place: str, *, times: bool = False) -> Iterator[Problem]:
        if self.module is None:
            yield Problem("missing", place, "There is no module whose fields could be named.", "Set 'module'.")
            return
        symbol = self.subject.scopes.of(self.module).resolve(name)
        if symbol is None or symbol.kind == "links":
            yield missing(self.subject, self.module, name, place)
        elif times and symbol.type.kind not in (*_TIMES, None):
            yield Problem("type", place, f"'{name}' holds {named(symbol.type)}, a date or time is needed.")

    # -- texts --------------------------------------------------------------------------------------------------------

    def _text(self, text: Text, path: str) -> Iterator[Problem]:
        module = self.texts.behind(self.module, text.over)
        place = path + text.path
        if text.over != "this" and module is None:
            return  # the path itself is reported
        if text.role == "template":
            _, problems = self.texts.template(module, text.text)
            yield from under(place, problems)
            return
        if text.role == "condition":
            _, problems = self.texts.condition(module, text.text)
            yield from under(place, problems)
            return
        typed, problems = self.texts.value(module, text.text)
        yield from under(place, problems)
        if typed is None or typed.type.kind is None:
            return
        kind = typed.type.kind
        if text.role == "time" and kind not in _TIMES:
            yield Problem("type", place, f"This gives {named(typed.type)}, a date or time is needed.")
        if text.role == "people" and kind not in _PEOPLE:
            yield Problem("type", place, f"This gives {named(typed.type)}; addresses or users are needed.")

    # -- steps --------------------------------------------------------------------------------------------------------

    def _step(self, step: Step, path: str) -> Iterator[Problem]:
        if self.automation.at_once and not step.at_once:
            yield Problem(
                "contradiction", f"{path}/do", f"'{step.do}' cannot be done in the transaction of the change itself.",
                "Take 'at_once' away, or put this step into an automation of its own.",
            )  # fmt: skip
        for text in step.texts():
            yield from self._text(text, path)
        target = self.module
        if isinstance(step, (Records, Enrol)) and step.of != "this":
            target = self.texts.behind(self.module, step.of)
            if target is None:
                name = self.module.name if self.module else "nothing"
                yield Problem(
                    "path", f"{path}/of", f"'{step.of}' of {name} does not lead to the records of one module."
                )
                return
        match step:
            case SendMail():
                yield from self._roles(step.to, path)
                yield from self._mail_text(step, path)
                pages = [page.name for page in self.module.guest_pages if not page.archived] if self.module else []
                if step.guest_page is not None and step.guest_page not in pages:
                    yield Problem(
                        "missing", f"{path}/guest_page", f"There is no page for guests called '{step.guest_page}'.",
                        did_you_mean(step.guest_page, pages),
                    )  # fmt: skip
                for place, _table in enumerate(step.tables):
                    yield from self._table(step, place, f"{path}/tables/{place}")
            case MoveRecords():
                yield from self._move(step, target, path)
            case CreateTask():
                yield from self._task(step, path)
            case AssignRecord():
                yield from self._assign(step, path)
            case LinkRecords():
                member = self.subject.directory.member(self.module, step.link) if self.module else None
                if member is None or member.link is None or not member.many:
                    yield Problem("missing", f"{path}/link", f"There is no link to many called '{step.link}'.")
            case Enrol():
                yield from self._enrol(step, target, path)
            case _ if hasattr(step, "to") and isinstance(step.to, tuple):
                yield from self._roles(step.to, path)
        for write in step.writes():
            yield from self._write(step, write, target, path)

    def _roles(self, people: tuple[str, ...], path: str) -> Iterator[Problem]:
        roles = self.subject.roles()
        for place, text in enumerate(people):
            if text.startswith("role:") and text[5:] not in roles:
                yield Problem(
                    "missing", f"{path}/to/{place}", f"There is no role '{text[5:]}'.", did_you_mean(text[5:], roles)
                )

    def _mail_text(self, step: SendMail, path: str) -> Iterator[Problem]:
        if step.template is None:
            for key in ("subject", "text"):
                if not getattr(step, key):
                    message = f"The mail has no {key}."
                    yield Problem("required", f"{path}/{key}", message, "Write it, or name a 'template'.")
            return
        if step.subject or step.text or step.subjects or step.texts_in:
            message = "A mail from a template has its subject and text from there."
            yield Problem("contradiction", f"{path}/template", message, "Take one of them away.")
        known = {one.name: one for one in self.subject.definitions.mail_templates if not one.archived}
        found = known.get(step.template)
        if found is None:
            hint = did_you_mean(step.template, known)
            yield Problem("missing", f"{path}/template", f"There is no mail template '{step.template}'.", hint)
        elif self.module is None or found.module != self.module.name:
            name = self.module.name if self.module is not None else "no records"
            yield Problem("type", f"{path}/template", f"'{found.name}' is about {found.module}, not {name}.")

    def _table(self, step: SendMail, place: int, path: str) -> Iterator[Problem]:
        table = step.tables[place]
        module = self.subject.definitions.by_name.get(table.module)
        if module is None or module.archived:
            hint = did_you_mean(table.module, self.subject.definitions.by_name)
            yield Problem("missing", f"{path}/module", f"There is no module '{table.module}'.", hint)
            return
        if table.filter is not None:
            _, problems = self.subject.scopes.condition(module, table.filter)
            yield from under(f"{path}/filter", problems)
        if table.group_by is not None and self.subject.directory.member(module, table.group_by) is None:
            yield missing(self.subject, module, table.group_by, f"{path}/group_by")

    def _move(self, step: MoveRecords, target: Module | None, path: str) -> Iterator[Problem]:
        if target is None or target.pipeline is None:
            yield Problem("no_pipeline", f"{path}/do", "These records have no stages.")
        elif step.stage is not None:
            stages = {stage.name for stage in target.stages if not stage.archived}
            if step.stage not in stages:
                hint = did_you_mean(step.stage, stages)
                yield Problem("missing", f"{path}/stage", f"{target.name} has no stage '{step.stage}'.", hint)

    def _task(self, step: CreateTask, path: str) -> Iterator[Problem]:
        tasks = [module.name for module in self.subject.modules() if module.task is not None]
        if step.module is not None and step.module not in tasks:
            yield Problem(
                "missing", f"{path}/module", f"'{step.module}' holds no tasks.", did_you_mean(step.module, tasks)
            )
        elif step.module is None and len(tasks) != 1:
            said = "Several modules hold tasks." if tasks else "No module holds tasks."
            yield Problem("required", f"{path}/module", said, "Name it.")

    def _assign(self, step: AssignRecord, path: str) -> Iterator[Problem]:
        roles = self.subject.roles()
        if step.role is not None and step.role not in roles:
            yield Problem("missing", f"{path}/role", f"There is no role '{step.role}'.", did_you_mean(step.role, roles))
        if step.count is not None and step.count not in self.subject.definitions.by_name:
            yield Problem("missing", f"{path}/count", f"There is no module '{step.count}'.")

    def _enrol(self, step: Enrol, target: Module | None, path: str) -> Iterator[Problem]:
        others = {one.name: one for one in self.subject.definitions.automations if not one.archived}
        other = others.get(step.automation)
        if other is None:
            hint = did_you_mean(step.automation, others)
            yield Problem("missing", f"{path}/automation", f"There is no automation '{step.automation}'.", hint)
        elif target is not None and other.module != target.name:
            yield Problem("type", f"{path}/automation", f"'{other.name}' is about {other.module}, not {target.name}.")

    def _write(self, step: Step, write: Write, target: Module | None, path: str) -> Iterator[Problem]:
        module = target
        if write.module is not None:
            if write.module.startswith("*"):
                return
            module = self.subject.definitions.by_name.get(write.module)
            if module is None or module.archived:
                hint = did_you_mean(write.module, self.subject.definitions.by_name)
                yield Problem("missing", f"{path}/module", f"There is no module '{write.module}'.", hint)
                return
        if module is None:
            yield Problem(
                "required", f"{path}/do", "There is no record to write to.", "Set 'module' of the automation."
            )
            return
        values = getattr(step, "values", {})
        for name in sorted(write.names - {"stage", "owner"}):
            place = f"{path}/values/{name}" if name in values else path
            member = self.subject.directory.member(module, name)
            if member is None or member.kind == "system":
                yield missing(self.subject, module, name, place)
                continue
            if member.field is not None and member.field.computed:
                yield Problem("computed", place, f"'{name}' is computed, so it cannot be set.")
                continue
            value = values.get(name)
            if member.field is None or not isinstance(value, str) or "{{" in value:
                continue
            typed, problems = self.texts.value(self.module, value)
            wanted = field_type(member.field)
            if typed is not None and not problems and not fits(typed.type, wanted):
                yield Problem("type", place, f"This gives {named(typed.type)}, the field holds {named(wanted)}.")

"""Trying an automation with a record: everything is done as it would be, in a transaction that is then undone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from xrm_core.automation import arming
from xrm_core.automation.actions import ACTIONS, Outcome, Run
from xrm_core.automation.actions.messages import rendered
from xrm_core.automation.compiled import Ready, ready
from xrm_core.automation.evaluating import Subject
from xrm_core.automation.match import occurrence
from xrm_core.automation.runner import actor_of
from xrm_core.definitions.automation import Automation
from xrm_core.definitions.checks import check
from xrm_core.definitions.steps import SendMail
from xrm_core.kernel.actor import Actor
from xrm_core.kernel.errors import Invalid, NotFound, XrmError
from xrm_core.kernel.problem import Problem, pointer
from xrm_core.records.reactions import Cause
from xrm_core.records.unit import Unit, Units
from xrm_core.storage import changes as changes_store
from xrm_core.storage import occurrences as store
from xrm_core.storage.workspaces import Workspace


class _Undo(Exception):
    """Ends the transaction of a trial with what came of it."""

    def __init__(self, found: dict[str, Any]) -> None:
        self.found = found


def checked(unit: Unit, automation: Automation) -> Ready:
    """An automation that may not be published yet, made ready; raises Invalid with everything that is wrong with it."""
    definitions = unit.catalog.definitions.with_automation(automation.model_copy(update={"state": "draft"}))
    place = pointer("automations", automation.name)
    problems = [
        Problem(one.code, one.path.removeprefix(place), one.message, one.hint)
        for one in check(definitions)
        if one.path == place or one.path.startswith(place + "/")
    ]
    if problems:
        raise Invalid(problems)
    return ready(unit.catalog, automation)


async def with_record(
    units: Units, workspace: Workspace, actor: Actor, automation: Automation, record_id: UUID | None
) -> dict[str, Any]:
    """What would happen for a record: the condition, every step with its mails, what changes; nothing is kept or sent."""
    try:
        async with units.begin(workspace, actor) as unit:
            raise _Undo(await _try(unit, automation, record_id))
    except _Undo as undone:
        return undone.found


async def _try(unit: Unit, automation: Automation, record_id: UUID | None) -> dict[str, Any]:
    one = checked(unit, automation)
    connection = await unit.transaction()
    row = None
    if one.module is not None:
        if record_id is None:
            raise Invalid(Problem("required", "/record", "The automation needs a record to be tried with."))
        unit.policy.require(one.module.id, "see")
        row = await arming.row_of(connection, one.module, record_id, lock=True)
        if row is None:
            raise NotFound(Problem("not_found", "/record", f"There is no such record in {one.module.name}."))
    made = occurrence(unit, one, row)
    made.state = "running"
    await store.put(connection, unit.schema, [made])
    acting = unit.acting(actor_of(one, unit.workspace.locale), Cause(((one.id, made.record_id),)))
    acting.changed = made.id
    subject = Subject(acting, connection, one, row)
    holds = await subject.holds(automation.when)
    steps: list[dict[str, Any]] = []
    at = 0
    while at < len(one.program) and len(steps) < automation.limits.steps:
        instruction = one.program[at]
        if row is not None and one.module is not None:
            row = await arming.row_of(connection, one.module, row.id)
        subject = Subject(acting, connection, one, row)
        if instruction.step is None:
            at = instruction.jump or at + 1
            continue
        if instruction.unless is not None:
            answer = await subject.holds(instruction.unless)
            steps.append({"place": instruction.place, "step": "branch", "state": "yes" if answer else "no"})
            at = at + 1 if answer else instruction.jump or at + 1
            continue
        made.position = {"at": at, "number": len(steps)}
        run = Run(acting, connection, one, made, subject, instruction.place)
        shown: dict[str, Any] = {"place": instruction.place, "step": instruction.step.do}
        outcome = await _do(run, instruction.step)
        shown |= {
            "state": outcome.state,
            "result": {key: value for key, value in outcome.result.items() if key != "outbox"},
        }
        if isinstance(instruction.step, SendMail):
            shown["mail"] = await _mail(run, instruction.step)
        steps.append(shown)
        if outcome.stop or outcome.state == "failed":
            break
        at += 1
    changes = [
        {
            "module": unit.catalog.modules[event.module_id].name if event.module_id in unit.catalog.modules else event.module_id,
            "record": str(event.record_id), "kind": event.kind, "changes": event.changes,
        }
        for event in await changes_store.of_change(connection, unit.schema, made.id, 200)
    ]  # fmt: skip
    others = await store.find(connection, unit.schema, since=unit.now, limit=100)
    known = {automation.id: automation.name for automation in unit.catalog.definitions.automations}
    return {
        "condition": holds,
        "steps": steps,
        "changes": changes,
        "sets_off": sorted({
            known.get(other.automation_id, other.automation_id)
            for other in others
            if other.id != made.id and not other.timed and other.context.get("chain")
        }),
    }  # fmt: skip


async def _do(run: Run, step: Any) -> Outcome:
    try:
        async with run.connection.transaction():
            return await ACTIONS[type(step)](run, step)
    except XrmError as error:
        return Outcome({"problems": [problem.as_dict() for problem in error.problems]}, "failed")


async def _mail(run: Run, step: SendMail) -> dict[str, Any]:
    made = await rendered(run, step)
    return {"to": await run.subject.addresses(step.to), "subject": made.subject, "text": made.text}

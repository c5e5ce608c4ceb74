"""Any step in the life of a pack, by its name: planned, done, and the history of those that were done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args

from xrm_core.definitions.merge import Choice, known_decisions
from xrm_core.definitions.names import did_you_mean
from xrm_core.kernel.actor import Actor
from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.problem import Problem
from xrm_core.packs.install import plan_install
from xrm_core.packs.layout import PackContents
from xrm_core.packs.plans import Decisions, PackPlan, carry_out
from xrm_core.packs.uninstall import plan_uninstall
from xrm_core.packs.upgrade import plan_rollback, plan_upgrade
from xrm_core.publishing import Published
from xrm_core.records.unit import Units
from xrm_core.storage import packs as store
from xrm_core.storage.workspaces import Workspace

Action = Literal["install", "upgrade", "uninstall", "rollback"]
Fetch = Callable[[], PackContents]


def read_action(text: Any, *, installed: bool) -> Action:
    """The step that a request names; without one it is the next sensible one."""
    if text is None:
        return "upgrade" if installed else "install"
    found: Action | None = next((action for action in get_args(Action) if action == text), None)
    if found is None:
        raise Invalid(
            Problem("value", "/action", "There is no such step.", did_you_mean(str(text), list(get_args(Action))))
        )
    return found


def read_decisions(data: Any) -> Decisions:
    """Decisions as they are sent: `[{"path", "choice", "question"?}]`."""
    problems: list[Problem] = []
    rows = data if isinstance(data, list) else []
    if not isinstance(data, list):
        problems.append(Problem("type", "/decisions", "A list of decisions is needed."))
    for number, one in enumerate(rows):
        place = f"/decisions/{number}"
        if not isinstance(one, dict) or not isinstance(one.get("path"), str):
            problems.append(Problem("type", place, 'A decision is {"path": "...", "choice": "mine"}.'))
        elif one.get("choice") not in get_args(Choice):
            problems.append(Problem("value", f"{place}/choice", "Choose mine, theirs or both."))
    if problems:
        raise Invalid(problems)
    return known_decisions(rows)


def read_otherwise(text: Any) -> Choice | None:
    """Which side wins where nothing was decided; None: somebody must decide."""
    if text not in (None, "mine", "theirs"):
        raise Invalid(Problem("value", "/otherwise", "Choose mine or theirs."))
    found: Choice | None = text
    return found


async def plan_step(
    units: Units,
    workspace: Workspace,
    actor: Actor,
    action: Action,
    name: str,
    fetch: Fetch,
    decisions: Decisions | None = None,
    otherwise: Choice | None = None,
) -> PackPlan:
    """What a step would do; changes nothing. `fetch` reads the pack, for the steps that need its files."""
    if action == "install":
        return await plan_install(units, workspace, actor, fetch(), decisions, otherwise=otherwise or "mine")
    if action == "upgrade":
        return await plan_upgrade(units, workspace, actor, fetch(), decisions, otherwise=otherwise)
    if action == "uninstall":
        return await plan_uninstall(units, workspace, actor, name, decisions)
    return await plan_rollback(units, workspace, actor, name)


async def do_step(units: Units, workspace: Workspace, actor: Actor, plan: PackPlan) -> Published:
    """Do a planned step."""
    said = {
        "install": f"{plan.to_version} installed",
        "reinstall": f"{plan.to_version} installed again",
        "upgrade": f"upgraded from {plan.from_version} to {plan.to_version}",
        "downgrade": f"taken down from {plan.from_version} to {plan.to_version}",
        "uninstall": f"{plan.from_version} uninstalled",
        "rollback": f"taken back to {plan.to_version}" if plan.to_version else "taken back",
    }
    return await carry_out(units, workspace, actor, plan, f"Pack {plan.pack} {said[plan.kind]}")


async def steps_of(units: Units, workspace: Workspace, name: str) -> list[dict[str, Any]]:
    """What was done with a pack, the newest first, as plain data."""
    async with units.database.connection() as connection:
        found = await store.steps(connection, workspace.schema, name)
    return [
        {
            "id": str(step.id),
            "kind": step.kind,
            "from": step.from_version,
            "to": step.to_version,
            "definitions": step.after_number,
            "decisions": step.decisions,
            "counts": step.counts,
            "actor": step.actor,
            "at": step.at.isoformat(),
            "undone_at": step.undone_at.isoformat() if step.undone_at else None,
        }
        for step in found
    ]

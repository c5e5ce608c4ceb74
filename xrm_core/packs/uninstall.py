"""Taking a pack away: the definitions are what they were without it, plus what was done here; its data waits for it."""

from __future__ import annotations

from dataclasses import replace

from xrm_core.definitions.merge import Choice, Decision, known_decisions, merge
from xrm_core.definitions.pack_contents import composed, needed_by
from xrm_core.kernel.actor import Actor
from xrm_core.kernel.errors import Conflict
from xrm_core.packs.conversions import Conversions
from xrm_core.packs.installed import REMOVED, refuse_removal
from xrm_core.packs.plans import Decisions, PackPlan, carry_out, finish, require_design, situation, stored
from xrm_core.publishing import Published
from xrm_core.records.unit import Units
from xrm_core.storage.workspaces import Workspace


async def plan_uninstall(
    units: Units, workspace: Workspace, actor: Actor, name: str, decisions: Decisions | None = None
) -> PackPlan:
    """What taking a pack away would change; changes nothing.

    What was changed here in the pack's own parts goes with them (and comes back with them) unless it is decided to stay;
    what uses them is archived.
    """
    await require_design(units, workspace, actor)
    async with units.database.connection() as connection:
        now = await situation(connection, workspace.schema)
        pack = now.required(name)
        problems = refuse_removal(name, now.installed)
        if problems:
            raise Conflict(problems)
        needed = needed_by(pack, now.installed.values())
        base, theirs = composed([*needed, pack]), composed(needed)
        before = now.known.get(name)
        answers = {**known_decisions(before.decisions if before is not None else []), **(decisions or {})}
        first = merge(base, theirs, now.live, answers, gone="archive")
        leaves: Choice = "theirs"
        goes = {c.path: Decision(leaves, c.question) for c in first.open if c.clash == "deleted_there"}
        merged = merge(base, theirs, now.live, {**answers, **goes}, gone="archive")
        plan = await finish(
            now,
            "uninstall",
            pack,
            merged,
            Conversions(now.live, merged.definitions),
            from_version=pack.version,
            to_version=None,
            otherwise="mine",
            keep=False,
        )
    row = stored(now, pack, REMOVED, replace(merged, conflicts=()), units.clock.now())
    return replace(plan, after=row)


async def uninstall(units: Units, workspace: Workspace, actor: Actor, plan: PackPlan) -> Published:
    """Take a pack away as planned."""
    return await carry_out(units, workspace, actor, plan, f"Pack {plan.pack} {plan.from_version} uninstalled")

"""Going over to another version of a pack, and back: local changes stay, values go along."""

from __future__ import annotations

from dataclasses import replace

from xrm_core.definitions.merge import Choice, Merged, known_decisions, merge
from xrm_core.definitions.pack_contents import composed, needed_by
from xrm_core.kernel.actor import Actor
from xrm_core.kernel.errors import Conflict, Invalid
from xrm_core.kernel.problem import Problem
from xrm_core.packs.conversions import Conversions
from xrm_core.packs.installed import INSTALLED, refuse_version
from xrm_core.packs.layout import PackContents
from xrm_core.packs.plans import (
    Decisions,
    Kind,
    PackPlan,
    Situation,
    carry_out,
    combined,
    finish,
    require_design,
    situation,
    stored,
)
from xrm_core.packs.validate import validate
from xrm_core.packs.versions import version_of
from xrm_core.publishing import Published, get_version
from xrm_core.publishing.impact import counter
from xrm_core.publishing.plan import plan as plan_definitions
from xrm_core.records.unit import Units
from xrm_core.storage import packs as store
from xrm_core.storage.workspaces import Workspace


async def plan_upgrade(
    units: Units,
    workspace: Workspace,
    actor: Actor,
    contents: PackContents,
    decisions: Decisions | None = None,
    *,
    otherwise: Choice | None = None,
) -> PackPlan:
    """What going over to this version of an installed pack would change; changes nothing.

    Conflicts that nobody decided are problems of the plan, unless `otherwise` says which side wins them all.
    """
    await require_design(units, workspace, actor)
    async with units.database.connection() as connection:
        now = await situation(connection, workspace.schema)
        old, pack = now.required(contents.name), contents.definition
        if version_of(old.version) == version_of(pack.version) and old == pack:
            raise Conflict(
                Problem("installed", "", f"{pack.name} {pack.version} is installed.", "There is nothing to do.")
            )
        needed = needed_by(pack, now.installed.values())
        problems = validate(contents, composed(needed)) + refuse_version(pack.name, pack.version, now.installed)
        if problems:
            raise Invalid(problems)
        before = now.known.get(pack.name)
        answers = {**known_decisions(before.decisions if before is not None else []), **(decisions or {})}
        theirs = composed([*needed, pack])
        merged = combined(composed([*needed, old]), theirs, now.live, answers, otherwise)
        up = version_of(pack.version) >= version_of(old.version)
        conversions = Conversions(now.live, merged.definitions)
        undoes: list[store.PackStep] = []
        if up:
            conversions.declared(pack.migrations, old.version, pack.version, theirs)
            undoes = await _left_behind(now, pack.name, pack.version)
        else:
            undoes = await _above(now, pack.name, pack.version)
        conversions.renamed()
        kind: Kind = "upgrade" if up else "downgrade"
        plan = await finish(
            now,
            kind,
            pack,
            merged,
            conversions,
            from_version=old.version,
            to_version=pack.version,
            otherwise=otherwise,
            keep=True,
        )
    row = stored(now, pack, INSTALLED, merged, units.clock.now())
    return replace(plan, after=row, undoes=tuple(step.id for step in undoes))


async def _left_behind(now: Situation, name: str, version: str) -> list[store.PackStep]:
    """The step that left this version, if it was the last one: what it set aside comes back."""
    steps = await store.steps(now.connection, now.schema, name, limit=1)
    return [s for s in steps if s.kind in ("rollback", "downgrade") and s.from_version == version and not s.undone_at]


async def _above(now: Situation, name: str, version: str) -> list[store.PackStep]:
    """The upgrades beyond a version that still hold, the newest first."""
    steps = await store.steps(now.connection, now.schema, name)
    return [
        step
        for step in steps
        if step.kind == "upgrade"
        and step.undone_at is None
        and version_of(step.to_version or "0") > version_of(version)
    ]


async def upgrade(units: Units, workspace: Workspace, actor: Actor, plan: PackPlan) -> Published:
    """Do a planned upgrade or downgrade."""
    summary = f"Pack {plan.pack} {plan.from_version} to {plan.to_version}"
    return await carry_out(units, workspace, actor, plan, summary)


async def plan_rollback(units: Units, workspace: Workspace, actor: Actor, name: str) -> PackPlan:
    """What taking back the last step of a pack would change: definitions and values as before, later work kept."""
    await require_design(units, workspace, actor)
    async with units.database.connection() as connection:
        now = await situation(connection, workspace.schema)
        steps = await store.steps(connection, workspace.schema, name)
        step = next((one for one in steps if one.undone_at is None and one.kind != "rollback"), None)
        if step is None:
            raise Conflict(Problem("nothing", "", f"There is no step of the pack '{name}' to take back.", ""))
        _, was = await get_version(connection, workspace.schema, step.before_number)
        _, became = await get_version(connection, workspace.schema, step.after_number)
        if now.number == step.after_number:
            merged = Merged(was)
        else:
            merged = merge(became, was, now.live, gone="archive")
        change = await plan_definitions(
            connection,
            workspace.schema,
            merged.definitions,
            base=(now.number, now.live),
            converted=_names_of(now, merged),
        )
        conversions = Conversions(now.live, merged.definitions)
        conversions.set_aside()
        found = await conversions.counted(counter(connection, workspace.schema))
        before = now.known.get(name)
        after = None
        if step.contents_before is not None and before is not None:
            version = step.contents_before["manifest"]["version"]
            after = replace(
                before, version=version, state=step.state_before or INSTALLED, contents=step.contents_before
            )
    return PackPlan(
        "rollback",
        name,
        step.to_version,
        step.from_version,
        change,
        merged,
        tuple(found),
        after=after,
        before=before,
        undoes=(step.id,),
    )


def _names_of(now: Situation, merged: Merged) -> set[tuple[str, str, str]]:
    # Whatever name a step gave to values, taking it back gives them the old ones.
    conversions = Conversions(now.live, merged.definitions)
    conversions.renamed()
    found = conversions.converted()
    for module in now.live.modules:
        found |= {(module.id, "stage", stage.name) for pipeline in module.pipelines for stage in pipeline.stages}
    return found


async def rollback(units: Units, workspace: Workspace, actor: Actor, plan: PackPlan) -> Published:
    """Take back a step, data included."""
    summary = f"Pack {plan.pack} back to {plan.to_version}" if plan.to_version else f"Pack {plan.pack} taken back"
    return await carry_out(units, workspace, actor, plan, summary)

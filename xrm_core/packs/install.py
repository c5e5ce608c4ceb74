"""Installing a pack, for the first time or again: what it brings is merged into what runs."""

from __future__ import annotations

from dataclasses import replace

from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.merge import Choice, Merged, known_decisions, merge
from xrm_core.definitions.pack_contents import PackDefinition, composed, needed_by
from xrm_core.kernel.actor import Actor
from xrm_core.kernel.errors import Conflict, Invalid
from xrm_core.kernel.problem import Problem
from xrm_core.packs.conversions import Conversions
from xrm_core.packs.installed import INSTALLED, REMOVED
from xrm_core.packs.joining import joined
from xrm_core.packs.layout import PackContents
from xrm_core.packs.plans import (
    Decisions,
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
from xrm_core.publishing import Published, get_version
from xrm_core.records.unit import Units
from xrm_core.storage import packs as store
from xrm_core.storage.workspaces import Workspace

__all__ = ["install", "joined", "plan_install"]


async def plan_install(
    units: Units,
    workspace: Workspace,
    actor: Actor,
    contents: PackContents,
    decisions: Decisions | None = None,
    *,
    otherwise: Choice | None = "mine",
    afresh: bool = False,
) -> PackPlan:
    """What installing a pack would change; changes nothing.

    A pack that was here before comes back as it was left, with local changes and values; `afresh` forgets those changes.
    """
    await require_design(units, workspace, actor)
    async with units.database.connection() as connection:
        now = await situation(connection, workspace.schema)
        there = now.live.packs.get(contents.name)
        if there is not None:
            hint = "There is nothing to do." if there == contents.version else "Upgrade it instead."
            raise Conflict(
                Problem("installed", "", f"The pack '{contents.name}' is installed in version {there}.", hint)
            )
        problems = validate(contents, now.live)
        if problems:
            raise Invalid(problems)
        pack = contents.definition
        before = now.known.get(pack.name)
        known = {} if before is None else known_decisions(before.decisions)
        answers = {**known, **(decisions or {})}
        left = await _left(now, pack.name) if before is not None and before.state == REMOVED and not afresh else None
        if left is None:
            merged = _fresh(now, pack, answers, otherwise)
            undoes: tuple[store.PackStep, ...] = ()
        else:
            merged = await _again(now, left, pack, answers, otherwise)
            undoes = (left,)
        plan = await finish(
            now,
            "install" if left is None else "reinstall",
            pack,
            merged,
            Conversions(now.live, merged.definitions),
            from_version=None,
            to_version=pack.version,
            otherwise=otherwise,
            keep=True,
        )
    row = stored(now, pack, INSTALLED, merged, units.clock.now())
    return replace(plan, after=row, undoes=tuple(step.id for step in undoes))


def _fresh(now: Situation, pack: PackDefinition, answers: Decisions, otherwise: Choice | None) -> Merged:
    needed = needed_by(pack, now.installed.values())
    return combined(composed(needed), composed([*needed, pack]), now.live, answers, otherwise)


async def _left(now: Situation, name: str) -> store.PackStep | None:
    """The step that took the pack away."""
    steps = await store.steps(now.connection, now.schema, name)
    return next((step for step in steps if step.kind == "uninstall" and step.undone_at is None), None)


async def _again(
    now: Situation, left: store.PackStep, pack: PackDefinition, answers: Decisions, otherwise: Choice | None
) -> Merged:
    """What the uninstall took away is put back as it was, then goes over to the version at hand."""
    _, was = await get_version(now.connection, now.schema, left.before_number)
    _, without = await get_version(now.connection, now.schema, left.after_number)
    back: DefinitionSet = merge(without, was, now.live, answers).definitions
    old = PackDefinition.model_validate(left.contents_before) if left.contents_before else pack
    needed = needed_by(pack, now.installed.values())
    return combined(composed([*needed, old]), composed([*needed, pack]), back, answers, otherwise)


async def install(
    units: Units, workspace: Workspace, actor: Actor, contents: PackContents, plan: PackPlan | None = None
) -> Published:
    """Install a pack's definitions. Its sample data is loaded afterwards, as an import."""
    step = plan or await plan_install(units, workspace, actor, contents)
    return await carry_out(units, workspace, actor, step, f"Pack {contents.name} {contents.version} installed")

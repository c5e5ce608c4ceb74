"""Installing a pack: the set of definitions that a workspace should have afterwards, planned and published."""

from __future__ import annotations

from xrm_core.definitions.collection import DefinitionSet
from xrm_core.kernel.actor import Actor
from xrm_core.kernel.errors import Conflict, Invalid
from xrm_core.kernel.problem import Problem
from xrm_core.packs.joining import joined
from xrm_core.packs.layout import PackContents
from xrm_core.packs.validate import validate
from xrm_core.publishing import ChangePlan, Published, apply, plan_change
from xrm_core.records.unit import Units
from xrm_core.storage.workspaces import Workspace


def wanted_with(definitions: DefinitionSet, contents: PackContents) -> DefinitionSet:
    """The definitions with a pack in them; `Conflict` when it is installed already, `Invalid` with all its problems."""
    there = definitions.packs.get(contents.name)
    if there is not None:
        same = there == contents.version
        hint = "There is nothing to do." if same else "Upgrade it instead."
        raise Conflict(Problem("installed", "", f"The pack '{contents.name}' is installed in version {there}.", hint))
    problems = validate(contents, definitions)
    if problems:
        raise Invalid(problems)
    return joined(definitions, contents)


async def plan_install(units: Units, workspace: Workspace, actor: Actor, contents: PackContents) -> ChangePlan:
    """What installing a pack would change; changes nothing."""
    catalog = await units.catalogs.get(workspace)
    return await plan_change(units, workspace, actor, wanted_with(catalog.definitions, contents))


async def install(units: Units, workspace: Workspace, actor: Actor, contents: PackContents) -> Published:
    """Install a pack's definitions. Its sample data is loaded afterwards, as an import."""
    plan = await plan_install(units, workspace, actor, contents)
    return await apply(units, workspace, actor, plan, f"Pack {contents.name} {contents.version} installed")

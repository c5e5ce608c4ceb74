"""A step in the life of a pack, planned: what comes over, what meets local changes, which values are converted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal
from uuid import UUID

from xrm_core.access.policy import policy_of
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.diff import Change
from xrm_core.definitions.merge import Choice, Conflict, Decision, Merged, merge
from xrm_core.definitions.pack_contents import PackDefinition
from xrm_core.kernel.actor import Actor
from xrm_core.kernel.errors import Conflict as Refused
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.problem import Problem
from xrm_core.packs.conversions import Conversions, Planned
from xrm_core.packs.installed import INSTALLED, installed_packs
from xrm_core.publishing import ChangePlan, Published, apply
from xrm_core.publishing.impact import counter
from xrm_core.publishing.plan import current, plan
from xrm_core.publishing.publish import BACKFILL
from xrm_core.records.unit import Units
from xrm_core.storage import definitions as definition_store
from xrm_core.storage import packs as store
from xrm_core.storage.database import Connection
from xrm_core.storage.workspaces import Workspace

Kind = Literal["install", "upgrade", "downgrade", "uninstall", "reinstall", "rollback"]
Decisions = Mapping[str, Decision]


@dataclass(frozen=True)
class PackPlan:
    """What a step would do; only good for the version of the definitions it was made for."""

    kind: Kind
    pack: str
    from_version: str | None
    to_version: str | None
    change: ChangePlan
    merged: Merged
    conversions: tuple[Planned, ...] = ()
    after: store.StoredPack | None = None
    """How the pack stands afterwards; None when it was never here."""
    before: store.StoredPack | None = None
    undoes: tuple[UUID, ...] = ()
    """Earlier steps whose replaced values are put back, the newest first."""

    @property
    def ok(self) -> bool:
        """Whether it may be done."""
        return self.change.ok

    @property
    def changes(self) -> tuple[Change, ...]:
        return self.change.changes

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self.change.problems

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        return self.merged.conflicts

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON data: what a review shows."""
        return {
            "kind": self.kind,
            "pack": self.pack,
            "from": self.from_version,
            "to": self.to_version,
            **self.change.as_dict(),
            "conflicts": [conflict.as_dict() for conflict in self.merged.conflicts],
            "notes": [note.as_dict() for note in self.merged.notes],
            "conversions": [planned.as_dict() for planned in self.conversions],
        }


@dataclass
class Situation:
    """What there is when a step is planned."""

    connection: Connection
    schema: str
    number: int
    live: DefinitionSet
    installed: dict[str, PackDefinition]
    known: dict[str, store.StoredPack]

    def required(self, name: str) -> PackDefinition:
        """An installed pack; `Conflict` when it is not."""
        if name not in self.installed:
            raise Refused(Problem("not_installed", "", f"The pack '{name}' is not installed.", "Install it first."))
        return self.installed[name]


async def situation(connection: Connection, schema: str) -> Situation:
    """The workspace's definitions and packs as they are now."""
    number, live = await current(connection, schema)
    installed, known = await installed_packs(connection, schema, live)
    return Situation(connection, schema, number, live, installed, known)


async def require_design(units: Units, workspace: Workspace, actor: Actor) -> None:
    """Only who may change definitions may plan and do steps."""
    policy_of(await units.catalogs.get(workspace), actor).require_design()


def decided(merged: Merged, otherwise: Choice | None) -> list[Problem]:
    """A problem for every conflict that nobody decided, unless all others are decided one way."""
    if otherwise is not None:
        return []
    return [
        Problem(
            "undecided",
            f"/{conflict.path}",
            f"Changed here and in the pack: {conflict.clash.replace('_', ' ')}.",
            f"Choose one of {', '.join(conflict.choices)}.",
        )
        for conflict in merged.open
    ]


async def finish(
    now: Situation,
    kind: Kind,
    pack: PackDefinition,
    merged: Merged,
    conversions: Conversions,
    *,
    from_version: str | None,
    to_version: str | None,
    otherwise: Choice | None,
    keep: bool,
) -> PackPlan:
    """The plan of a step from the merged set."""
    count = counter(now.connection, now.schema)
    wanted = await conversions.kept(count) if keep else conversions.wanted
    if not keep:
        await conversions.leave_stages(count)
    conversions.set_aside()
    found = await conversions.counted(count)
    change = await plan(
        now.connection, now.schema, wanted, base=(now.number, now.live), count=count, converted=conversions.converted()
    )
    open_ = decided(merged, otherwise)
    if open_:
        change = replace(change, problems=(*open_, *change.problems))
    return PackPlan(
        kind, pack.name, from_version, to_version, change, merged, tuple(found), before=now.known.get(pack.name)
    )


def combined(
    base: DefinitionSet,
    theirs: DefinitionSet,
    mine: DefinitionSet,
    decisions: Decisions,
    otherwise: Choice | None,
    *,
    gone: Literal["keep", "archive"] = "keep",
) -> Merged:
    """A merge in which what nobody decided goes one way."""
    merged = merge(base, theirs, mine, decisions, gone=gone)
    if otherwise is None or otherwise == "mine" or not merged.open:
        return merged
    more = {c.path: Decision(otherwise, c.question) for c in merged.open if otherwise in c.choices}
    return merge(base, theirs, mine, {**decisions, **more}, gone=gone)


def kept_decisions(before: store.StoredPack | None, merged: Iterable[Conflict]) -> list[dict[str, Any]]:
    """Earlier decisions with those of this step: the same question is answered the same next time."""
    found = {str(one["path"]): one for one in (before.decisions if before is not None else [])}
    for conflict in merged:
        if conflict.decided:
            found[conflict.path] = {"path": conflict.path, "choice": conflict.chosen, "question": conflict.question}
    return [found[path] for path in sorted(found)]


async def carry_out(units: Units, workspace: Workspace, actor: Actor, step: PackPlan, summary: str) -> Published:
    """Do what was planned: definitions, the pack's row, the step's own row and the work with values in one transaction."""
    now, step_id = units.clock.now(), new_id()
    schema = workspace.schema

    async def also(connection: Connection, number: int) -> None:
        counts = {f"{p.module_id}.{p.key}": sum(p.counts.values()) for p in step.conversions}
        row = store.PackStep(
            step_id,
            step.pack,
            step.kind,
            step.from_version,
            step.to_version,
            step.change.base_version,
            number,
            step.before.contents if step.before is not None else None,
            step.before.state if step.before is not None else None,
            kept_decisions(None, step.merged.conflicts),
            counts,
            dict(actor.as_dict()),
            now,
        )
        await store.add_step(connection, schema, row)
        if step.after is None:
            await store.forget_pack(connection, schema, step.pack)
        else:
            await store.save_pack(connection, schema, step.after)
        for undone in step.undoes:
            await store.undo_step(connection, schema, undone, now)
            for module_id in await store.kept_modules(connection, schema, undone):
                payload = {"kind": "revert", "module": module_id, "step": str(undone)}
                await definition_store.queue(
                    connection, schema, BACKFILL, f"{BACKFILL}:{undone}:{module_id}", payload, now
                )
        for planned in step.conversions:
            key = f"{BACKFILL}:{step_id}:{planned.module_id}:{planned.key}"
            await definition_store.queue(connection, schema, BACKFILL, key, planned.payload(str(step_id)), now)

    return await apply(units, workspace, actor, step.change, summary, also)


def stored(now: Situation, pack: PackDefinition, state: str, merged: Merged, at: Any) -> store.StoredPack:
    """The row of a pack after a step."""
    before = now.known.get(pack.name)
    return store.StoredPack(
        pack.name,
        pack.version,
        state,
        pack.snapshot(),
        kept_decisions(before, merged.conflicts),
        before.installed_at if before is not None and before.state == INSTALLED else at,
        at,
    )

"""Drafts: what a person is about to change, kept operation by operation until it is published or thrown away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from xrm_core.definitions.checks import check
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.diff import Change, diff
from xrm_core.definitions.merge import Decision, Merged, known_decisions, merge
from xrm_core.definitions.operations import Operation, apply, apply_all, check_operation
from xrm_core.definitions.uses import located
from xrm_core.kernel.actor import Actor
from xrm_core.kernel.errors import Conflict, Invalid, XrmError
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.problem import Problem
from xrm_core.publishing.apply import apply as carry_out
from xrm_core.publishing.history import get_version, version_dict
from xrm_core.publishing.plan import ChangePlan, current
from xrm_core.publishing.planning import plan_set
from xrm_core.publishing.publish import Published
from xrm_core.records.unit import Unit, Units
from xrm_core.storage import definitions as definition_store
from xrm_core.storage import drafts as store
from xrm_core.storage.database import Connection
from xrm_core.storage.drafts import StoredDraft
from xrm_core.storage.workspaces import Workspace

MOST_OPERATIONS = 2_000
MERGED = "merged"
"""The operation that stands for earlier ones that could not be repeated on top of what others published."""


@dataclass(frozen=True)
class Draft:
    """A draft with what it leads to. One without operations is not stored yet."""

    member: str
    base_number: int
    base: DefinitionSet
    wanted: DefinitionSet
    number: int
    """The version that is published now."""
    stored: StoredDraft | None = None
    since: tuple[dict[str, Any], ...] = ()
    """Versions that others published since the draft began."""
    others: tuple[dict[str, Any], ...] = ()

    @property
    def version(self) -> int:
        """Counts the changes of the draft; 0 when there is none."""
        return self.stored.version if self.stored is not None else 0

    @property
    def operations(self) -> list[Operation]:
        return self.stored.operations if self.stored is not None else []

    def problems(self) -> list[Problem]:
        """Everything that is wrong with what the draft leads to."""
        return check(self.wanted)

    def changes(self) -> list[Change]:
        """The difference from the version on which the draft is based."""
        return diff(self.base, self.wanted)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON data, without the definitions."""
        return {
            "version": self.version,
            "base_version": self.base_number,
            "current_version": self.number,
            "hash": self.wanted.hash,
            "operations": [_shown(operation) for operation in self.operations],
            "undo": len(self.operations),
            "redo": len(self.stored.undone) if self.stored is not None else 0,
            "changes": [change.as_dict() for change in self.changes()],
            "problems": [located(self.wanted, problem) for problem in self.problems()],
            "behind": list(self.since),
            "others": list(self.others),
            "updated_at": self.stored.updated_at.isoformat() if self.stored is not None else None,
        }


def _shown(operation: Operation) -> Operation:
    return {key: value for key, value in operation.items() if key != "snapshot"}


class Drafts:
    """The draft of one person in one workspace."""

    def __init__(self, units: Units, workspace: Workspace, actor: Actor) -> None:
        self.units, self.workspace, self.actor = units, workspace, actor
        self.schema = workspace.schema
        self.member = str(actor.user_id or actor.name)

    @asynccontextmanager
    async def _unit(self) -> AsyncIterator[Unit]:
        async with self.units.begin(self.workspace, self.actor) as unit:
            unit.policy.require_design()
            yield unit

    async def get(self) -> Draft:
        """The draft as it is; an empty one on top of what is published when there is none."""
        async with self._unit() as unit, self.units.database.writing() as connection:
            return await self._read(unit, connection)

    async def append(self, operations: Sequence[Any], version: int | None = None) -> Draft:
        """Do more operations, all or none; with `version` only if the draft is still at it."""
        checked = [check_operation(one, f"/operations/{n}") for n, one in enumerate(operations)]

        def change(draft: Draft) -> tuple[list[Operation], list[Operation], DefinitionSet]:
            if len(draft.operations) + len(checked) > MOST_OPERATIONS:
                hint = "Publish what is there."
                raise Conflict(Problem("too_many", "", f"A draft has at most {MOST_OPERATIONS} operations.", hint))
            wanted = draft.wanted
            for number, operation in enumerate(checked):
                try:
                    wanted = apply(wanted, operation, draft.base)
                except XrmError as error:
                    raise type(error)([p.under(f"/operations/{number}") for p in error.problems]) from None
            return [*draft.operations, *checked], [], wanted

        return await self._change(change, version)

    async def undo(self, version: int | None = None) -> Draft:
        """Take the last operation back."""

        def change(draft: Draft) -> tuple[list[Operation], list[Operation], DefinitionSet]:
            if not draft.operations or draft.stored is None:
                raise Conflict(Problem("nothing", "", "There is nothing to undo."))
            rest = draft.operations[:-1]
            return rest, [*draft.stored.undone, draft.operations[-1]], replayed(draft.base, rest)

        return await self._change(change, version)

    async def redo(self, version: int | None = None) -> Draft:
        """Do the operation again that was taken back last."""

        def change(draft: Draft) -> tuple[list[Operation], list[Operation], DefinitionSet]:
            if draft.stored is None or not draft.stored.undone:
                raise Conflict(Problem("nothing", "", "There is nothing to do again."))
            again = draft.stored.undone[-1]
            wanted = replayed(draft.base, [again], draft.wanted)
            return [*draft.operations, again], draft.stored.undone[:-1], wanted

        return await self._change(change, version)

    async def discard(self) -> bool:
        """Throw the draft away; whether there was one."""
        async with self._unit(), self.units.database.writing() as connection:
            return await store.forget_draft(connection, self.schema, self.member)

    async def plan(self, samples: int = 10) -> ChangePlan:
        """What publishing the draft would mean."""
        draft = await self.get()
        self._require_current(draft)
        return await plan_set(self.units, self.workspace, self.actor, lambda _: draft.wanted, samples=samples)

    async def publish(self, summary: str = "", version: int | None = None) -> tuple[Published, ChangePlan]:
        """Publish the draft, which is gone afterwards; `Conflict` tells what others published meanwhile."""
        draft = await self.get()
        self._require_version(draft, version)
        self._require_current(draft)
        made = await plan_set(self.units, self.workspace, self.actor, lambda _: draft.wanted, samples=0)
        if made.base_version != draft.base_number:
            self._require_current(await self.get())

        async def also(connection: Connection, number: int) -> None:
            await store.forget_draft(connection, self.schema, self.member)

        done = await carry_out(self.units, self.workspace, self.actor, made, summary, also)
        if not done.changed:
            await self.discard()
        return done, made

    async def rebase(self, decisions: Any = None, *, only_plan: bool = False) -> tuple[Draft, Merged]:
        """Put the draft on top of what is published now: a three-way merge, conflicts decided as `decisions` say."""
        chosen = read_decisions(decisions)
        async with self._unit() as unit, self.units.database.writing() as connection:
            draft = await self._read(unit, connection)
            number, theirs = await current(connection, self.schema)
        merged = merge(draft.base, theirs, draft.wanted, chosen)
        if only_plan or draft.stored is None or number == draft.base_number:
            return draft, merged
        undecided = merged.open
        if undecided:
            raise Conflict(
                [
                    Problem(
                        "undecided",
                        f"/{conflict.path}",
                        f"Changed here and by somebody else: {conflict.clash.replace('_', ' ')}.",
                        f"Choose one of {', '.join(conflict.choices)}.",
                    )
                    for conflict in undecided
                ]
            )
        merged = replace(merged, definitions=_plain(_plain(merged.definitions, draft.wanted), theirs))
        operations = _repeated(theirs, draft.operations, merged.definitions)

        def change(_: Draft) -> tuple[list[Operation], list[Operation], DefinitionSet]:
            return operations, [], merged.definitions

        return await self._change(change, draft.version, base=(number, theirs)), merged

    # -- inside ---------------------------------------------------------------------------------------------------

    async def _read(self, unit: Unit, connection: Connection, *, lock: bool = False) -> Draft:
        stored = await store.draft_of(connection, self.schema, self.member, lock=lock)
        number, published = await self._current(unit, connection)
        told = tuple(
            {"member": member, "operations": count, "updated_at": at.isoformat()}
            for member, count, at in await store.others(connection, self.schema, self.member)
        )
        if stored is None:
            return Draft(self.member, number, published, published, number, others=told)
        base = published
        since: tuple[dict[str, Any], ...] = ()
        if stored.base_number != number:
            _, base = await get_version(connection, self.schema, stored.base_number)
            versions = await definition_store.versions(connection, self.schema, limit=20)
            since = tuple(version_dict(v) for v in versions if v.number > stored.base_number)
        return Draft(self.member, stored.base_number, base, self._wanted(unit, stored), number, stored, since, told)

    async def _current(self, unit: Unit, connection: Connection) -> tuple[int, DefinitionSet]:
        newest = await definition_store.newest(connection, self.schema)
        if newest == unit.catalog.version:
            return newest, unit.catalog.definitions
        return await current(connection, self.schema)

    def _wanted(self, unit: Unit, stored: StoredDraft) -> DefinitionSet:
        # Read once per version of the draft; a large set takes a moment to read.
        kept: dict[str, tuple[Any, DefinitionSet]] = unit.catalog.memo.setdefault("drafts", {})
        known = kept.get(self.member)
        if known is not None and known[0] == (stored.id, stored.version):
            return known[1]
        found = DefinitionSet.model_validate(stored.snapshot)
        kept[self.member] = ((stored.id, stored.version), found)
        return found

    async def _change(
        self,
        change: Callable[[Draft], tuple[list[Operation], list[Operation], DefinitionSet]],
        version: int | None,
        base: tuple[int, DefinitionSet] | None = None,
    ) -> Draft:
        now = self.units.clock.now()
        async with self._unit() as unit, self.units.database.transaction() as connection:
            draft = await self._read(unit, connection, lock=True)
            self._require_version(draft, version)
            operations, undone, wanted = change(draft)
            before = draft.stored
            stored = StoredDraft(
                before.id if before is not None else new_id(),
                self.member,
                draft.version + 1,
                base[0] if base is not None else draft.base_number,
                operations,
                undone,
                wanted.snapshot(),
                before.created_at if before is not None else now,
                now,
            )
            await store.save_draft(connection, self.schema, stored)
            unit.catalog.memo.setdefault("drafts", {})[self.member] = ((stored.id, stored.version), wanted)
            if base is not None:
                draft = replace(draft, base_number=base[0], base=base[1], number=base[0], since=())
            return replace(draft, stored=stored, wanted=wanted)

    def _require_version(self, draft: Draft, version: int | None) -> None:
        if version is not None and version != draft.version:
            raise Conflict(
                Problem(
                    "draft_changed",
                    "/version",
                    f"The draft is at {draft.version}, not at {version}: it was changed in another window.",
                    "Load it again.",
                )
            )

    def _require_current(self, draft: Draft) -> None:
        if draft.base_number == draft.number:
            return
        own = {change.path for change in draft.changes()}
        problems = []
        for version in reversed(draft.since):
            paths = [str(change["path"]) for change in version["changes"]]
            meeting = [path for path in paths if path in own]
            shown = ", ".join(paths[:5]) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")
            who = version["author"].get("name") or "somebody"
            problems.append(
                Problem(
                    "changed_meanwhile",
                    f"/{meeting[0]}" if meeting else "",
                    f"{who} published version {version['number']} meanwhile: {version['summary']} ({shown}).",
                    f"Both change {', '.join(meeting[:5])}: bring the draft up to date and decide."
                    if meeting
                    else "Bring the draft up to date.",
                )
            )
        raise Conflict(
            problems or Problem("changed_meanwhile", "", "Somebody published meanwhile.", "Bring it up to date.")
        )


def replayed(base: DefinitionSet, operations: list[Operation], start: DefinitionSet | None = None) -> DefinitionSet:
    """The set after these operations; one that stands for a merge brings its set along."""
    found = start if start is not None else base
    for operation in operations:
        if operation["op"] == MERGED:
            found = DefinitionSet.model_validate(operation["snapshot"])
        else:
            found = apply(found, operation, base)
    return found


_LABELS = frozenset({"label", "label_plural", "description", "help", "message"})


def _plain(definitions: DefinitionSet, like: DefinitionSet) -> DefinitionSet:
    """The set with texts in one language written as they are in `like`: a merge tells the languages apart."""
    there = like.as_json()
    found = {key: _unwrapped(node, there.get(key)) for key, node in definitions.as_json().items()}
    return DefinitionSet.from_json(found, origins=definitions.origins, packs=definitions.packs)


def _unwrapped(value: Any, like: Any, key: str = "") -> Any:
    if isinstance(value, dict) and key in _LABELS:
        return like if isinstance(like, str) and value == {"en": like} else value
    if isinstance(value, dict) and isinstance(like, dict):
        return {name: _unwrapped(inner, like.get(name), name) for name, inner in value.items()}
    if isinstance(value, list) and isinstance(like, list):
        known = {_key(one): one for one in like if isinstance(one, dict)}
        return [_unwrapped(one, known.get(_key(one))) if isinstance(one, dict) else one for one in value]
    return value


def _key(node: dict[str, Any]) -> str:
    return str(node.get("id") or node.get("name"))


def _repeated(theirs: DefinitionSet, operations: list[Operation], merged: DefinitionSet) -> list[Operation]:
    """The same operations if they lead to the merged set from there too, else one that stands for all of them."""
    if not any(operation["op"] == MERGED for operation in operations):
        try:
            if apply_all(theirs, operations).hash == merged.hash:
                return operations
        except XrmError:
            pass
    return [{"op": MERGED, "operations": len(operations), "snapshot": merged.snapshot()}]


def read_decisions(data: Any) -> Mapping[str, Decision]:
    """Decisions as they are sent: `[{"path", "choice"}]`."""
    rows = data if data is not None else []
    if not isinstance(rows, list) or not all(
        isinstance(one, dict) and isinstance(one.get("path"), str) and one.get("choice") in ("mine", "theirs", "both")
        for one in rows
    ):
        raise Invalid(Problem("type", "/decisions", 'Decisions are a list of {"path": "...", "choice": "mine"}.'))
    return known_decisions(rows)

"""Planning: what would change, what is wrong with it, whom it concerns, what there would be to do. Writes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from xrm_core.definitions.checks import check
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.diff import Change, Effect, diff
from xrm_core.kernel.problem import Problem
from xrm_core.publishing.impact import Counter, counter, impact
from xrm_core.publishing.renaming import StoredName, stored_names
from xrm_core.publishing.values import Plans
from xrm_core.publishing.work import Work, work_between
from xrm_core.storage import definitions as store
from xrm_core.storage.database import Connection
from xrm_core.storage.drafts import Step

_RANK: dict[Effect, int] = {"safe": 0, "needs_backfill": 1, "destructive": 2}


@dataclass(frozen=True)
class ChangePlan:
    """The way from the current definitions to wanted ones; it is only good for the version it was made for."""

    base_version: int
    base_hash: str
    wanted: DefinitionSet
    changes: tuple[Change, ...] = ()
    problems: tuple[Problem, ...] = ()
    impact: dict[str, int] | None = None
    work: tuple[Work, ...] = ()
    values: Plans = Plans()
    """What becomes of stored values."""
    undo: tuple[Step, ...] = ()
    """Earlier replacements of values that are taken back, the newest first."""
    details: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What a review says about a change besides, by its path: counts, samples, what uses it."""

    @property
    def ok(self) -> bool:
        """Whether it may be published."""
        return not self.problems

    @property
    def empty(self) -> bool:
        """Whether nothing would change."""
        return not self.changes

    @property
    def effect(self) -> Effect:
        """The gravest effect of all changes."""
        return max((change.effect for change in self.changes), key=_RANK.__getitem__, default="safe")

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON data: what a review shows."""
        counts = self.impact or {}
        return {
            "base_version": self.base_version,
            "base_hash": self.base_hash,
            "hash": self.wanted.hash,
            "ok": self.ok,
            "effect": self.effect,
            "changes": [
                {
                    **change.as_dict(),
                    **({"records": counts[change.path]} if change.path in counts else {}),
                    **self.details.get(change.path, {}),
                }
                for change in self.changes
            ],
            "problems": [problem.as_dict() for problem in self.problems],
            "work": [work.as_dict() for work in self.work],
        }


async def current(connection: Connection, schema: str) -> tuple[int, DefinitionSet]:
    """Number and definitions of the current version; (0, an empty set) before the first."""
    found = await store.current(connection, schema)
    if found is None:
        return 0, DefinitionSet()
    return found.number, DefinitionSet.model_validate(found.snapshot)


async def plan(
    connection: Connection,
    schema: str,
    wanted: DefinitionSet,
    *,
    base: tuple[int, DefinitionSet] | None = None,
    count: Counter | None = None,
    converted: Collection[StoredName] = (),
) -> ChangePlan:
    """The plan for going from the current definitions (or `base`, if it is at hand) to the wanted ones.

    `converted` names options and stages whose records go over into others along with the change.
    """
    number, old = base if base is not None else await current(connection, schema)
    if old.hash == wanted.hash and old.origins == wanted.origins:
        return ChangePlan(number, old.hash, wanted)
    changes = diff(old, wanted)
    problems = check(wanted)
    concerned = await impact(old, changes, count or counter(connection, schema))
    problems += stored_names(changes, concerned, converted)
    work = work_between(old, wanted, changes) if not problems else []
    return ChangePlan(number, old.hash, wanted, tuple(changes), tuple(problems), concerned, tuple(work))

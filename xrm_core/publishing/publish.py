"""Publishing a plan: one transaction of metadata, on top of the version the plan was made for, or not at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from xrm_core.definitions.collection import DefinitionSet, body
from xrm_core.definitions.diff import Change
from xrm_core.definitions.record_schema import record_schemas
from xrm_core.definitions.rewrite import follow_in_look, follow_in_query, renames_between
from xrm_core.definitions.scope import Scopes
from xrm_core.kernel.actor import Actor
from xrm_core.kernel.errors import Conflict, Invalid
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.problem import Problem
from xrm_core.publishing.plan import ChangePlan
from xrm_core.publishing.tables import make_tables, note_index_work
from xrm_core.publishing.values import VALUES, Task
from xrm_core.publishing.work import Work
from xrm_core.storage import definitions as store
from xrm_core.storage import drafts, views
from xrm_core.storage.database import Connection, Database

BACKFILL = "definitions.backfill"
"""The kind of outbox entries that ask for values of existing records to be computed."""


Also = Callable[[Connection, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Published:
    """What came of it; `changed` is False when the plan had nothing to do."""

    number: int
    hash: str
    changed: bool
    work: tuple[Work, ...] = ()
    values: bool = False
    """Whether stored values are taken over, renamed or put back."""


async def publish(
    database: Database,
    schema: str,
    plan: ChangePlan,
    actor: Actor,
    now: datetime,
    summary: str = "",
    also: Also | None = None,
) -> Published:
    """Publish a plan. `Invalid` when it has problems, `Conflict` when somebody else published since it was made.

    `also` is done in the same transaction, with the number of the new version.
    """
    if plan.problems:
        raise Invalid(plan.problems)
    if plan.empty:
        return Published(plan.base_version, plan.base_hash, changed=False)
    # A table that nobody uses yet harms nobody, so tables come before the transaction that makes them count.
    await make_tables(database, schema, plan, now)

    async def work(connection: Connection) -> Published:
        published = await _publish(connection, schema, plan, actor, now, summary)
        if also is not None:
            await also(connection, published.number)
        return published

    return await database.run(work)


async def _publish(
    connection: Connection, schema: str, plan: ChangePlan, actor: Actor, now: datetime, summary: str
) -> Published:
    head = await store.current(connection, schema, lock=True)
    if (head.number if head else 0) != plan.base_version:
        raise await _conflict(connection, schema, plan)
    old = DefinitionSet.model_validate(head.snapshot) if head else DefinitionSet()
    number = plan.base_version + 1
    version = store.Version(
        number,
        plan.wanted.hash,
        dict(actor.as_dict()),
        now,
        summary or _summary(plan),
        [_noted(change) for change in plan.changes],
        plan.wanted.snapshot(),
    )
    if not await store.add_version(connection, schema, version, record_schemas(plan.wanted)):
        raise await _conflict(connection, schema, plan)
    await _store(connection, schema, old, plan.wanted, now)
    await _follow(connection, schema, old, plan.wanted)
    await note_index_work(connection, schema, Scopes(plan.wanted), plan.work, now)
    for item in plan.work:
        if item.kind in ("compute", "titles", "search", "first_stage"):
            key = f"{BACKFILL}:{item.kind}:{item.module_id}:{','.join(item.keys)}"
            await store.queue(connection, schema, BACKFILL, key, item.as_dict(), now)
    await _queue_values(connection, schema, plan, number, now)
    return Published(
        number, plan.wanted.hash, changed=True, work=plan.work, values=bool(plan.undo or plan.values.tasks())
    )


async def _follow(connection: Connection, schema: str, old: DefinitionSet, new: DefinitionSet) -> None:
    """What people saved for themselves follows new names: views, and how they looked at a module last."""
    if not renames_between(old, new):
        return
    for view_id, module_id, look in await views.definitions_of(connection, schema):
        changed = follow_in_look(old, new, module_id, look)
        if changed != look:
            await views.rewrite(connection, schema, view_id, changed)
    for member, module_id, query in await views.queries_of(connection, schema):
        written = follow_in_query(old, new, module_id, query)
        if written != query:
            await views.rewrite_query(connection, schema, member, module_id, written)


async def _queue_values(connection: Connection, schema: str, plan: ChangePlan, number: int, now: datetime) -> None:
    """Leave the work with values, and note how it can be taken back."""
    tasks: dict[str, list[Task]] = plan.values.tasks()
    modules = {module.id for module in plan.wanted.modules}
    for step in plan.undo:
        for module_id in step.tasks:
            if module_id in modules:
                own = tasks.setdefault(module_id, [])
                undo = next((task for task in own if task["do"] == "undo"), None)
                if undo is None:
                    own.insert(0, undo := {"do": "undo", "steps": []})
                undo["steps"].append(str(step.id))
    if plan.undo:
        await drafts.undo_steps(
            connection, schema, [step.id for step in plan.undo], number, f"{BACKFILL}:{VALUES}", now
        )
    if not tasks:
        return
    step_id = new_id()
    await drafts.add_step(connection, schema, step_id, number, tasks, now)
    for module_id, found in tasks.items():
        payload = {
            "kind": VALUES, "module": module_id, "tasks": found, "step": str(step_id), "base": plan.base_version,
            "number": number,
        }  # fmt: skip
        await store.queue(connection, schema, BACKFILL, f"{BACKFILL}:{VALUES}:{step_id}:{module_id}", payload, now)


async def _store(connection: Connection, schema: str, old: DefinitionSet, new: DefinitionSet, now: datetime) -> None:
    """Write the definitions that differ, and mark as retired what is gone or archived."""
    before = {(kind, key): node for kind, key, node in old.items()}
    after = {(kind, key): node for kind, key, node in new.items()}
    changed = [
        store.StoredDefinition(kind, key, node.name, body(node), new.origins.get(f"{kind}/{key}"))
        for (kind, key), node in after.items()
        if before.get((kind, key)) != node or old.origins.get(f"{kind}/{key}") != new.origins.get(f"{kind}/{key}")
    ]
    await store.save(connection, schema, changed)
    gone = [key for key in before if key not in after]
    archived = [(d.kind, d.id) for d in changed if after[d.kind, d.id].archived]
    await store.retire(connection, schema, [*gone, *archived], now)


async def _conflict(connection: Connection, schema: str, plan: ChangePlan) -> Conflict:
    """What others published since the plan was made, and where it meets the plan's own changes."""
    since = [v for v in await store.versions(connection, schema, limit=20) if v.number > plan.base_version]
    if not since:
        return Conflict(
            Problem(
                "changed_meanwhile", "", "The definitions are not the ones that this plan was made for.", "Plan again."
            )
        )
    problems = []
    own = {change.path for change in plan.changes}
    for version in reversed(since):
        who = str(version.author.get("name") or "somebody")
        paths = [str(change["path"]) for change in version.changes or []]
        meeting = [path for path in paths if path in own]
        shown = ", ".join(paths[:5]) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")
        message = f"{who} published version {version.number} meanwhile: {version.summary} ({shown})."
        hint = (
            "Plan again on top of it."
            if not meeting
            else f"Both change {', '.join(meeting[:5])}: look at it, then plan again."
        )
        problems.append(Problem("changed_meanwhile", f"/{meeting[0]}" if meeting else "", message, hint))
    return Conflict(problems)


def _noted(change: Change) -> dict[str, Any]:
    """A change as the history keeps it; what a whole definition was is in the snapshots."""
    found = change.as_dict()
    if len(change.parts) == 2 and isinstance(change.before or change.after, dict):
        found.pop("before", None)
        found.pop("after", None)
    return found


def _summary(plan: ChangePlan) -> str:
    """A line that says what the version is about."""
    words = {"added": "added", "removed": "removed", "changed": "changed", "moved": "moved"}
    nodes: dict[tuple[str, str], None] = {}
    for change in plan.changes:
        parts = change.parts
        if parts[0] in ("module", "role", "automation", "mail_template", "pack"):
            inner = parts[0] == "module" and len(parts) > 3
            name = f"{parts[1]}.{parts[3]}" if inner else parts[1]
            exact = len(parts) in (2, 4)
            nodes[name, words[change.kind] if exact else "changed"] = None
    texts = [f"{name} {word}" for name, word in nodes]
    text = ", ".join(texts[:4]) + (f" and {len(texts) - 4} more" if len(texts) > 4 else "")
    return text[:200] or "Definitions changed"

"""Telling people what concerns them: that they were assigned, mentioned, or that something is due."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from xrm_core.access.policy import policy_of
from xrm_core.catalog import CompiledModule
from xrm_core.fields.capabilities import Mentions
from xrm_core.kernel.actor import Actor
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.labels import label_text
from xrm_core.records.prepare import Draft
from xrm_core.records.unit import Unit
from xrm_core.storage import members as member_store
from xrm_core.storage import notifications as store
from xrm_core.storage import records as record_store
from xrm_core.storage.database import Connection
from xrm_core.storage.members import Member
from xrm_core.storage.notifications import Notification
from xrm_core.storage.rows import Row
from xrm_core.storage.scopes import owned

ONE_BY_ONE = 5
"""More of the same kind for one person at once are told as one."""
_SILENT = frozenset({"system", "import"})


@dataclass(frozen=True, slots=True)
class _News:
    member: UUID
    kind: str
    row: Row
    key: str
    """The id of the field that it is about."""


async def tell(unit: Unit, connection: Connection, module: CompiledModule, drafts: Sequence[Draft]) -> None:
    """Tell the people who were assigned to records or mentioned in them by this write, as far as they may see them."""
    if unit.actor.kind in _SILENT:
        return
    news = [one for draft in drafts for one in (*_assigned(module, draft), *_mentioned(module, draft))]
    news = [one for one in news if one.member != unit.actor.user_id]
    if not news:
        return
    by_member: dict[UUID, list[_News]] = {}
    for one in news:
        by_member.setdefault(one.member, []).append(one)
    found: list[Notification] = []
    for identifier, mine in by_member.items():
        member = await member_store.member(connection, unit.schema, identifier)
        if member is None or member.disabled_at is not None:
            continue
        seen = await may_see(unit, connection, module, member, {one.row.id for one in mine}, {one.key for one in mine})
        for kind in ("mention", "assigned"):
            wanted = [one for one in mine if one.kind == kind and (one.row.id, one.key) in seen]
            if wanted and (member.settings.get("notify") or {}).get(kind, True):
                found += _notifications(unit, module, kind, wanted)
    await store.put(connection, unit.schema, found)


async def may_see(
    unit: Unit, connection: Connection, module: CompiledModule, member: Member, ids: set[UUID], keys: set[str]
) -> set[tuple[UUID, str]]:
    """(record, field id) of what a member may see of these."""
    policy = policy_of(unit.catalog, Actor(member.id, member.name, member.roles, teams=member.teams))
    if not policy.allows(module.id, "see"):
        return set()
    rights = policy.module(module.id)
    scope = owned(unit.schema, rights.see, member.id, member.teams)
    seen = ids if scope is None else await record_store.within_scope(connection, module.table, list(ids), scope)
    return {(identifier, key) for identifier in seen for key in keys if key not in rights.hidden}


def _assigned(module: CompiledModule, draft: Draft) -> Iterable[_News]:
    if "owner" in draft.changed or draft.before is None:
        owner = draft.row.owner
        if owner is not None and (draft.before is None or draft.before.owner != owner):
            yield _News(owner, "assigned", draft.row, "owner")
    for key, holder in module.with_users.items():
        if key in draft.changed and draft.row.data.get(key):
            before = draft.before.data.get(key) if draft.before is not None else None
            old = set(holder.user_ids(before)) if before else set()
            for one in holder.user_ids(draft.row.data[key]):
                if one not in old:
                    yield _News(UUID(one), "assigned", draft.row, key)


def _mentioned(module: CompiledModule, draft: Draft) -> Iterable[_News]:
    for key, holder in _mentioning(module).items():
        if key not in draft.changed:
            continue
        text = draft.row.beside.get(key)
        before = draft.before.beside.get(key) if draft.before is not None else None
        old = set(holder.mentioned(before)) if before else set()
        for one in holder.mentioned(text) if text else ():
            if one not in old:
                yield _News(UUID(one), "mention", draft.row, key)


def _mentioning(module: CompiledModule) -> dict[str, Mentions]:
    """The long texts that can mention somebody, by id."""
    found: dict[str, Mentions] | None = module.memo.get("mentioning")
    if found is None:
        found = module.memo["mentioning"] = {
            known.id: known.definition
            for known in module.fields.values()
            if known.beside and isinstance(known.definition, Mentions)
        }
    return found


def _notifications(unit: Unit, module: CompiledModule, kind: str, news: Sequence[_News]) -> Iterable[Notification]:
    language = unit.workspace.locale
    who = unit.actor.name
    unique = list({one.row.id: one for one in news}.values())
    if len(unique) > ONE_BY_ONE:
        plural = label_text(module.definition.label_plural, language)
        words = "mentioned you in" if kind == "mention" else "assigned to you"
        title = f"{len(unique)} {plural}"
        yield Notification(
            new_id(), unique[0].member, kind, unit.now, module.id, None, title, f"{who} {words} {title}",
            unit.actor.as_dict(),
        )  # fmt: skip
        return
    for one in unique:
        known = module.fields_by_id.get(one.key)
        label = label_text(known.definition.label, language) if known else "Owner"
        text = f"{who} mentioned you in {label}" if kind == "mention" else f"{who} made you {label}"
        yield Notification(
            new_id(), one.member, kind, unit.now, module.id, one.row.id, one.row.title, text, unit.actor.as_dict()
        )


# -- what is due ----------------------------------------------------------------------------------------------------------


def due_filter(unit: Unit, module: CompiledModule, *, by: str = "now") -> str:
    """The condition for tasks that are not done and due by now, or by the end of today."""
    task = module.definition.task
    assert task is not None
    days = _is_day(unit, module, task.due)
    moment = f"{task.due} <= today()" if days else f"{task.due} <= now()"
    if by == "today" and not days:
        moment = f"date_of({task.due}) <= today()"
    return f"not ({task.done_when}) and {moment}"


def _is_day(unit: Unit, module: CompiledModule, name: str) -> bool:
    known = module.fields.get(name)
    return known is not None and known.kind.value == "date"


async def due(unit: Unit, module: CompiledModule, rows: Iterable[bytes]) -> int:
    """Remind the assignees of these records (as JSON), each once per due time; how many reminders are new."""
    task = module.definition.task
    assert task is not None
    connection = await unit.transaction()
    found: list[Notification] = []
    members: dict[UUID, Member | None] = {}
    for raw in rows:
        record = orjson.loads(raw)
        identifier, when = UUID(record["id"]), record.get(task.due)
        for user in _users(record.get(task.assignee)):
            if user not in members:
                members[user] = await member_store.member(connection, unit.schema, user)
            member = members[user]
            if member is None or member.disabled_at is not None:
                continue
            if not (member.settings.get("notify") or {}).get("due", True):
                continue
            if not await may_see(unit, connection, module, member, {identifier}, {"owner"}):
                continue
            label = label_text(module.definition.label, unit.workspace.locale)
            found.append(
                Notification(
                    new_id(), user, "due", unit.now, module.id, identifier, record.get("title", ""), f"{label} is due",
                    unit.actor.as_dict(), f"due:{identifier}:{user}:{when}",
                )
            )  # fmt: skip
    return await store.put(connection, unit.schema, found)


def _users(value: Any) -> list[UUID]:
    if isinstance(value, dict):
        value = value.get("id")
    if isinstance(value, str):
        return [UUID(value)]
    return [UUID(one["id"] if isinstance(one, dict) else one) for one in value or ()]


def snooze_time(now: datetime, minutes: int) -> datetime:
    """When something that is put off comes again."""
    return now + timedelta(minutes=minutes)

"""Guest pages at work: links for people without an account, what one of them opens, and what a guest does with it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from xrm_core.catalog import CompiledModule
from xrm_core.definitions.guest_page import GuestChoice, GuestList, GuestPage
from xrm_core.definitions.triggers.base import at_local
from xrm_core.expressions.typed import Typed
from xrm_core.expressions.values import to_json
from xrm_core.kernel.actor import SYSTEM, Actor
from xrm_core.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem, pointer
from xrm_core.records import read, stages, write
from xrm_core.records.query import RecordQuery
from xrm_core.records.reactions import Cause
from xrm_core.records.unit import Unit
from xrm_core.records.write import Stored
from xrm_core.storage import guests as store
from xrm_core.storage import records as record_store
from xrm_core.storage.database import Connection
from xrm_core.storage.guests import GuestLink
from xrm_core.storage.rows import instant
from xrm_core.storage.sql import asking

LONGEST = timedelta(days=366)
LONGEST_RECIPIENT = 200
_SEEN_EVERY = timedelta(hours=1)
Standing = Literal["open", "used", "expired", "withdrawn", "closed"]
"""How a link stands; closed: the record or its page is not there for guests (any more)."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a secret opens; `page` is there only while guests may look at it."""

    link: GuestLink
    standing: Standing
    module: CompiledModule | None = None
    page: GuestPage | None = None


def guest(link: GuestLink) -> Actor:
    """The one who acts by a link: whoever it was made for, without an account."""
    return Actor(user_id=None, name=link.recipient, kind="guest")


def digest_of(secret: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def address(slug: str, secret: str) -> str:
    """The path of a link, below the address of the installation."""
    return f"/g/{slug}/{secret}"


def pages_of(module: CompiledModule) -> list[GuestPage]:
    """The pages that a module has for guests."""
    return [page for page in module.definition.guest_pages if not page.archived]


# -- links ------------------------------------------------------------------------------------------------------------


async def issue(
    unit: Unit,
    module_name: str,
    record_id: UUID,
    page_name: str,
    *,
    recipient: str | None = None,
    expires_at: datetime | None = None,
) -> tuple[GuestLink, str]:
    """A new link to a record and its secret, which nobody can see again; raises Invalid, Forbidden or NotFound."""
    module = unit.module(module_name)
    page = _page(module, page_name)
    require_issuing(unit, module, page)
    connection = await unit.transaction()
    await _require_record(unit, connection, module, record_id)
    recipient = " ".join((recipient or "").split()) or await _recipient(unit, connection, module, page, record_id)
    problems = []
    if not 1 <= len(recipient) <= LONGEST_RECIPIENT or not recipient.isprintable():
        problems.append(
            Problem(
                "recipient",
                "/recipient",
                f"Whom the link is for is a text of 1 to {LONGEST_RECIPIENT} characters.",
                "The history will say that this person did it.",
            )
        )
    last = unit.now + (timedelta(days=page.days) if expires_at is None else LONGEST)
    until = await _until(unit, connection, module, page, record_id)
    last = min(last, until) if until is not None else last
    if last <= unit.now:
        problems.append(Problem("closed", "", "The time for links to this record is over."))
    elif expires_at is not None and not unit.now < expires_at <= last:
        problems.append(
            Problem("expires_at", "/expires_at", f"The link must end after now and at the latest {instant(last)}.")
        )
    if not await _holds(unit, connection, module, page.when, record_id):
        problems.append(
            Problem("closed", "/page", f"The page '{page.name}' is not open for this record now.", page.when or "")
        )
    if problems:
        raise Invalid(problems)
    secret = secrets.token_urlsafe(32)
    link = GuestLink(
        new_id(), module.id, record_id, page.id, recipient, unit.now, unit.actor.as_dict(), expires_at or last
    )
    await store.add(connection, unit.schema, link, digest_of(secret))
    return link, secret


async def listed(unit: Unit, module_name: str, record_id: UUID) -> list[GuestLink]:
    """The links to a record, the newest first, for those who may change it."""
    module = unit.module(module_name)
    unit.policy.require(module.id, "edit")
    await read.get(unit, module.name, record_id, fields=("title",))
    return await store.of_record(unit.current or await unit.writer(), unit.schema, record_id)


async def withdraw(unit: Unit, module_name: str, record_id: UUID, link_id: UUID) -> None:
    """Let a link work no more; raises NotFound, or Conflict when it already ended."""
    connection = await unit.transaction()
    found = {link.id: link for link in await listed(unit, module_name, record_id)}
    if link_id not in found:
        raise NotFound(Problem("not_found", "", "There is no such link."))
    if not await store.withdraw(connection, unit.schema, record_id, link_id, unit.actor.as_dict(), unit.now):
        raise Conflict(Problem("ended", "", "This link does not work any more already."))


def require_issuing(unit: Unit, module: CompiledModule, page: GuestPage) -> None:
    """Raises Forbidden unless the actor may change the records and see everything that the page shows."""
    unit.policy.require(module.id, "edit")
    for where, path in _shown(unit, module, page):
        here: CompiledModule | None = where
        for name in path.split("."):
            rights = unit.policy.module(here.id) if here is not None else None
            part = here.fields.get(name) or here.links.get(name) if here is not None else None
            if rights is None or rights.see == "none" or (part is not None and part.id in rights.hidden):
                raise Forbidden(
                    Problem(
                        "forbidden",
                        "/page",
                        f"The page '{page.name}' shows what you may not see.",
                        "Ask somebody who sees all of it to make the link.",
                    )
                )
            targets: tuple[str, ...] = getattr(part, "targets", ())
            here = unit.catalog.modules.get(targets[0]) if len(targets) == 1 else None


def _shown(unit: Unit, module: CompiledModule, page: GuestPage) -> Iterator[tuple[CompiledModule, str]]:
    for path in page.show:
        yield module, path
    for one in page.lists:
        target = unit.catalog.by_name.get(one.module)
        if target is not None:
            yield from ((target, path) for path in one.show)


def _page(module: CompiledModule, name: str) -> GuestPage:
    pages = pages_of(module)
    found = next((page for page in pages if page.name == name), None)
    if found is None:
        plural = label_text(module.definition.label_plural)
        known = ", ".join(page.name for page in pages)
        raise Invalid(
            Problem(
                "unknown_page", "/page", f"{plural} have no page for guests of that name.", f"Known: {known or 'none'}."
            )
        )
    return found


async def _require_record(unit: Unit, connection: Connection, module: CompiledModule, record_id: UUID) -> None:
    fields = ("title", "archived_at")
    found = orjson.loads((await read.get(unit, module.name, record_id, fields=fields)).json)
    scope = unit.scope(module, "edit")
    if scope is not None and not await record_store.within_scope(connection, module.table, [record_id], scope):
        raise NotFound(Problem("not_found", "", f"There is no such record in {module.name}, or you may not change it."))
    if found.get("archived_at"):
        raise Conflict(Problem("archived", "", "The record is archived.", "Restore it first."))


async def _recipient(
    unit: Unit, connection: Connection, module: CompiledModule, page: GuestPage, record_id: UUID
) -> str:
    if page.recipient is None:
        return ""
    typed = _typed(unit, module, page.recipient)
    if typed is not None and typed.type.kind is Kind.REFERENCE:
        typed = _typed(unit, module, f"{page.recipient}.title")
    value = await _value(unit, connection, module, typed, record_id) if typed is not None else None
    return " ".join(str(value or "").split())[:LONGEST_RECIPIENT]


async def _until(
    unit: Unit, connection: Connection, module: CompiledModule, page: GuestPage, record_id: UUID
) -> datetime | None:
    """The end of the last day of links to a record."""
    typed = _typed(unit, module, page.until) if page.until is not None else None
    value = await _value(unit, connection, module, typed, record_id) if typed is not None else None
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return at_local(value + timedelta(days=1), time(0), ZoneInfo(unit.zone))
    return None


# -- guests -----------------------------------------------------------------------------------------------------------


async def opened(unit: Unit, secret: str) -> Opened | None:
    """What a secret opens, in a unit of the system; None where there was never such a link."""
    connection = unit.current or await unit.writer()
    link = await store.by_digest(connection, unit.schema, digest_of(secret))
    if link is None:
        return None
    state = link.state(unit.now)
    if state != "open":
        return Opened(link, state)
    module = unit.catalog.modules.get(link.module_id)
    page = next((one for one in pages_of(module) if one.id == link.page), None) if module is not None else None
    if module is None or page is None:
        return Opened(link, "closed")
    live = await _holds(unit, connection, module, "archived_at == none", link.record_id)
    if not live or not await _holds(unit, connection, module, page.when, link.record_id):
        return Opened(link, "closed")
    until = await _until(unit, connection, module, page, link.record_id)
    if until is not None and until <= unit.now:
        return Opened(link, "expired")
    return Opened(link, "open", module, page)


async def note_visit(unit: Unit, found: Opened) -> None:
    """Remember that a guest looked, on the record too where its page wants that, once an hour."""
    connection = await unit.transaction()
    link, page, module = found.link, found.page, found.module
    await store.visited(connection, unit.schema, link.id, unit.now)
    lately = link.seen_at is not None and unit.now - link.seen_at < _SEEN_EVERY
    if page is not None and module is not None and page.seen is not None and not lately:
        system = unit.acting(SYSTEM, Cause())
        # A record that breaks a rule of today is no reason to show nothing.
        with suppress(Invalid):
            await write.update(system, module.name, link.record_id, {page.seen: instant(unit.now)})


async def offered(unit: Unit, found: Opened, choices: tuple[GuestChoice, ...]) -> list[GuestChoice]:
    """The choices that a guest has now."""
    module, connection = found.module, unit.current or await unit.writer()
    if module is None:
        return []
    return [one for one in choices if await _holds(unit, connection, module, one.when, found.link.record_id)]


async def rows(unit: Unit, found: Opened, one: GuestList, *, only: UUID | None = None) -> list[dict[str, Any]]:
    """The records of a list of the page, with no more than it shows; with `only` just that one, if it is in the list."""
    target, module = unit.catalog.by_name.get(one.module), found.module
    if target is None or module is None:
        return []
    start: Any = found.link.record_id
    if one.of is not None:
        typed = _typed(unit, module, one.of)
        connection = unit.current or await unit.writer()
        start = await _value(unit, connection, module, typed, start) if typed is not None else None
    if start is None:
        return []
    conditions = [f"{one.link} == '{start}'", *([f"({one.filter})"] if one.filter else [])]
    conditions += [f"id == '{only}'"] if only is not None else []
    heads = dict.fromkeys(path.partition(".")[0] for path in one.show)
    behind = dict.fromkeys(path.rpartition(".")[0] for path in one.show if "." in path)
    asked = {name for choice in one.choices for name in choice.ask}
    query = RecordQuery(
        target.name, filter=" and ".join(conditions), sort=one.sort, limit=one.most,
        fields=("title", "version", *heads, *(asked - heads.keys())), expand=tuple(behind),
    )  # fmt: skip
    return [orjson.loads(row) for row in (await read.find(unit, query)).rows]


async def record(unit: Unit, found: Opened) -> dict[str, Any]:
    """The values of the record that the page shows or asks for."""
    assert found.module is not None and found.page is not None
    heads = dict.fromkeys(path.partition(".")[0] for path in found.page.show)
    behind = dict.fromkeys(path.rpartition(".")[0] for path in found.page.show if "." in path)
    asked = {name for choice in found.page.choices for name in choice.ask}
    fields = ("title", "version", *heads, *(asked - heads.keys()))
    row = await read.get(unit, found.module.name, found.link.record_id, fields=fields, expand=tuple(behind))
    values: dict[str, Any] = orjson.loads(row.json)
    return values


async def act(
    unit: Unit,
    secret: str,
    choice_name: str,
    answers: Mapping[str, Any],
    *,
    of_list: str | None = None,
    target_id: UUID | None = None,
    expected_version: int | None = None,
) -> tuple[Opened, GuestChoice, Stored]:
    """What a guest chose, done as them in one transaction with the use of the link.

    Raises NotFound for what the page does not offer, Conflict when the link has ended meanwhile, Stale when the
    record has changed since the guest saw it, and Invalid for answers that are not acceptable.
    """
    connection = await unit.transaction()
    found = await opened(unit, secret)
    if found is None or found.page is None or found.module is None:
        raise Conflict(Problem("ended", "", "This link does not work any more."))
    module, record_id, page = found.module, found.link.record_id, found.page
    choices = page.choices
    if of_list is not None:
        one = next((one for one in page.lists if one.name == of_list), None)
        if one is None or target_id is None or not await rows(unit, found, one, only=target_id):
            raise _not_offered()
        module, record_id, choices = unit.module(one.module), target_id, one.choices
    choice = next((one for one in await offered(unit, found, choices) if one.name == choice_name), None)
    if choice is None:
        raise _not_offered()
    # Whoever comes second waits here until the first is done, and then finds the link used.
    if not await store.use(connection, unit.schema, found.link.id, choice.name, unit.now, ends=choice.ends):
        raise Conflict(Problem("ended", "", "This link does not work any more."))
    actor = unit.acting(guest(found.link), Cause())
    values = {name: answers[name] for name in choice.ask if name in answers}
    missing = [name for name in choice.required if values.get(name) in (None, "", [])]
    if missing:
        raise Invalid([Problem("required", pointer(name), "This is needed.") for name in missing])
    for name, value in choice.values.items():
        values[name] = await _stored(unit, connection, module, value, record_id) if isinstance(value, str) else value
    if choice.stage is not None:
        stored = await stages.move(
            actor, module.name, record_id, choice.stage, values=values, expected_version=expected_version
        )
    else:
        stored = await write.update(actor, module.name, record_id, values, expected_version)
    return found, choice, stored


def _not_offered() -> NotFound:
    return NotFound(Problem("not_found", "", "The page does not offer this."))


# -- expressions ------------------------------------------------------------------------------------------------------


def _typed(unit: Unit, module: CompiledModule, text: str) -> Typed | None:
    typed, problems = unit.catalog.scopes.check(module.definition, text)
    return typed if not problems else None


async def _value(unit: Unit, connection: Connection, module: CompiledModule, typed: Typed, record_id: UUID) -> Any:
    return await asking.value(connection, unit.catalog.modules, module, typed, record_id, unit)


async def _stored(unit: Unit, connection: Connection, module: CompiledModule, text: str, record_id: UUID) -> Any:
    typed = _typed(unit, module, text)
    value = await _value(unit, connection, module, typed, record_id) if typed is not None else None
    if typed is None or value is None or typed.type.kind is None:
        return value
    return to_json(typed.type.kind, list(value) if isinstance(value, tuple) else value)


async def _holds(unit: Unit, connection: Connection, module: CompiledModule, text: str | None, record_id: UUID) -> bool:
    if text is None:
        return True
    typed, problems = unit.catalog.scopes.condition(module.definition, text)
    if typed is None or problems:
        return False
    return bool(await asking.holding(connection, unit.catalog.modules, module, typed, [record_id], unit))

"""Asking for mail: checked at once, stored with the records it is about, sent by the outbox."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.problem import Problem
from xrm_core.messaging.addresses import Mailable, parse, parse_all
from xrm_core.messaging.compose import LONGEST_SUBJECT, one_line
from xrm_core.messaging.html import harmless, to_text
from xrm_core.messaging.office import Office
from xrm_core.records.unit import Unit
from xrm_core.storage import messages as store
from xrm_core.storage import outbox
from xrm_core.storage import records as record_store
from xrm_core.storage.database import Connection
from xrm_core.storage.messages import About, Message
from xrm_core.storage.rows import Event

LONGEST_TEXT = 200_000
LONGEST_HTML = 400_000
MOST_ATTACHED = 20
MOST_RECORDS = 50
EVENT = "mail"
"""The kind of event that every record gets which a mail is about."""
Category = Literal["transactional", "marketing"]
_KEYS = frozenset({
    "to", "cc", "bcc", "subject", "text", "html", "member", "sender", "reply_to", "records", "category", "attachments",
    "answers", "shared", "calendar", "invitation", "automatic", "only", "actor", "kind", "guest_page",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to be sent, checked. `only` limits who it goes to, when the others have it already."""

    to: tuple[Mailable, ...]
    subject: str
    text: str
    html: str | None = None
    cc: tuple[Mailable, ...] = ()
    bcc: tuple[Mailable, ...] = ()
    member: UUID | None = None
    """Whose mail it is: it goes out by their account if they have one."""
    sender: UUID | None = None
    """The account it goes out by."""
    reply_to: Mailable | None = None
    records: tuple[tuple[str, UUID], ...] = ()
    """(module name or id, record)."""
    category: Category = "transactional"
    attachments: tuple[UUID, ...] = ()
    answers: UUID | None = None
    """The message that it answers."""
    shared: bool = True
    automatic: bool = False
    calendar: tuple[str, str] | None = None
    invitation: dict[str, Any] | None = None
    """Carry an invitation to the event that the first record is; `title` may call it otherwise."""
    only: tuple[str, ...] = ()
    actor: dict[str, Any] = field(default_factory=dict)
    kind: str = "mail"
    guest_page: str | None = None
    """Carry a link to this page of the first record, made for whoever gets the mail."""

    @property
    def recipients(self) -> tuple[Mailable, ...]:
        return (*self.to, *self.cc, *self.bcc)

    def payload(self) -> dict[str, Any]:
        """As the outbox keeps it; `read` understands it."""

        def people(some: Collection[Mailable]) -> list[dict[str, Any]]:
            return [one.as_dict() for one in some]

        return {
            "to": people(self.to), "cc": people(self.cc), "bcc": people(self.bcc), "subject": self.subject,
            "text": self.text, "html": self.html, "member": _text(self.member), "sender": _text(self.sender),
            "reply_to": self.reply_to.as_dict() if self.reply_to else None,
            "records": [{"module": module, "id": str(record)} for module, record in self.records],
            "category": self.category, "attachments": [str(one) for one in self.attachments],
            "answers": _text(self.answers), "shared": self.shared, "automatic": self.automatic,
            "calendar": list(self.calendar) if self.calendar else None, "invitation": self.invitation, "only": list(self.only), "actor": self.actor,
            "kind": self.kind, "guest_page": self.guest_page,
        }  # fmt: skip


def _text(value: UUID | None) -> str | None:
    return str(value) if value is not None else None


def read(payload: dict[str, Any]) -> Mail:
    """A mail from plain data; raises Invalid with everything that is wrong and where."""
    problems = [
        Problem("unknown_key", f"/{key}", f"There is no {key!r} here.", f"Known: {', '.join(sorted(_KEYS))}.")
        for key in payload
        if key not in _KEYS
    ]
    found: dict[str, tuple[Mailable, ...]] = {}
    for key in ("to", "cc", "bcc"):
        people, wrong = parse_all(payload.get(key), f"/{key}")
        found[key], problems = tuple(people), problems + wrong
    if not problems and not any(found.values()):
        problems.append(Problem("required", "/to", "Nobody is to get this mail.", "Name at least one address."))
    reply_to = None
    if payload.get("reply_to"):
        reply_to, wrong = parse(payload["reply_to"], "/reply_to")
        problems += wrong
    subject = payload.get("subject")
    if not isinstance(subject, str) or not subject.strip():
        problems.append(Problem("required", "/subject", "The mail has no subject."))
        subject = ""
    elif re.search(r"[\r\n\x00]", subject) or len(subject) > LONGEST_SUBJECT:
        problems.append(
            Problem("subject", "/subject", f"A subject is one line of at most {LONGEST_SUBJECT} characters.")
        )
    text, html = payload.get("text"), payload.get("html")
    for key, value, most in (("text", text, LONGEST_TEXT), ("html", html, LONGEST_HTML)):
        if value is not None and (not isinstance(value, str) or len(value) > most or "\x00" in value):
            problems.append(Problem(key, f"/{key}", f"This is a text of at most {most} characters."))
    if not problems and not (text or html):
        problems.append(Problem("required", "/text", "The mail has no text.", "Give text, html or both."))
    category = payload.get("category") or "transactional"
    known: tuple[Category, ...] = ("transactional", "marketing")
    chosen = next((one for one in known if one == category), None)
    if chosen is None:
        problems.append(Problem("category", "/category", "Use transactional or marketing."))
    records = _records(payload.get("records"), problems)
    attachments = _ids(payload.get("attachments") or [], "/attachments", MOST_ATTACHED, problems)
    single = {
        key: _ids([payload[key]], f"/{key}", 1, problems) for key in ("member", "sender", "answers") if payload.get(key)
    }
    flags = {key: payload.get(key, key == "shared") for key in ("shared", "automatic")}
    for key, value in flags.items():
        if not isinstance(value, bool):
            problems.append(Problem("type", f"/{key}", f"{key!r} is true or false."))
    if problems:
        raise Invalid(problems)
    clean = harmless(html) if html else None
    calendar = payload.get("calendar")
    return Mail(
        found["to"], one_line(subject), (text or to_text(html or "")).replace("\r\n", "\n"), clean, found["cc"], found["bcc"],
        member=next(iter(single.get("member", ())), None), sender=next(iter(single.get("sender", ())), None),
        reply_to=reply_to, records=records, category=chosen or "transactional", attachments=tuple(attachments),
        answers=next(iter(single.get("answers", ())), None), shared=flags["shared"],
        automatic=flags["automatic"], calendar=(str(calendar[0]), str(calendar[1])) if calendar else None,
        invitation=dict(payload["invitation"]) if payload.get("invitation") else None,
        only=tuple(payload.get("only") or ()), actor=dict(payload.get("actor") or {}),
        kind=str(payload.get("kind") or "mail"),
        guest_page=str(payload["guest_page"]) if payload.get("guest_page") else None,
    )  # fmt: skip


def _records(given: Any, problems: list[Problem]) -> tuple[tuple[str, UUID], ...]:
    found = []
    if given is None:
        return ()
    if not isinstance(given, list) or len(given) > MOST_RECORDS:
        problems.append(Problem("type", "/records", f"This is a list of at most {MOST_RECORDS} records."))
        return ()
    for index, one in enumerate(given):
        try:
            found.append((str(one["module"]), UUID(str(one["id"]))))
        except (KeyError, TypeError, ValueError):
            problems.append(Problem("type", f"/records/{index}", 'A record is {"module": name, "id": id}.'))
    return tuple(dict.fromkeys(found))


def _ids(given: Any, place: str, most: int, problems: list[Problem]) -> list[UUID]:
    if not isinstance(given, list) or len(given) > most:
        problems.append(Problem("type", place, f"This is a list of at most {most} ids."))
        return []
    try:
        return list(dict.fromkeys(UUID(str(one)) for one in given))
    except ValueError:
        problems.append(Problem("type", place, "This is no id."))
        return []


async def queue(
    unit: Unit, office: Office, mail: Mail, key: str, *, not_before: datetime | None = None
) -> list[Message]:
    """Ask for a mail in the unit's transaction; empty when the key was used before.

    What advertises goes to each person alone, because each gets an own address to end it with.
    """
    connection = await unit.transaction()
    parts = [(mail, key)]
    if mail.category == "marketing":
        parts = [(replace(mail, to=(one,), cc=(), bcc=()), f"{key}:{one.address}") for one in mail.recipients]
    found = []
    for part, own_key in parts:
        actor = part.actor or unit.actor.as_dict()
        part = replace(part, actor=actor)
        effect = await outbox.put(
            connection, unit.schema, "mail", own_key, part.payload(), now=unit.now, not_before=not_before
        )
        if effect is not None:
            found.append(await remember(unit, connection, office, effect, part, not_before or unit.now))
    return found


async def remember(
    unit: Unit, connection: Connection, office: Office, effect: UUID, mail: Mail, at: datetime
) -> Message:
    """The message of an effect, with the records it is about; made from the mail when it is not there yet."""
    known = await store.by_outbox(connection, unit.schema, effect)
    if known is not None:
        return known
    own = f"<{effect}@{office.domain}>"
    thread, answered = await _thread(unit, connection, office, mail, own)
    sender = {"name": str(mail.actor.get("name") or ""), "address": ""}
    recipients = [
        one.as_dict(kind) for kind, some in (("to", mail.to), ("cc", mail.cc), ("bcc", mail.bcc)) for one in some
    ]
    message = Message(
        new_id(), "out", mail.kind, own, thread, answered, mail.subject, sender, recipients, at, mail.text, mail.html,
        None, "queued", mail.sender, mail.member, (mail.member,) if mail.member else (), mail.shared,
        await _attached(unit, connection, mail.attachments), len(mail.text) + len(mail.html or ""), effect,
    )  # fmt: skip
    await store.add(connection, unit.schema, message)
    await store.attach(connection, unit.schema, message.id, mail.attachments)
    about = []
    for name, record in mail.records:
        module = unit.catalog.find(name) or unit.catalog.modules.get(name)
        if module is not None:
            about.append(About(module.id, record, "sent"))
    await file(unit, connection, message, about, actor=mail.actor)
    return message


async def _thread(unit: Unit, connection: Connection, office: Office, mail: Mail, own: str) -> tuple[str, str | None]:
    """(thread, the Message-ID that is answered): what is answered decides, else the record the mail is about."""
    if mail.answers is not None:
        answered = await store.get(connection, unit.schema, mail.answers)
        if answered is not None:
            return answered.thread, answered.message_id
    if mail.records and mail.category == "transactional":
        return f"<record.{mail.records[0][1]}@{office.domain}>", None
    return own, None


async def _attached(unit: Unit, connection: Connection, ids: Sequence[UUID]) -> list[dict[str, Any]]:
    if not ids:
        return []
    cursor = await connection.execute(
        f"select f.id, f.name, f.size, f.type from {unit.schema}.file f where f.id = any(%s::uuid[]) "
        "and f.deleted_at is null order by f.id",
        [list(ids)],
    )
    return [
        dict(zip(("id", "name", "size", "type"), (str(row[0]), *row[1:]), strict=True))
        for row in await cursor.fetchall()
    ]


async def file(
    unit: Unit,
    connection: Connection,
    message: Message,
    about: Collection[About],
    *,
    actor: dict[str, Any] | None = None,
    **facts: Any,
) -> list[About]:
    """Put a message under records, each with an event that automations see; those that are new and exist."""
    by_module: dict[str, list[About]] = {}
    for one in about:
        by_module.setdefault(one.module_id, []).append(one)
    events, kept = [], []
    for module_id, some in by_module.items():
        module = unit.catalog.modules.get(module_id)
        if module is None:
            continue
        versions = await store.versions(connection, module, [one.record_id for one in some])
        there = [one for one in some if one.record_id in versions]
        for one in await store.link(connection, unit.schema, message.id, there):
            kept.append(one)
            changes = {"message": str(message.id), "direction": message.direction, "mail_kind": message.kind, **facts}
            events.append(
                Event(
                    new_id(), module_id, one.record_id, versions[one.record_id], EVENT, actor or unit.actor.as_dict(),
                    unit.now, changes,
                )
            )  # fmt: skip
    if events:
        await record_store.insert_events(connection, unit.schema, events)
    return kept

"""Filing a mail that came in: once, under everybody who takes part and what is going on with them, for those it concerns."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson

from xrm_core.catalog import CompiledModule
from xrm_core.kernel.errors import XrmError
from xrm_core.kernel.ids import new_id
from xrm_core.messaging import events, ical, invitations
from xrm_core.messaging.addresses import Mailable, normal
from xrm_core.messaging.mail import file as file_under
from xrm_core.messaging.office import Office
from xrm_core.messaging.reading import Incoming
from xrm_core.records import read
from xrm_core.records.query import RecordQuery
from xrm_core.records.unit import Unit
from xrm_core.storage import files, members
from xrm_core.storage import messages as store
from xrm_core.storage import messages_suppression as suppression
from xrm_core.storage.database import Connection
from xrm_core.storage.files import StoredFile
from xrm_core.storage.mailboxes import Mailbox
from xrm_core.storage.members import Member
from xrm_core.storage.messages import About, Message
from xrm_core.storage.messages_suppression import Suppressed

MOST_PER_ADDRESS = 10
MOST_OPEN = 20
LARGEST_FILE = 50 * 1024 * 1024
NEWS = timedelta(days=3)
"""An older mail is history."""
_GONE = ("5.1.", "5.2.1", "5.4.4", "5.7.13")
"""What a server says of addresses that do not exist; a full box or a refused text is something else."""


@dataclass(slots=True)
class Filed:
    """What became of a mail; `message` is None for one that was there already or concerns nobody."""

    message: Message | None = None
    about: list[About] = field(default_factory=list)
    reason: str = ""


async def file(unit: Unit, office: Office, box: Mailbox, mail: Incoming, size: int) -> Filed:
    """Store a mail of a mailbox in the unit's transaction, with its attachments, links and events."""
    connection = await unit.transaction()
    people = [one for _, one in mail.to] + ([mail.sender] if mail.sender is not None else [])
    ours = await _members(connection, unit.schema)
    by_member = ours.get(mail.sender.address) if mail.sender is not None else None
    if box.settings.get("bcc") and by_member is None:
        return Filed(reason="only our own people may send to this address")
    own = normal(box.address)
    others = [one for one in people if one.address not in ours and one.address != own]
    answered = await _answered(unit, connection, mail)
    participants = {one.id for person in people if (one := ours.get(person.address)) is not None}
    if box.member is not None:
        participants.add(box.member)
    direction = "out" if by_member is not None else "in"
    at = mail.at if mail.at is not None and mail.at <= unit.now else unit.now
    thread = answered[-1].thread if answered else (mail.references[0] if mail.references else mail.message_id)
    stored = await _attachments(unit, connection, mail)
    message = Message(
        new_id(), direction, mail.kind, mail.message_id, thread, mail.in_reply_to, mail.subject,
        mail.sender.as_dict() if mail.sender else {"name": "", "address": ""},
        [one.as_dict(kind) for kind, one in mail.to], at, mail.text, mail.html, mail.quoted or None,
        "received" if direction == "in" else "sent", box.id, by_member.id if by_member else box.member, tuple(sorted(participants)),
        _shared(box, answered), stored, size, None, "; ".join(mail.problems)[:1000] or None,
    )  # fmt: skip
    if not await store.add(connection, unit.schema, message):
        # Known from another mailbox, or from sending it ourselves: whoever has this one takes part as well.
        await store.join(connection, unit.schema, mail.message_id, sorted(participants))
        return Filed(reason="known")
    await store.attach(connection, unit.schema, message.id, [UUID(one["id"]) for one in stored])
    if mail.bounce is not None:
        await _bounced(unit, connection, mail, answered)
    answers = await _answers(unit, mail) if mail.calendars else []
    about = await _about(unit, connection, others, answered, mail)
    about += [About(one.module_id, one.record_id, "invitation") for one, _ in answers]
    unique = {one.record_id: one for one in reversed(about)}
    facts: dict[str, Any] = {
        "from": message.sender["address"], "automatic": mail.automatic,
        "reply_to": [str(one.id) for one in answered if one.direction == "out"],
        "reply": direction == "in" and not mail.automatic and any(one.direction == "out" for one in answered),
    }  # fmt: skip
    if answers:
        facts["answer"] = answers[0][1]
    filed = await file_under(unit, connection, message, list(unique.values()), **facts)
    # What nobody wrote, what we wrote, and what was read for its history sets nothing going.
    if direction == "in" and not mail.automatic and unit.now - at < NEWS:
        await _tell(unit, connection, filed, {**facts, "message": str(message.id), "subject": message.subject})
    return Filed(message, filed)


async def _tell(unit: Unit, connection: Connection, filed: Sequence[About], facts: dict[str, Any]) -> None:
    """Let those hear of a mail who wait for one: it may start something, and ends sequences that an answer ends."""
    if unit.reactions is None:
        return
    by_module: dict[str, list[UUID]] = {}
    for one in filed:
        by_module.setdefault(one.module_id, []).append(one.record_id)
    for module_id, ids in by_module.items():
        await unit.reactions.told(unit, connection, unit.catalog.modules[module_id], ids, "mail_received", facts)


def _shared(box: Mailbox, answered: Sequence[Message]) -> bool:
    """Mail of the whole workspace is for all who see the records; mail of a person only if the box says so."""
    given = box.settings.get("shared")
    if isinstance(given, bool):
        return given
    return box.member is None


async def _members(connection: Connection, schema: str) -> dict[str, Member]:
    """Our people by address, also by the accounts that they write from."""
    found = {}
    everybody = {one.id: one for one in await members.members(connection, schema)}
    for one in everybody.values():
        address = normal(one.email)
        if address is not None and one.disabled_at is None:
            found[address] = one
    cursor = await connection.execute(
        f"select b.address, b.member from {schema}.mailbox b where b.member is not null and b.kind <> 'caldav'"
    )
    for address, member in await cursor.fetchall():
        if member in everybody:
            found.setdefault(address, everybody[member])
    return found


async def _answered(unit: Unit, connection: Connection, mail: Incoming) -> list[Message]:
    """Our messages that this one answers: by its headers, for reports by the mail that they speak of."""
    ids = list(dict.fromkeys([*mail.references[-20:], *([mail.in_reply_to] if mail.in_reply_to else [])]))
    if mail.bounce is not None and mail.bounce.message_id:
        ids.append(mail.bounce.message_id)
    found = await store.by_message_ids(connection, unit.schema, ids) if ids else []
    if not found:
        for one in ids:
            found = await store.listed(connection, unit.schema, None, thread=one, limit=1)
            if found:
                break
    return sorted(found, key=lambda one: (one.message_id == mail.in_reply_to, one.id))


async def _about(
    unit: Unit, connection: Connection, others: Sequence[Mailable], answered: Sequence[Message], mail: Incoming
) -> list[About]:
    found: list[About] = []
    known = await store.about(connection, unit.schema, [one.id for one in answered])
    for some in known.values():
        found += [About(one.module_id, one.record_id, "thread") for one in some]
    if mail.kind != "bounce":
        found += await people_and_their_records(unit, [one.address for one in others])
    return found


async def people_and_their_records(unit: Unit, addresses: Sequence[str]) -> list[About]:
    """Records with one of these addresses, and what is open with them: records in an open stage that link to them."""
    found: dict[UUID, About] = {}
    holders = [(module, events.mail_fields(module)) for module in unit.catalog.modules.values()]
    for address in list(dict.fromkeys(addresses))[:50]:
        for module, names in holders:
            for row in await _with_address(unit, module, names, address):
                record = UUID(row["id"])
                found.setdefault(record, About(module.id, record, "address"))
                for about in await _open(unit, module, record):
                    found.setdefault(about.record_id, about)
    return list(found.values())


async def _with_address(unit: Unit, module: CompiledModule, names: Sequence[str], address: str) -> list[dict[str, Any]]:
    if not names:
        return []
    wanted = {"or": [{"field": name, "op": "eq", "value": address} for name in names]}
    query = RecordQuery(module.name, filter=wanted, limit=MOST_PER_ADDRESS, fields=("title",))
    try:
        return [orjson.loads(row) for row in (await read.find(unit, query)).rows]
    except XrmError:
        return []


def _open_stages(module: CompiledModule) -> list[str]:
    return [stage.name for stage in module.definition.stages if stage.category == "open"]


async def _open(unit: Unit, module: CompiledModule, record: UUID) -> list[About]:
    """Open records that link to a record, and open records that those link to: a deal, and what it is about."""
    found: list[About] = []
    for inverse in module.inverses.values():
        holder = unit.catalog.modules[inverse.module_id]
        stages = _open_stages(holder)
        if not stages:
            continue
        wanted = {"field": "stage", "op": "in", "value": stages}
        try:
            page = await read.related(unit, module.name, record, inverse.name, limit=MOST_OPEN, filter=wanted)
        except XrmError:
            continue
        for row in page.rows:
            linked = orjson.loads(row)
            found.append(About(holder.id, UUID(linked["id"]), "open"))
            for name, link in holder.links.items():
                value = linked.get(name)
                target = unit.catalog.find(value["module"]) if isinstance(value, dict) and not link.many else None
                if target is not None and (open_there := _open_stages(target)):
                    behind = RecordQuery(
                        target.name, filter={"and": [{"field": "id", "op": "eq", "value": value["id"]},
                                                     {"field": "stage", "op": "in", "value": open_there}]},
                        limit=1, fields=("title",),
                    )  # fmt: skip
                    if (await read.find(unit, behind)).rows:
                        found.append(About(target.id, UUID(value["id"]), "open"))
        if len(found) >= MOST_OPEN:
            break
    return found[:MOST_OPEN]


async def _attachments(unit: Unit, connection: Connection, mail: Incoming) -> list[dict[str, Any]]:
    found = []
    for one in mail.files:
        if len(one.content) > LARGEST_FILE:
            mail.problems.append(f"an attachment of {len(one.content)} bytes was left out")
            continue
        digest = hashlib.sha256(one.content).digest()
        stored = StoredFile(
            new_id(), _file_name(one.name), len(one.content), one.type[:127], digest, None, None, unit.now, None, None
        )
        await files.add_file(connection, unit.schema, stored, one.content)
        found.append({"id": str(stored.id), "name": stored.name, "size": stored.size, "type": stored.type})
    return found


def _file_name(name: str) -> str:
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in base if c >= " " and c not in '\x7f:*?"<>|').strip(" .")[:200] or "file"


async def _bounced(unit: Unit, connection: Connection, mail: Incoming, answered: Sequence[Message]) -> None:
    """A report about a mail of ours, for somebody it went to: note it, and send nothing more to an address that is gone."""
    assert mail.bounce is not None
    for ours in answered:
        if ours.direction != "out":
            continue
        went_to = {one["address"] for one in ours.recipients}
        failed = [one for one in mail.bounce.recipients if one[0] in went_to and one[1] == "failed"]
        if not failed:
            continue
        told = {address: f"{action} {status}" for address, action, status in failed}
        await store.set_state(
            connection,
            unit.schema,
            ours.id,
            "bounced",
            problem=f"it did not arrive: {', '.join(told)}",
            details={"bounced": told},
        )
        for address, _, status in failed:
            if status.startswith(_GONE):
                await suppression.put(connection, unit.schema, Suppressed(address, "all", "bounced", status, unit.now))


async def _answers(unit: Unit, mail: Incoming) -> list[tuple[Any, str]]:
    """Answers to our invitations in a mail."""
    found = []
    for raw in mail.calendars[:5]:
        reading = ical.read(raw, unit.zone)
        mail.problems += reading.problems[:5]
        if reading.method == "REPLY" and mail.sender is not None:
            for event in reading.events[:20]:
                answer = await invitations.answered(unit, event, mail.sender.address)
                if answer is not None:
                    found.append(answer)
    return found

"""Sending a mail whose turn has come: who still wants it, by which account, and what the server said."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote
from uuid import UUID

from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.errors import Conflict, Invalid, NotFound
from xrm_core.kernel.problem import Problem
from xrm_core.messaging import compose, consent, invitations, smtp
from xrm_core.messaging.accounts import Account, account
from xrm_core.messaging.addresses import Mailable
from xrm_core.messaging.compose import Attachment, Letter
from xrm_core.messaging.effects import DELAYS, Failed, Later, Never, Unclear
from xrm_core.messaging.mail import Mail, read, remember
from xrm_core.messaging.office import Office
from xrm_core.records import guests
from xrm_core.records.unit import Unit, Units
from xrm_core.storage import files, messages, outbox
from xrm_core.storage import messages_suppression as suppression
from xrm_core.storage.database import Connection
from xrm_core.storage.messages import Message
from xrm_core.storage.messages_suppression import Suppressed
from xrm_core.storage.outbox import Effect
from xrm_core.storage.workspaces import Workspace

Begin = Callable[[], Awaitable[bool]]
LINK = "[[link]]"
"""Where the link of a mail to a guest stands in its text."""
_NO_SUCH_ADDRESS = frozenset({550, 551, 553})


async def destination(units: Units, office: Office, workspace: Workspace, effect: Effect) -> str:
    """The server that a mail will go to; empty while nobody knows."""
    try:
        mail = read(effect.payload)
    except Invalid:
        return ""
    async with units.begin(workspace, SYSTEM) as unit:
        found = await account(unit, await unit.writer(), office, mail)
    return found.server.name if found is not None else ""


async def deliver(units: Units, office: Office, workspace: Workspace, effect: Effect, begin: Begin) -> dict[str, Any]:
    """Send a mail; what came of it. Raises Later, Never or Unclear."""
    try:
        mail = read(effect.payload)
    except Invalid as error:
        raise Never("; ".join(f"{one.path} {one.message}" for one in error.problems)[:500]) from None

    async def prepare(
        unit: Unit,
    ) -> tuple[Message, Account | None, dict[str, str], list[Attachment], list[str], tuple[str, str] | None]:
        connection = await unit.transaction()
        message = await remember(unit, connection, office, effect.id, mail, unit.now)
        found = await account(unit, connection, office, mail)
        everybody = [one.address for one in mail.recipients]
        reasons = await consent.refusals(unit, connection, everybody, marketing=mail.category == "marketing")
        if found is not None:
            await connection.execute(
                f"update {unit.schema}.message m set sender = jsonb_build_object('name', %s::text, 'address', %s::text) "
                "where m.id = %s::uuid",
                [found.sender.name, found.sender.address, message.id],
            )
        attached = await _attachments(unit, connection, office, mail.attachments)
        calendar = mail.calendar
        if mail.invitation is not None and mail.records:
            name, record = mail.records[0]
            try:
                calendar = await invitations.carried(
                    unit, office, name, record, mail.recipients, mail.invitation, mail.member
                )
            except (Invalid, NotFound) as error:
                raise Never(f"the invitation cannot be made: {error}") from None
        known = [one for one, _ in await messages.last_of_thread(connection, unit.schema, message.thread)]
        return message, found, reasons, attached, known, calendar

    message, sending, reasons, attached, known, calendar = await units.run(workspace, SYSTEM, prepare)

    async def note(state: str, problem: str | None = None, **details: Any) -> None:
        async def write(unit: Unit) -> None:
            connection = await unit.transaction()
            at = unit.now if state == "sent" else None
            await messages.set_state(
                connection, unit.schema, message.id, state, problem=problem, details=details, at=at
            )

        await units.run(workspace, SYSTEM, write)

    left = [
        one for one in mail.recipients if one.address not in reasons and (not mail.only or one.address in mail.only)
    ]
    if not left:
        await note("suppressed", "everybody it was for gets no more mail", suppressed=reasons)
        return {"suppressed": reasons}
    if sending is None:
        await note("queued", "no mail server is set up")
        raise Later("no mail server is set up: add an account for sending, or set XRM_SMTP_URL")
    if mail.guest_page is not None:
        try:
            mail = await _with_link(units, office, workspace, mail, left[0])
        except (Invalid, NotFound, Conflict) as error:
            await note("failed", f"the page for guests is not open: {error}")
            raise Never(f"the page for guests is not open: {error}"[:500]) from None
    raw = compose.write(
        _letter(office, workspace, replace(mail, calendar=calendar), message, sending, left, attached, known)
    )
    if len(raw) > office.mail_limit * 4 // 3:
        await note("failed", "the mail is too large")
        raise Never(f"the mail has {len(raw)} bytes, at most {office.mail_limit * 4 // 3} are sent")
    try:
        taken = await smtp.send(sending.server, raw, sending.sender.address, [one.address for one in left], begin)
    except Failed as failed:
        await _refused(units, workspace, message, failed.details.get("refused") or {})
        state = "failed" if isinstance(failed, Never) else "uncertain" if isinstance(failed, Unclear) else "queued"
        await note(state, str(failed))
        raise
    refused = {address: f"{one.code} {one.text}" for address, one in taken.refused.items()}
    await _refused(units, workspace, message, taken.refused)
    again = [address for address, one in taken.refused.items() if not one.for_good]
    if again:
        await _again(units, workspace, effect, mail, again)
    await note(
        "sent", "; ".join(refused.values()) or None, refused=refused, suppressed=reasons, response=taken.response
    )
    return {"response": taken.response, "accepted": taken.accepted, "refused": refused, "suppressed": reasons}


def _letter(
    office: Office,
    workspace: Workspace,
    mail: Mail,
    message: Message,
    sending: Account,
    left: Sequence[Mailable],
    attached: Sequence[Attachment],
    known: Sequence[str],
) -> Letter:
    reach = {one.address for one in left}
    shown = {one.address for one in mail.to} | {one.address for one in mail.cc}
    visible = reach if not mail.only else shown
    earlier = [one for one in known if one != message.message_id][-4:] if message.in_reply_to else []
    references = [message.thread] if message.thread != message.message_id else []
    if message.in_reply_to:
        references = list(dict.fromkeys([*references, *earlier, message.in_reply_to]))
    unsubscribe = unsubscribe_url(office, workspace, left[0].address) if mail.category == "marketing" else None
    text, html = mail.text, mail.html
    if unsubscribe and unsubscribe not in text:
        text = f"{text}\n\n-- \n{unsubscribe}"
        if html is not None:
            html = f'{html}<hr><p><a href="{unsubscribe}">Unsubscribe</a></p>'
    return Letter(
        message.message_id, message.at, sending.sender, [one for one in mail.to if one.address in visible], mail.subject,
        text, html, [one for one in mail.cc if one.address in visible],
        reply_to=mail.reply_to or sending.reply_to, in_reply_to=message.in_reply_to, references=references,
        unsubscribe=unsubscribe, automatic=mail.automatic, attachments=attached, calendar=mail.calendar,
    )  # fmt: skip


async def _with_link(units: Units, office: Office, workspace: Workspace, mail: Mail, reader: Mailable) -> Mail:
    """The letter with a link for its reader; what is kept of the mail never has it, and another try makes another one."""

    async def issue(unit: Unit) -> str:
        module, record = mail.records[0]
        found = unit.catalog.find(module) or unit.catalog.modules[module]
        page = next((one for one in guests.pages_of(found) if one.name == mail.guest_page), None)
        named = None if page is not None and page.recipient is not None else reader.name or reader.address
        _, secret = await guests.issue(unit, found.name, record, str(mail.guest_page), recipient=named)
        return office.public_url + guests.address(workspace.slug, secret)

    if not mail.records:
        raise NotFound(Problem("not_found", "", "The mail is about no record."))
    url = await units.run(workspace, SYSTEM, issue)
    text = mail.text.replace(LINK, url) if LINK in mail.text else f"{mail.text}\n\n{url}"
    anchor = f'<a href="{url}">{url}</a>'
    html = mail.html
    if html is not None:
        html = html.replace(LINK, anchor) if LINK in html else f"{html}<p>{anchor}</p>"
    return replace(mail, text=text, html=html)


async def _attachments(unit: Unit, connection: Connection, office: Office, ids: Sequence[UUID]) -> list[Attachment]:
    found, size = [], 0
    for one in ids:
        stored = await files.get_file(connection, unit.schema, one)
        content = await files.get_content(connection, unit.schema, one) if stored is not None else None
        if stored is None or content is None:
            raise Never(f"the attachment {one} is gone")
        size += len(content)
        if size > office.mail_limit:
            raise Never(f"the attachments have more than {office.mail_limit // 1024 // 1024} MB")
        found.append(Attachment(stored.name, stored.type, content))
    return found


async def _refused(units: Units, workspace: Workspace, message: Message, refused: dict[str, smtp.Refusal]) -> None:
    """Addresses that do not exist get no more mail."""
    gone = {address: one for address, one in refused.items() if one.code in _NO_SUCH_ADDRESS}
    if not gone:
        return
    async with units.begin(workspace, SYSTEM) as unit:
        connection = await unit.transaction()
        for address, one in gone.items():
            entry = Suppressed(address, "all", "bounced", f"{one.code} {one.text}"[:300], unit.now)
            await suppression.put(connection, unit.schema, entry)


async def _again(units: Units, workspace: Workspace, effect: Effect, mail: Mail, addresses: list[str]) -> None:
    """The others have it: those whom the server put off get it by an effect of their own."""
    async with units.begin(workspace, SYSTEM) as unit:
        connection = await unit.transaction()
        rest = replace(mail, only=tuple(addresses), records=())
        await outbox.put(
            connection, unit.schema, "mail", f"{effect.key}:put off", rest.payload(), now=unit.now,
            not_before=unit.now + DELAYS[1],
        )  # fmt: skip


def unsubscribe_url(office: Office, workspace: Workspace, address: str) -> str:
    """The address that ends mails which advertise, for one person."""
    token = office.sign("unsubscribe", str(workspace.id), address)
    return f"{office.public_url}/api/v1/mail/unsubscribe/{workspace.slug}/{token}?address={quote(address, safe='')}"

"""The account that a mail goes out by, and what stands in From."""

from __future__ import annotations

from dataclasses import dataclass

from xrm_core.messaging import compose
from xrm_core.messaging.addresses import Mailable, normal, parse
from xrm_core.messaging.mail import Mail
from xrm_core.messaging.office import Office, Server
from xrm_core.records.unit import Unit
from xrm_core.storage import mailboxes, members
from xrm_core.storage.database import Connection


@dataclass(frozen=True, slots=True)
class Account:
    """Where a mail goes out, and what stands in From."""

    server: Server
    sender: Mailable
    reply_to: Mailable | None = None


async def account(unit: Unit, connection: Connection, office: Office, mail: Mail) -> Account | None:
    """The account that a mail goes out by: the one it names, the member's own, the workspace's, the installation's."""
    box = None
    if mail.sender is not None:
        box = await mailboxes.get(connection, unit.schema, mail.sender)
        box = box if box is not None and box.enabled and box.kind == "smtp" else None
    if box is None:
        box = await mailboxes.sender(connection, unit.schema, mail.member)
    member = await members.member(connection, unit.schema, mail.member) if mail.member else None
    name = str(member.name) if member is not None else unit.workspace.name
    # Who writes by an account of all gets the answers themselves.
    own_reply, _ = parse({"name": name, "address": member.email}, "") if member is not None else (None, [])
    if box is not None:
        shown = name if box.member is not None or member is not None else str(box.settings.get("from_name") or name)
        sender, _ = parse({"name": _plain(shown), "address": box.address}, "")
        if sender is None:
            return None
        wanted = box.settings.get("reply_to")
        reply_to = parse(wanted, "")[0] if wanted else own_reply if box.member is None else None
        return Account(office.server_of(box), sender, reply_to)
    if office.smtp is None:
        return None
    address = normal(office.smtp_from or office.smtp.user) or f"xrm@{office.domain}"
    return Account(office.smtp, Mailable(address, _plain(name)), own_reply)


def _plain(name: str) -> str:
    """A name as it can stand in a header."""
    return "".join(c for c in compose.one_line(name) if c not in '@<>;"')[:100]

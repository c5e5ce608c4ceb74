"""Trying an account: connect, sign in, and go again; nothing is sent or read."""

from __future__ import annotations

import asyncio
from datetime import datetime

from xrm_core.kernel.errors import XrmError
from xrm_core.messaging import caldav, imap, smtp
from xrm_core.messaging.effects import Failed
from xrm_core.messaging.office import Office
from xrm_core.storage.mailboxes import Mailbox


async def probe(office: Office, box: Mailbox, now: datetime) -> str | None:
    """What is wrong with an account right now; None when it works."""
    try:
        if box.kind == "caldav":
            await caldav.probe(office, box, now)
        elif box.kind == "imap":
            folders = box.settings.get("folders")
            wanted = [str(one) for one in folders] if isinstance(folders, list) and folders else ["INBOX"]
            await asyncio.to_thread(imap.probe, office.server_of(box), wanted)
        else:
            await smtp.probe(office.server_of(box))
    except (Failed, XrmError) as failed:
        return str(failed)[:500] or type(failed).__name__
    return None

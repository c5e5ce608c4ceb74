"""Fetching mail by IMAP: each mail once, in the order in which it came, however often the line breaks."""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from imap_tools import BaseMailBox, MailBox, MailboxLoginError, MailBoxStartTls, MailBoxUnencrypted

from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.errors import XrmError
from xrm_core.messaging import filing, reading
from xrm_core.messaging.effects import Failed, Later
from xrm_core.messaging.office import Office, Server
from xrm_core.records.unit import Unit, Units
from xrm_core.storage import mailboxes
from xrm_core.storage.mailboxes import Mailbox
from xrm_core.storage.workspaces import Workspace

SECONDS = 30
BATCH = 20
MOST_PER_TURN = 2_000
CLAIM = timedelta(minutes=10)
EVERY = timedelta(minutes=1)
_PAUSES = (1, 2, 5, 15, 60)
"""Minutes between attempts while a server cannot be reached."""
_SIZE = re.compile(rb"UID (\d+)|RFC822\.SIZE (\d+)")
log = logging.getLogger("xrm.imap")


@dataclass(frozen=True, slots=True)
class Fetched:
    """A mail as the server has it; only its beginning when it is too large."""

    uid: int
    raw: bytes
    size: int
    whole: bool


@contextmanager
def _connected(server: Server) -> Iterator[BaseMailBox]:
    try:
        context = ssl.create_default_context()
        if server.security == "tls":
            box: BaseMailBox = MailBox(server.host, server.port, timeout=SECONDS, ssl_context=context)
        elif server.security == "starttls":
            box = MailBoxStartTls(server.host, server.port, timeout=SECONDS, ssl_context=context)
        else:
            box = MailBoxUnencrypted(server.host, server.port, timeout=SECONDS)
        with box.login(server.user, server.password, initial_folder=None) as found:
            yield found
    except MailboxLoginError as error:
        raise Later(f"{server.name} refused the user or password: {str(error)[:200]}") from error
    except Failed:
        raise
    except Exception as error:  # imaplib raises its own error, socket errors and whatever parsing an answer raises
        raise Later(f"{server.name}: {str(error)[:300] or type(error).__name__}") from error


def probe(server: Server, folders: Sequence[str]) -> None:
    """Sign in and look whether the folders are there. Blocks; raises Later."""
    with _connected(server) as box:
        for folder in folders:
            box.folder.status(folder, ["UIDNEXT"])


def fetch(
    server: Server, folder: str, state: dict[str, Any], since: datetime | None, limit: int
) -> tuple[dict[str, Any], list[Fetched]]:
    """Mails of a folder after what `state` says was read, at most a batch, and the state to go on from. Blocks."""
    with _connected(server) as box:
        status = box.folder.status(folder, ["UIDVALIDITY", "UIDNEXT"])
        valid, following = int(status["UIDVALIDITY"]), int(status["UIDNEXT"])
        last = int(state.get("uid", -1))
        if state.get("uidvalidity") != valid or last < 0:
            # The numbers mean other mails now; those that are known are recognised by their Message-ID.
            first_time = "uidvalidity" not in state
            last = following - 1 if first_time and since is None else 0
        box.folder.set(folder, readonly=True)
        wanted = _uids(box, last, since if "uidvalidity" not in state else None)
        batch, found = wanted[:BATCH], []
        for uid in batch:
            mail = _one(box, uid, limit)
            if mail is not None:
                found.append(mail)
        upto = batch[-1] if len(wanted) > BATCH else max([last, following - 1, *batch])
        return {"uidvalidity": valid, "uid": upto}, found


def _uids(box: BaseMailBox, after: int, since: datetime | None) -> list[int]:
    criteria = ["UID", f"{after + 1}:*"] + (["SINCE", since.strftime("%d-%b-%Y")] if since is not None else [])
    kind, data = box.client.uid("SEARCH", *criteria)
    if kind != "OK":
        raise Later(f"the server answered {kind} to a search")
    numbers = (data[0] or b"").split() if data else []
    # "n:*" always names the last mail, even if its number is below n.
    return sorted(int(one) for one in numbers if int(one) > after)


def _one(box: BaseMailBox, uid: int, limit: int) -> Fetched | None:
    kind, data = box.client.uid("FETCH", str(uid), "(RFC822.SIZE)")
    if kind != "OK" or not data or data[0] is None:
        return None  # it was removed meanwhile
    text = data[0] if isinstance(data[0], bytes) else bytes(data[0][0])
    size = next((int(match[2]) for match in _SIZE.finditer(text) if match[2]), 0)
    whole = size <= limit
    kind, data = box.client.uid("FETCH", str(uid), "(BODY.PEEK[])" if whole else "(BODY.PEEK[]<0.65536>)")
    raw = next((bytes(part[1]) for part in data or () if isinstance(part, tuple)), None)
    return Fetched(uid, raw, max(size, len(raw)), whole) if kind == "OK" and raw is not None else None


async def check(units: Units, office: Office, workspace: Workspace, box: Mailbox) -> int:
    """File everything new in a mailbox; how many mails. Raises Failed. What was filed stays filed."""
    server = office.server_of(box)
    folders = box.settings.get("folders")
    state = dict(box.state)
    count = 0
    for folder in folders if isinstance(folders, list) and folders else ["INBOX"]:
        days = box.settings.get("history_days")
        since = units.clock.now() - timedelta(days=days) if type(days) is int and days > 0 else None
        for _ in range(MOST_PER_TURN // BATCH):
            before = dict(state.get(folder) or {})
            after, found = await asyncio.to_thread(fetch, server, str(folder), before, since, office.mail_limit)
            for mail in found:
                count += await _file(units, office, workspace, box, mail)
            state[folder] = after
            async with units.database.writing() as connection:
                await mailboxes.set_state(connection, workspace.schema, box.id, state)
            if len(found) < BATCH:
                break
    return count


async def _file(units: Units, office: Office, workspace: Workspace, box: Mailbox, mail: Fetched) -> bool:
    read = await asyncio.to_thread(reading.read, mail.raw, office)
    if not mail.whole:
        read.files.clear()
        read.problems.insert(0, f"it has {mail.size} bytes: only its beginning was read, all of it is in the mailbox")

    async def work(unit: Unit) -> bool:
        return (await filing.file(unit, office, box, read, mail.size)).message is not None

    try:
        return await units.run(workspace, SYSTEM, work)
    except XrmError as error:
        # A mail that cannot be stored as it is must neither stop the others nor get lost.
        log.warning(
            "a mail was filed without its parts: %s", error, extra={"workspace": workspace.slug, "uid": mail.uid}
        )
        read.html, read.quoted, read.calendars, read.bounce = None, "", [], None
        read.files = [reading.File("message.eml", "message/rfc822", mail.raw)]
        read.problems.append(f"it could not be read: {error}"[:300])
        return await units.run(workspace, SYSTEM, work)


async def run_due(units: Units, office: Office, workspace: Workspace, me: str) -> int:
    """Look into the mailboxes whose turn it is; how many mails came."""
    count = 0
    while True:
        now = units.clock.now()
        async with units.database.writing() as connection:
            box = await mailboxes.claim(connection, workspace.schema, ("imap",), me, now, now + CLAIM)
        if box is None:
            return count
        error, pause = None, EVERY
        try:
            count += await check(units, office, workspace, box)
            minutes = box.settings.get("minutes")
            pause = timedelta(minutes=minutes) if type(minutes) is int and 1 <= minutes <= 1440 else EVERY
        except (Failed, XrmError) as failed:
            error = str(failed)[:500]
            known = (
                int(box.error.split("x", 1)[0]) if box.error and box.error[:1].isdigit() and "x" in box.error[:4] else 0
            )
            pause = timedelta(minutes=_PAUSES[min(known, len(_PAUSES) - 1)])
            error = f"{known + 1}x {error}"
        async with units.database.writing() as connection:
            await mailboxes.release(connection, workspace.schema, box.id, me, now, now + pause, error)

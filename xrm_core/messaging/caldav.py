"""CalDAV: a member's events go into their calendar, moves made there come back, and what else is there counts as busy.

The client is our own few requests: the known library brings an HTTP stack that takes the place of another package.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit
from uuid import UUID
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import orjson

from xrm_core.kernel.actor import SYSTEM, Actor
from xrm_core.kernel.errors import XrmError
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem
from xrm_core.messaging import calling, events, ical
from xrm_core.messaging.calling import Answer
from xrm_core.messaging.effects import Failed, Later
from xrm_core.messaging.events import Happening
from xrm_core.messaging.ical import Entry, Found
from xrm_core.messaging.invitations import uid_of
from xrm_core.messaging.office import Office
from xrm_core.records import write
from xrm_core.records.unit import Unit, Units
from xrm_core.storage import mailboxes, members
from xrm_core.storage import messages_calendar as store
from xrm_core.storage.mailboxes import Mailbox
from xrm_core.storage.messages_calendar import Item
from xrm_core.storage.rows import instant
from xrm_core.storage.workspaces import Workspace

BACK, AHEAD = timedelta(days=30), timedelta(days=365)
LARGEST = 20_000_000
_BATCH = 50
_D, _C = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}"
_KNOWN = frozenset({"url", "user", "minutes"})


def check_settings(settings: dict[str, Any], office: Office) -> list[Problem]:
    """What is wrong with the settings of a calendar."""
    problems = calling.check_url(settings.get("url"), "/settings/url", office)
    if not isinstance(settings.get("user", ""), str):
        problems.append(Problem("type", "/settings/user", "A user is a text."))
    problems += [
        Problem("unknown_key", f"/settings/{key}", f"There is no {key!r} here.", f"Known: {', '.join(sorted(_KNOWN))}.")
        for key in settings
        if key not in _KNOWN
    ]
    return problems


@dataclass(frozen=True, slots=True)
class Remote:
    """A calendar on a server."""

    office: Office
    url: str
    user: str
    password: str

    async def ask(self, method: str, href: str = "", body: str = "", **headers: str) -> Answer:
        """One request; 401, 403 and 5xx raise Later."""
        target = urljoin(self.url, href) if href else self.url
        if urlsplit(target).netloc != urlsplit(self.url).netloc:
            raise Later("the calendar names another server")
        sent = {
            "Content-Type": "application/xml; charset=utf-8",
            **{k.replace("_", "-"): v for k, v in headers.items()},
        }
        auth = (self.user, self.password) if self.user else None
        answer = await calling.call(
            self.office, method, target, body=body.encode(), headers=sent, auth=auth, most=LARGEST
        )
        if answer.status in (401, 403) or answer.status >= 500:
            raise Later(f"the calendar answered {answer.status} to {method}")
        return answer

    async def etags(self, start: datetime, end: datetime) -> dict[str, str]:
        """What is in the calendar between two moments: href and version."""
        span = f'<C:time-range start="{start:%Y%m%dT%H%M%SZ}" end="{end:%Y%m%dT%H%M%SZ}"/>'
        body = (
            '<?xml version="1.0" encoding="utf-8"?><C:calendar-query xmlns:D="DAV:" '
            'xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter '
            f'name="VCALENDAR"><C:comp-filter name="VEVENT">{span}</C:comp-filter></C:comp-filter></C:filter>'
            "</C:calendar-query>"
        )
        answer = await self.ask("REPORT", body=body, Depth="1")
        if answer.status != 207:
            raise Later(f"the calendar answered {answer.status}: is the address that of a calendar?")
        return {href: etag for href, etag, _ in _responses(answer.body) if etag}

    async def fetch(self, hrefs: list[str]) -> dict[str, tuple[str, str]]:
        """Entries by href: (version, text)."""
        found: dict[str, tuple[str, str]] = {}
        for at in range(0, len(hrefs), _BATCH):
            names = "".join(f"<D:href>{_escape(href)}</D:href>" for href in hrefs[at : at + _BATCH])
            body = (
                '<?xml version="1.0" encoding="utf-8"?><C:calendar-multiget xmlns:D="DAV:" '
                'xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/><C:calendar-data/></D:prop>'
                f"{names}</C:calendar-multiget>"
            )
            answer = await self.ask("REPORT", body=body, Depth="1")
            found |= {href: (etag, text) for href, etag, text in _responses(answer.body) if etag and text}
        return found

    async def put(self, href: str, text: str, etag: str | None) -> str | None:
        """Write an entry unless it changed meanwhile; its new version, '' if unknown, None if it did change."""
        condition = {"If_Match": etag} if etag else {"If_None_Match": "*"}
        headers = {"Content_Type": "text/calendar; charset=utf-8", **condition}
        answer = await self.ask("PUT", href, text, **headers)
        if answer.status == 412:
            return None
        if answer.status not in (200, 201, 204):
            raise Later(f"the calendar answered {answer.status} to an entry")
        return answer.headers.get("etag", "")

    async def delete(self, href: str, etag: str | None) -> None:
        """Remove an entry unless it changed meanwhile."""
        await self.ask("DELETE", href, **({"If_Match": etag} if etag else {}))


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _responses(body: bytes) -> list[tuple[str, str, str]]:
    """(href, version, text) of an answer; entities are refused, which could make a small answer a huge one."""
    text = body.decode("utf-8", "replace")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise Later("the calendar sent XML with a document type")
    try:
        root = ElementTree.fromstring(text.encode())
    except ElementTree.ParseError as error:
        raise Later(f"the calendar sent no XML: {error}") from None
    found = []
    for response in root.iter(f"{_D}response"):
        href = response.findtext(f"{_D}href") or ""
        etag = next((one.text or "" for one in response.iter(f"{_D}getetag")), "")
        data = next((one.text or "" for one in response.iter(f"{_C}calendar-data")), "")
        found.append((href, etag, data))
    return found


async def sync(units: Units, office: Office, workspace: Workspace, box: Mailbox) -> dict[str, int]:
    """Bring a member's calendar and the records of their events together; what was done. Raises Failed."""
    counts = {"pushed": 0, "pulled": 0, "removed": 0, "busy": 0, "problems": 0}
    if box.member is None:
        return counts
    url = str(box.settings["url"]).rstrip("/") + "/"
    remote = Remote(office, url, str(box.settings.get("user") or ""), office.unlock(box.secret))
    async with units.begin(workspace, SYSTEM) as unit:
        connection = await unit.writer()
        known = {item.href: item for item in await store.items(connection, unit.schema, box.id)}
        member = await members.member(connection, unit.schema, box.member)
        now = unit.now
    if member is None or member.disabled_at is not None:
        return counts
    actor = Actor(member.id, member.name, member.roles, "api", member.teams)
    async with units.begin(workspace, actor) as unit:
        ours = {one.record: one for one in await events.of_member(unit, now - BACK, now + AHEAD)}
        zone = unit.zone
    etags = await remote.etags(now - BACK, now + AHEAD)
    changed = [href for href, etag in etags.items() if href not in known or known[href].etag != etag]
    texts = await remote.fetch(changed)
    mine = {item.record_id: item for item in known.values() if item.record_id is not None}
    for href, (etag, text) in texts.items():
        reading = ical.read(text, zone)
        if not reading.events:
            counts["problems"] += 1
            continue
        event, item = reading.events[0], known.get(href)
        record = _record_of(office, event.uid)
        if record is not None and record in ours and item is not None and item.record_id == record:
            moved = await _pull(units, workspace, actor, ours[record], event, item, zone)
            counts["pulled"] += moved is not None
            counts["problems"] += moved is None
            if moved is not None:
                ours[record] = moved
                item = _ours(box, href, etag, moved, now, zone)
            else:  # ours stays as it is, and goes there again
                item = replace(item, etag=etag, digest=None)
        else:
            item = _theirs(box, href, etag, event, now, reading.problems, record)
            counts["busy"] += item.busy and item.record_id is None
        await _keep(units, workspace, item)
        known[href] = item
        if item.record_id is not None:
            mine[item.record_id] = item
    for record, one in ours.items():
        item = mine.get(record)
        if item is not None and item.href not in etags and item.problem != "removed there":
            await _keep(units, workspace, replace(item, problem="removed there"))  # the member did not want it there
            continue
        if item is not None and (item.problem == "removed there" or item.digest == _digest(one, zone)):
            continue
        href = item.href if item is not None else urlsplit(url).path + quote(f"{record}.ics")
        uid = uid_of(office, record)
        entry = Entry(
            uid, one.title, one.start, one.end, now, place=one.place,
            url=f"{office.public_url}/m/{one.module}/{record}",
        )  # fmt: skip
        version = await remote.put(href, ical.write([entry]), item.etag if item is not None else None)
        if version is None:
            counts["problems"] += 1
            continue
        if not version:
            version = (await remote.fetch([href])).get(href, ("", ""))[0]
        counts["pushed"] += 1
        await _keep(units, workspace, _ours(box, href, version, one, now, zone))
    for href, item in known.items():
        gone = item.record_id is not None and item.record_id not in ours
        if gone and href in etags and _ahead(item, now):
            await remote.delete(href, item.etag)
            counts["removed"] += 1
        if gone or (item.record_id is None and href not in etags):
            async with units.database.writing() as connection:
                await store.drop_item(connection, workspace.schema, box.id, href)
    return counts


def _ahead(item: Item, now: datetime) -> bool:
    return item.ends_at is None or item.ends_at >= now - BACK


def _record_of(office: Office, uid: str) -> UUID | None:
    local, _, domain = uid.partition("@")
    try:
        return UUID(local) if domain == office.domain else None
    except ValueError:
        return None


def _digest(one: Happening, zone: str) -> bytes:
    start, end = one.span(zone)
    return hashlib.sha256(orjson.dumps([one.title, start, end, one.place])).digest()


def _ours(box: Mailbox, href: str, etag: str, one: Happening, now: datetime, zone: str) -> Item:
    start, end = one.span(zone)
    return Item(
        box.id, href, str(one.record), etag, one.record, _digest(one, zone), one.title, start, end, True, None, now
    )


def _theirs(
    box: Mailbox, href: str, etag: str, event: Found, now: datetime, problems: list[str], record: UUID | None
) -> Item:
    busy = event.busy and not event.cancelled and event.start is not None
    uid = event.uid or unquote(href.rsplit("/", 1)[-1])
    return Item(
        box.id, href, uid, etag, record, None, event.title, event.start, event.end, busy,
        "; ".join(problems)[:300] or None, now,
    )  # fmt: skip


async def _keep(units: Units, workspace: Workspace, item: Item) -> None:
    async with units.database.writing() as connection:
        await store.put_item(connection, workspace.schema, item)


async def _pull(
    units: Units, workspace: Workspace, actor: Actor, one: Happening, event: Found, item: Item, zone: str
) -> Happening | None:
    """Take over when an event takes place now; as it is then, None if the member may not move it or it moved here too."""
    if item.digest != _digest(one, zone) or event.start is None or event.end is None or event.cancelled:
        return None
    if (event.start, event.end) == one.span(zone):
        return one

    async def work(unit: Unit) -> Happening | None:
        module = unit.module(one.module)
        definition = module.definition.event
        assert definition is not None and event.start is not None and event.end is not None
        values: dict[str, Any] = {}
        for name, moment in ((definition.start, event.start), (definition.end, event.end)):
            known = module.fields.get(name or "")
            if known is not None and known.writable:
                local = moment.astimezone(ZoneInfo(unit.zone))
                if known.kind is Kind.DATE:
                    last = name == definition.end and event.all_day
                    values[name or ""] = (local.date() - timedelta(days=1) if last else local.date()).isoformat()
                else:
                    values[name or ""] = instant(moment)
        stored = await write.update(unit, module.name, one.record, values)
        return events.of_record(module, orjson.loads(stored.json))

    try:
        return await units.run(workspace, actor, work)
    except XrmError:
        return None


async def run_due(units: Units, office: Office, workspace: Workspace, me: str) -> int:
    """Bring calendars up to date whose turn it is; how many."""
    done = 0
    while True:
        now = units.clock.now()
        async with units.database.writing() as connection:
            until = now + timedelta(minutes=10)
            box = await mailboxes.claim(connection, workspace.schema, ("caldav",), me, now, until)
        if box is None:
            return done
        error = None
        try:
            await sync(units, office, workspace, box)
        except (Failed, XrmError) as failed:
            error = str(failed)[:500]
        minutes = box.settings.get("minutes")
        pause = timedelta(minutes=minutes if type(minutes) is int and 1 <= minutes <= 1440 else 10)
        async with units.database.writing() as connection:
            await mailboxes.release(connection, workspace.schema, box.id, me, now, now + pause, error)
        done += 1


async def probe(office: Office, box: Mailbox, now: datetime) -> None:
    """Ask a calendar what it has on one day. Raises Later."""
    url = str(box.settings["url"]).rstrip("/") + "/"
    await Remote(office, url, str(box.settings.get("user") or ""), office.unlock(box.secret)).etags(
        now, now + timedelta(days=1)
    )

"""Actions that tell somebody: what leaves the product goes through the outbox, in the transaction of the step."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from html import escape
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson

from xrm_core.automation.actions.base import Outcome, Run
from xrm_core.definitions.automation import Quiet
from xrm_core.definitions.mail_template import MailTemplate
from xrm_core.definitions.steps import CallWebhook, Notify, SendMail
from xrm_core.definitions.triggers.base import at_local, read_clock
from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.labels import label_text
from xrm_core.messaging import mail as mails
from xrm_core.messaging.templates import Rendered, of_definition, render
from xrm_core.records import aggregate
from xrm_core.storage import members as member_store
from xrm_core.storage import notifications, outbox
from xrm_core.storage import occurrences as store
from xrm_core.storage.notifications import Notification
from xrm_core.storage.rows import instant

LONGEST_DRAFT = 4000


async def send(run: Run, step: SendMail) -> Outcome:
    """Ask for an e-mail; not to those who must not get it, and not when nobody is to be disturbed."""
    quiet_until = await quiet(run)
    if quiet_until is not None:
        return Outcome({"until": instant(quiet_until), "reason": "quiet hours"}, "put_off", wait_until=quiet_until)
    if not await run.subject.holds(step.allowed_when):
        return Outcome({"reason": "not allowed", "condition": step.allowed_when}, "suppressed")
    addresses = await run.subject.addresses(step.to)
    if not addresses:
        return Outcome({"reason": "no address"}, "suppressed")
    tables, empty = await _tables(run, step)
    if step.skip_empty and step.tables and empty:
        return Outcome({"reason": "nothing to report"}, "suppressed")
    template = template_of(run, step)
    purpose = "marketing" if template is not None and template.purpose == "marketing" else step.purpose
    made = await rendered(run, step)
    if step.approval and run.occurrence.position.get("approved") != run.occurrence.position.get("at"):
        draft = {"to": addresses, "subject": made.subject, "text": made.text[:LONGEST_DRAFT]}
        shown = f"{', '.join(addresses)}: {made.subject} – {' '.join(made.text.split())}"
        return Outcome({"reason": shown[:1000], **draft}, "asked")
    kept, left_out = [], []
    limits = run.ready.automation.limits
    for address in addresses:
        marketing = purpose == "marketing"
        if marketing and limits.per_person is not None:
            since = run.unit.now - timedelta(days=limits.per_days)
            if await store.mails_since(run.connection, run.unit.schema, address.lower(), since) >= limits.per_person:
                left_out.append({"address": address, "reason": "had enough mails"})
                continue
        kept.append(address)
        if marketing:
            await store.note_mail(run.connection, run.unit.schema, address.lower(), run.unit.now)
    if not kept:
        return Outcome({"left_out": left_out}, "suppressed")
    payload: dict[str, Any] = {
        "to": kept, "subject": " ".join(made.subject.split())[:250], "text": made.text + tables, "category": purpose,
        "automatic": True,
    }  # fmt: skip
    if made.html:
        payload["html"] = made.html + "".join(f"<p>{escape(line)}</p>" for line in tables.splitlines() if line)
    row, module = run.subject.row, run.ready.module
    if row is not None and module is not None:
        payload["records"] = [{"module": module.name, "id": str(row.id)}]
        payload["guest_page"] = step.guest_page
    calendar = await _invitation(run, step)
    if calendar is not None:
        payload["invitation"] = calendar
    try:
        mail = mails.read(payload)
    except Invalid as invalid:
        return Outcome({"problems": [problem.as_dict() for problem in invalid.problems]}, "failed")
    ids = []
    # Everybody gets their own: one address that cannot be reached holds up no other.
    for one in mail.recipients:
        part = {**mail.payload(), "to": [one.as_dict()], "actor": run.unit.actor.as_dict()}
        if calendar:
            part["invitation"] = calendar
        found = await outbox.put(
            run.connection, run.unit.schema, "mail", f"{run.key}:{one.address}", part, now=run.unit.now
        )
        if found is not None:
            ids.append(str(found))
    result: dict[str, Any] = {"to": kept, "subject": mail.subject, "outbox": ids}
    if left_out:
        result["left_out"] = left_out
    if calendar:
        result["invitation"] = calendar
    return Outcome(result)


def template_of(run: Run, step: SendMail) -> MailTemplate | None:
    """The mail template that a step names."""
    return run.unit.catalog.definitions.mail_template(step.template) if step.template is not None else None


async def rendered(run: Run, step: SendMail) -> Rendered:
    """Subject and text, in the language of whoever gets it."""
    language = None
    if step.language is not None:
        language = await run.subject.stored(step.language)
    language = str(language or run.unit.workspace.locale)[:2]
    template, row, module = template_of(run, step), run.subject.row, run.ready.module
    if template is not None and row is not None and module is not None:
        own = {"sender_name": run.unit.workspace.name}
        return await render(run.unit, module, row.id, of_definition(template), language=language, own=own)
    subject = step.subjects.get(language, step.subject)
    text = step.texts_in.get(language, step.text)
    return Rendered(await run.subject.text(subject), None, await run.subject.text(text), language)


async def quiet(run: Run) -> datetime | None:
    """When the quiet hours end in which we are; None outside them."""
    rule = run.ready.automation.quiet
    if rule is None:
        return None
    name = await run.subject.stored(rule.zone) if rule.zone is not None else None
    try:
        zone = ZoneInfo(str(name or run.unit.zone))
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo(run.unit.zone)
    return quiet_until(rule, run.unit.now, zone)


def quiet_until(rule: Quiet, now: datetime, zone: ZoneInfo) -> datetime | None:
    """When it is not quiet any more in a zone; None if it is not quiet now."""
    start, end = read_clock(rule.start), read_clock(rule.end)
    local = now.astimezone(zone)

    def is_quiet(clock: time, weekday: int) -> bool:
        inside = start <= clock or clock < end if start > end else start <= clock < end
        return inside or (rule.weekends and weekday > 4)

    if not is_quiet(local.time(), local.weekday()):
        return None
    for days in range(9):
        day = local.date() + timedelta(days=days)
        found = at_local(day, end, zone)
        if found is not None and found > now and not is_quiet(end, day.weekday()):
            return found
    return None


async def _tables(run: Run, step: SendMail) -> tuple[str, bool]:
    names = {}
    if any(table.group_by for table in step.tables):
        names = {str(one.id): one.name for one in await member_store.members(run.connection, run.unit.schema)}
    parts, total = [], 0
    for table in step.tables:
        body: dict[str, Any] = {"filter": table.filter, "group_by": [table.group_by] if table.group_by else []}
        found = orjson.loads(await aggregate.aggregate(run.unit, table.module, body))["data"]
        count = sum(int(entry["count"]) for entry in found)
        total += count
        parts.append(f"{table.label}: {count}")
        for entry in found if table.group_by else ():
            who = entry["group"][table.group_by]
            who = who.get("id") if isinstance(who, dict) else who
            parts.append(f"    {names.get(str(who), '–')}: {entry['count']}")
    return ("\n\n" + "\n".join(parts) + "\n" if parts else ""), total == 0


async def _invitation(run: Run, step: SendMail) -> dict[str, Any] | None:
    if step.invitation is None:
        return None
    start = await run.subject.moment(step.invitation.start)
    if start is None:
        return None
    end = await run.subject.moment(step.invitation.end) if step.invitation.end else None
    end = end or start + timedelta(hours=1)
    found = {"start": instant(start), "end": instant(end), "title": await run.subject.text(step.invitation.title)}
    if step.invitation.place is not None:
        found["place"] = await run.subject.text(step.invitation.place)
    return found


async def notify(run: Run, step: Notify) -> Outcome:
    """Tell members inside the product, each once."""
    people = await run.subject.members(step.to)
    text = await run.subject.text(step.text)
    row, module = run.subject.row, run.ready.module
    title = row.title if row is not None else label_text(run.ready.automation.label, run.unit.workspace.locale)
    news = [
        Notification(
            new_id(), one.id, "automation", run.unit.now, module.id if module else None, row.id if row else None,
            title, text[:1000], run.unit.actor.as_dict(), f"{run.key}:{one.id}",
        )
        for one in people
        if (one.settings.get("notify") or {}).get("automation", True)
    ]  # fmt: skip
    await notifications.put(run.connection, run.unit.schema, news)
    return Outcome({"to": [one.name for one in people], "text": text[:1000]}, "done" if people else "skipped")


async def webhook(run: Run, step: CallWebhook) -> Outcome:
    """Ask for a call of another program."""
    row, module = run.subject.row, run.ready.module
    body = await run.values(step.body)
    data = {"automation": run.ready.automation.name, "run": str(run.occurrence.id), "at": instant(run.unit.now), **body}
    if row is not None and module is not None:
        data["record"] = {"module": module.name, "id": str(row.id), "title": row.title}
    payload = {"url": step.url, "body": data}
    found = await outbox.put(run.connection, run.unit.schema, "webhook", run.key, payload, now=run.unit.now)
    return Outcome({"url": step.url, "outbox": str(found) if found else None})

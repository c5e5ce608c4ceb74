"""The timeline of a record as sentences: who did what, and which values changed from what to what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from markupsafe import Markup, escape

from xrm_core.records import read, timeline
from xrm_core.records.query import RecordQuery
from xrm_core.storage import messages
from xrm_core.storage.model import CompiledModule
from xrm_core.web import formats
from xrm_core.web.describe import Describer
from xrm_core.web.filters import address
from xrm_core.web.formatters import is_empty, record_url, reference_html, show
from xrm_core.web.looking import titles_of
from xrm_core.web.markdown import render as render_markdown
from xrm_core.web.pages import ChangeView, ColumnView, EntryView
from xrm_core.web.services import Visit
from xrm_core.web.views_record import TimelineFilter

PAGE = 20
MOST_PAGES = 5
KINDS = ("log", "records", "changes", "stages")
MOST_CHANGES = 8
LONGEST_EXCERPT = 600
ICONS = {
    "created": "plus", "updated": "pencil", "moved": "arrow-right", "archived": "archive", "restored": "archive-restore",
    "linked": "link", "unlinked": "unlink", "merged": "git-merge", "computed": "sigma", "mail": "mail",
}  # fmt: skip
QUIET = frozenset({"title", "stage_entered_at", "archived_at", "stage"})
"""Changes that the sentence tells already, or that follow from others."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the timeline is wanted."""

    kind: str = ""
    person: str = ""
    cursor: str | None = None

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> Wanted:
        """From the parameters of an address; what is not known is everything."""
        kind = parameters.get("what", "")
        return cls(kind if kind in KINDS else "", parameters.get("who", ""), parameters.get("cursor"))

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """As parameters, without the place."""
        return [pair for pair in (("what", self.kind), ("who", self.person)) if pair[1]]

    def fits(self, here: Visit, event: Mapping[str, Any]) -> bool:
        """Whether an event is wanted."""
        if self.person and str(event["actor"].get("id")) != self.person:
            return False
        other = here.unit.catalog.find(event["record"]["module"]) if "record" in event else None
        match self.kind:
            case "log":
                return "message" in event or (other is not None and other.definition.log is not None)
            case "records":
                return other is not None
            case "stages":
                return other is None and event["kind"] in ("moved", "created")
            case "changes":
                return other is None and event["kind"] not in ("moved", "mail")
        return True


def filter_view(here: Visit, module: CompiledModule, identity: str, wanted: Wanted) -> TimelineFilter:
    """What the timeline can be narrowed to."""
    t = here.t
    texts = {"log": t("Notes and calls"), "records": t("Related records"), "changes": t("Changes")}
    if module.pipeline is not None:
        texts["stages"] = t("Stages")
    logs = any(
        (known := here.unit.catalog.modules.get(inverse.module_id)) is not None and known.definition.log is not None
        for inverse in module.inverses.values()
    )
    if not logs:
        texts.pop("log")
    people = tuple(sorted(here.users.values(), key=lambda user: user.name.casefold()))
    url = f"/m/{module.name}/{identity}/timeline"
    return TimelineFilter(url, wanted.kind, wanted.person, tuple(texts.items()), people)


async def entries(
    here: Visit, module: CompiledModule, identity: UUID, wanted: Wanted
) -> tuple[tuple[EntryView, ...], str | None]:
    """A page of the timeline, and the address of the next one."""
    events: list[dict[str, Any]] = []
    cursor = wanted.cursor
    for _ in range(MOST_PAGES if wanted.pairs else 1):
        limit = PAGE * 5 if wanted.pairs else PAGE
        found = await timeline.timeline(here.unit, module.name, identity, limit=limit, cursor=cursor)
        events += [event for event in found["data"] if event["kind"] != "computed" and wanted.fits(here, event)]
        cursor = found["next"]
        if cursor is None or len(events) >= PAGE:
            break
    made = {event["record"]["id"] for event in events if "record" in event and event["kind"] == "created"}
    mails = [UUID(event["message"]["id"]) for event in events if "message" in event]
    logged = await _logged(here, mails)
    events = [event for event in events if not _told(event, made) and not _is_log(event, logged)]
    telling = Telling(here, module, identity)
    await telling.learn(events)
    base = f"/m/{module.name}/{identity}/timeline"
    following = address(base, [*wanted.pairs, ("cursor", cursor)]) if cursor else None
    return tuple(telling.entry(event) for event in events), following


def _told(event: Mapping[str, Any], made: set[str]) -> bool:
    """Whether a link needs no line of its own: the record at its other end was made at the same time."""
    if event["kind"] != "linked":
        return False
    named = {str(value.get("id")) for pair in event["changes"].values() for value in pair if isinstance(value, dict)}
    return bool(named) and named <= made


async def _logged(here: Visit, mails: list[UUID]) -> set[str]:
    """The records that only say that one of these mails was sent: the mail itself is shown."""
    if not mails:
        return set()
    about = await messages.about(here.unit.current or await here.unit.writer(), here.unit.schema, mails)
    return {str(one.record_id) for some in about.values() for one in some if one.via == "log"}


def _is_log(event: Mapping[str, Any], logged: set[str]) -> bool:
    if "record" in event:
        return event["record"]["id"] in logged
    named = {str(value.get("id")) for pair in event["changes"].values() for value in pair if isinstance(value, dict)}
    return event["kind"] in ("linked", "unlinked") and bool(named) and named <= logged


class Telling:
    """Turns events into entries."""

    def __init__(self, here: Visit, module: CompiledModule, record: UUID) -> None:
        self.here = here
        self.module = module
        self.record = record
        self.describer = Describer(here)
        self.titles: dict[str, str] = {}
        self.written: dict[str, dict[str, Any]] = {}

    async def learn(self, events: list[dict[str, Any]]) -> None:
        """Find the titles of all records that changes name: one query per module."""
        wanted: dict[str, set[str]] = {}
        for event in events:
            if "record" in event or event["kind"] == "created":
                continue
            for name, pair in event["changes"].items():
                for value in pair:
                    target = self._target(name, value)
                    if target is not None:
                        wanted.setdefault(target[0], set()).add(target[1])
        for module_name, ids in wanted.items():
            found = self.here.unit.catalog.find(module_name)
            if found is not None and self.describer.sees(found):
                self.titles |= await titles_of(self.here, module_name, sorted(ids))
        await self._read_logs(events)

    async def _read_logs(self, events: list[dict[str, Any]]) -> None:
        """What was written in notes and calls, for the entries that tell of them."""
        wanted: dict[str, set[str]] = {}
        for event in events:
            if "record" in event and event["kind"] == "created":
                wanted.setdefault(event["record"]["module"], set()).add(event["record"]["id"])
        for module_name, ids in wanted.items():
            found = self.here.unit.catalog.find(module_name)
            log = found.definition.log if found is not None else None
            if found is None or log is None or not self.describer.sees(found):
                continue
            hidden = self.describer.hidden(found)
            names = [name for name in (log.text, log.kind) if name and found.fields[name].id not in hidden]
            condition = {"field": "id", "op": "in", "value": sorted(ids)}
            query = RecordQuery(found.name, filter=condition, fields=("title", *names), limit=len(ids))
            for row in map(orjson.loads, (await read.find(self.here.unit, query)).rows):
                self.written[row["id"]] = row

    def _target(self, name: str, value: Any) -> tuple[str, str] | None:
        """(module name, id) of the record that a link's value names."""
        if isinstance(value, dict) and "id" in value and "module" in value:
            module = self.here.unit.catalog.modules.get(str(value["module"]))
            return (module.name if module else str(value["module"]), str(value["id"]))
        link = self.module.links.get(name)
        if link is not None and isinstance(value, str) and len(value) == 36:
            return self.here.unit.catalog.modules[link.targets[0]].name, value
        return None

    def entry(self, event: Mapping[str, Any]) -> EntryView:
        """One entry."""
        here = self.here
        at = str(event["at"])
        moment = formats.parse_instant(at)
        local = moment.astimezone(formats.zone_of(here.unit.zone)).date() if moment is not None else here.unit.today
        day = formats.day(local.isoformat(), here.locale)
        if local == here.unit.today:
            day = here.t("Today")
        elif local == here.unit.today - timedelta(days=1):
            day = here.t("Yesterday")
        other = event.get("record")
        if "message" in event:
            what, body = self._mail(event["message"])
        else:
            what, body = self._about(event, other) if other else (self._what(event), None)
        changes = () if other or event["kind"] in ("created", "linked", "unlinked") else self._changes(event)
        icon = self._icon(event, other)
        who = self._who(event["actor"]) if event.get("message", {}).get("direction") != "in" else self._sender(event)
        shown = formats.since(at, here.unit.now, here.locale, here.unit.zone)
        if "message" in event:
            body = Markup("").join([body or Markup(""), self._delivery(event["message"])]) or None
        return EntryView(str(event["id"]), icon, who, what, at, shown, day, changes, body)

    def _delivery(self, message: Mapping[str, Any]) -> Markup:
        """To whom a mail went, what went along, and where it is now; what has not left yet can be taken back."""
        t, found = self.here.t, []
        if message["direction"] == "out":
            words = {
                "queued": ("amber", t("Waiting")), "sent": ("green", t("Delivered to the server")), "bounced": ("red", t("Came back")),
                "failed": ("red", t("Failed")), "uncertain": ("amber", t("Uncertain")), "suppressed": ("gray", t("Held back")),
                "cancelled": ("gray", t("Taken back")),
            }  # fmt: skip
            hue, text = words.get(message["state"], ("gray", str(message["state"])))
            found.append(Markup('<span class="chip" data-hue="{}"><span>{}</span></span>').format(hue, text))
            to = ", ".join(str(one.get("name") or one["address"]) for one in message["recipients"][:5])
            found.append(Markup("<span>{}</span>").format(t("to {names}", names=to)))
        for one in message["attachments"][:20]:
            url = f"/api/v1/mail/{message['id']}/attachments/{one['id']}"
            found.append(Markup('<a class="ref" href="{}" download>{}</a>').format(url, one["name"]))
        if message.get("problem"):
            found.append(Markup('<span class="muted">{}</span>').format(message["problem"]))
        if message["state"] == "queued" and message.get("member") == str(self.here.unit.actor.user_id):
            url = f"/m/{self.module.name}/{self.record}/mail/{message['id']}/undo"
            form = '<form method="post" action="{}"><input type="hidden" name="_csrf" value="{}"><button class="btn sm">{}</button></form>'
            found.append(Markup(form).format(url, self.here.caller.csrf or "", t("Take back")))
        return Markup('<div class="mail-state">{}</div>').format(Markup(" ").join(found)) if found else Markup("")

    def _who(self, actor: Mapping[str, Any]) -> str:
        known = self.here.users.get(str(actor.get("id")))
        return known.name if known is not None else str(actor.get("name") or self.here.t("System"))

    def _sender(self, event: Mapping[str, Any]) -> str:
        sender = event["message"]["from"]
        return str(sender.get("name") or sender.get("address") or self.here.t("Somebody"))

    def _mail(self, message: Mapping[str, Any]) -> tuple[Markup, Markup | None]:
        """What a message was, its subject, and its text without what it quotes."""
        t = self.here.t
        states = {
            "queued": t("is about to send"), "bounced": t("sent, but it did not arrive:"), "failed": t("could not send"),
            "uncertain": t("may have sent"), "suppressed": t("did not send, because nobody wants it:"),
            "cancelled": t("took back"),
        }  # fmt: skip
        kinds = {"out_of_office": t("is away:"), "auto_reply": t("answered automatically:"), "bounce": t("reported:")}
        sent = t("invited to") if message["kind"] == "invitation" else t("sent")
        verb = (
            states.get(message["state"], sent)
            if message["direction"] == "out"
            else kinds.get(message["kind"], t("wrote"))
        )
        what = Markup("{} <strong>{}</strong>").format(verb, message["subject"] or t("(no subject)"))
        text = str(message["text"] or "").strip()[:LONGEST_EXCERPT]
        lines = Markup("<br>").join(text.split("\n"))
        return what, Markup("<p>{}</p>").format(lines) if text else None

    def _icon(self, event: Mapping[str, Any], other: Any) -> str:
        if other:
            module = self.here.unit.catalog.find(other["module"])
            return module.definition.icon if module is not None else "link"
        return ICONS.get(event["kind"], "activity")

    def _about(self, event: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[Markup, Markup | None]:
        module = self.here.unit.catalog.find(other["module"])
        label = self.describer.text(module.definition.label) if module is not None else other["module"]
        title = other.get("title") or "…"
        if isinstance(title, list):
            title = title[-1] or "…"
        link = Markup('<a class="ref" href="{}">{}</a>').format(record_url(other["module"], other["id"]), title)
        body = None
        log = module.definition.log if module is not None else None
        row = self.written.get(str(other["id"]))
        if module is not None and log is not None and row is not None:
            kind = self.describer.options(module.fields[log.kind].definition) if log.kind else {}
            option = kind.get(str(row.get(log.kind))) if log.kind else None
            label = option.label if option is not None else label
            written = str(row.get(log.text) or "").strip()
            if written and written != title:
                body = render_markdown(written[:2000])
        text = (
            self.here.t("added {label}", label=label)
            if event["kind"] == "created"
            else self.here.t("changed {label}", label=label)
        )
        return Markup("{} {}").format(text, link), body

    def _what(self, event: Mapping[str, Any]) -> Any:
        t, kind, changes = self.here.t, event["kind"], event["changes"]
        if kind == "moved" and "stage" in changes:
            stage = changes["stage"][1]
            label = self.describer.stages(self.module).get(str(stage))
            return t("moved it to {stage}", stage=label.label if label else stage)
        if kind in ("linked", "unlinked"):
            return self._tied(kind, changes)
        if kind == "updated":
            names = [name for name in changes if not self._quiet(name)]
            return self.here.plural("changed {count} value", "changed {count} values", len(names) or len(changes))
        simple = {"created": "created it", "archived": "archived it", "restored": "restored it", "merged": "merged it"}
        return t(simple[kind]) if kind in simple else kind

    def _tied(self, kind: str, changes: Mapping[str, Any]) -> Markup:
        text = self.here.t("linked") if kind == "linked" else self.here.t("removed the link to")
        shown = [self._reference(name, value) for name, pair in changes.items() for value in pair if value]
        return Markup("{} {}").format(text, Markup(", ").join(shown))

    def _reference(self, name: str, value: Any) -> Markup:
        target = self._target(name, value)
        if target is None:
            return escape(value)
        title = self.titles.get(target[1])
        return Markup(
            reference_html({"module": target[0], "id": target[1], "title": title} if title else {"title": "…"})
        )

    def _quiet(self, name: str) -> bool:
        known = self.module.fields.get(name)
        return name in QUIET or (known is not None and known.computed)

    def _changes(self, event: Mapping[str, Any]) -> tuple[ChangeView, ...]:
        found = []
        for name, pair in event["changes"].items():
            if self._quiet(name) or not isinstance(pair, list) or len(pair) != 2:
                continue
            if name == "stage_reason":
                found.append(ChangeView(self.here.t("Reason"), Markup(""), escape(self._reason(event, pair[1]))))
                continue
            column = self.describer.column(self.module, name)
            if column is not None:
                found.append(ChangeView(column.label, self._value(column, pair[0]), self._value(column, pair[1])))
        return tuple(found[:MOST_CHANGES])

    def _reason(self, event: Mapping[str, Any], reason: Any) -> str:
        stage = self.module.stages.get(str(event["changes"].get("stage", [None, None])[1]))
        known = next((one for one in (stage.reasons if stage else ()) if one.name == reason), None)
        return self.describer.text(known.label) if known is not None else str(reason)

    def _value(self, column: ColumnView, value: Any) -> Markup:
        if is_empty(value):
            return Markup("")
        if self._target(column.key, value) is not None:
            return self._reference(column.key, value)
        return show(column, {column.key: value}, self.here.reader, full=False)

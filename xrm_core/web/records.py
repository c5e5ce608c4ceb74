"""The page of one record: facts, stages, sections, related records, timeline."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from litestar import Response, get

from xrm_core.definitions import Stage
from xrm_core.expressions.template import parse_template
from xrm_core.expressions.tree import Name
from xrm_core.records import read
from xrm_core.records.guests import pages_of
from xrm_core.storage.model import CompiledModule
from xrm_core.web import formats, render
from xrm_core.web.arranging import reported
from xrm_core.web.composer import composer_of
from xrm_core.web.describe import Describer
from xrm_core.web.editing import record_id
from xrm_core.web.formatters import is_empty, pick, show
from xrm_core.web.forms import FormBuilder, with_many
from xrm_core.web.fragments import fragment
from xrm_core.web.frame import html, page, shell
from xrm_core.web.happenings import Wanted, entries, filter_view
from xrm_core.web.pages import ActionView, OptionView, SectionView, StepView, ValueView
from xrm_core.web.record_brief import panels_of
from xrm_core.web.record_files import files_of
from xrm_core.web.record_related import related_views
from xrm_core.web.services import Req, Visit, visit
from xrm_core.web.views_record import RecordPage

WIDE = frozenset({"long_text", "rich_text", "json"})
SYSTEM = ("owner", "created_at", "created_by", "updated_at", "updated_by")


@get("/m/{module:str}/{id:str}")
async def record_page(request: Req) -> Response[bytes]:
    """One record."""
    identity = record_id(request)
    async with visit(request) as here:
        view = await looked_at(here, request.path_params["module"], identity)
        frame = shell(here, view.title, module=view.module.name, create_url=view.module.create_url)
        return page(here, view, frame)


@get("/m/{module:str}/{id:str}/peek")
async def peek(request: Req) -> Response[bytes]:
    """The same for the drawer beside a list, or for a page that shows it newly."""
    identity = record_id(request)
    async with visit(request) as here:
        whole = request.query_params.get("page") == "1"
        view = await looked_at(here, request.path_params["module"], identity, prefix="" if whole else "p")
        return fragment(here, "record.html.jinja", page=view, peek=not whole)


async def looked_at(here: Visit, module_name: str, identity: UUID, *, prefix: str = "") -> RecordPage:
    """The view of one record; raises NotFound."""
    module = here.unit.module(module_name)
    found = await read.get(here.unit, module.name, identity)
    record: dict[str, Any] = await with_many(here, module, orjson.loads(found.json))
    return await RecordView(here, module, record).page(identity, prefix)


@get("/m/{module:str}/{id:str}/timeline")
async def older(request: Req) -> Response[bytes]:
    """Older entries of the timeline."""
    identity = record_id(request)
    async with visit(request) as here:
        module = here.unit.module(request.path_params["module"])
        items, following = await entries(here, module, identity, Wanted.of(request.query_params))
        frame = shell(here, "", module=module.name)
        return html(render.timeline(items, following, frame), frame.nonce)


class RecordView:
    """Makes the view model of one record."""

    def __init__(self, here: Visit, module: CompiledModule, record: dict[str, Any]) -> None:
        self.here = here
        self.module = module
        self.record = record
        self.describer = Describer(here)
        self.view = self.describer.module(module)
        self.url = f"{self.view.url}/{record['id']}"
        self.form = FormBuilder(here, module)
        self.layout = self.form.layout(record.get("stage"))
        self.edits = here.unit.policy.allows(module.id, "edit") and not record.get("archived_at")

    def _archives(self) -> bool:
        return self.here.unit.policy.allows(self.module.id, "archive")

    def editable(self, name: str) -> bool:
        """Whether a value can be changed in place."""
        return self.edits and (name == "owner" or self.form.writable(name) is not None)

    def title_field(self) -> str | None:
        """The field that the title is, if it is one and can be changed."""
        template, _ = parse_template(self.module.definition.title)
        parts = [part for part in template.parts if part] if template is not None else []
        name = parts[0].text if len(parts) == 1 and isinstance(parts[0], Name) else ""
        return name if name in self.module.fields and self.editable(name) else None

    async def page(self, identity: UUID, prefix: str = "") -> RecordPage:
        """Everything that the page shows."""
        here, record, module = self.here, self.record, self.module
        edits, archived = self.edits, bool(record.get("archived_at"))
        wanted = Wanted.of(here.request.query_params)
        timeline, following = await entries(here, module, identity, wanted)
        files, file_fields = files_of(here, module, record, self.editable)
        return RecordPage(
            self.view,
            record["id"],
            record.get("title") or "—",
            record["version"],
            archived=archived,
            title_field=self.title_field(),
            facts=self.facts(),
            stages=self.stages(),
            move_url=f"{self.url}/move" if edits else None,
            sections=self.sections(),
            related=tuple(await related_views(here, module, record, edits)),
            timeline=timeline,
            timeline_next=following,
            timeline_filter=filter_view(here, module, record["id"], wanted),
            composer=await composer_of(here, module, record, prefix) if not archived else None,
            panels=await panels_of(here, module, identity),
            files=files,
            file_fields=file_fields,
            edit_url=f"{self.url}/edit" if edits else None,
            merge_url=f"{self.view.url}/merge?ids={record['id']}" if edits and self._archives() else None,
            actions=self.actions(archived),
            guests_url=f"{self.url}/guest-links" if edits and pages_of(module) else None,
            report_url=f"{self.url}/report" if reported(self.describer, module) else None,
        )

    def value(self, name: str) -> ValueView | None:
        """One value with its label; None for what the actor may not see."""
        column = self.describer.column(self.module, name)
        if column is None:
            return None
        shown = show(column, self.record, self.here.reader)
        known = self.module.fields.get(name)
        help_text = self.describer.text(known.definition.help) if known is not None else ""
        empty = is_empty(pick(self.record, name))
        computed = known is not None and known.computed
        return ValueView(column.label, shown, empty, column.type in WIDE, help_text, name, self.editable(name), computed)

    def facts(self) -> tuple[ValueView, ...]:
        """The line below the title."""
        names = [name for name in self.layout.facts if name != "stage" and name not in self.layout.hidden]
        found = [self.value(name) for name in dict.fromkeys([*names, "owner"])]
        return tuple(value for value in found if value is not None)

    def stages(self) -> tuple[StepView, ...]:
        """The stage bar."""
        pipeline = self.module.pipeline
        if pipeline is None:
            return ()
        now = self.record.get("stage")
        # A record of a variant goes through the stages of its own pipeline.
        own = (other for other in self.module.definition.variants if now and other.stage(str(now)) is not None)
        pipeline = next(own, pipeline)
        names = [stage.name for stage in pipeline.stages if not stage.archived or stage.name == now]
        at = names.index(now) if now in names else -1
        current = self.module.stages.get(str(now))
        options = self.describer.stages(self.module)
        entered = str(self.record.get("stage_entered_at", ""))
        found = []
        for index, name in enumerate(names):
            stage = self.module.stages[name]
            # What lies before an end such as "lost" was not necessarily gone through.
            done = (
                index < at
                and stage.category == "open"
                and (current is None or current.category in ("open", "won", "hold"))
            )
            allowed = current is None or current.moves_to is None or name in current.moves_to
            hint = self._needs(stage) if allowed else self._blocked(current, options)
            found.append(
                StepView(
                    name,
                    options[name].label,
                    "now" if index == at else "done" if done else "open",
                    stage.category,
                    self._days(entered) if index == at else None,
                    allowed,
                    tuple(
                        OptionView(one.name, self.describer.text(one.label))
                        for one in stage.reasons
                        if not one.archived
                    ),
                    hint if index != at else "",
                )
            )
        return tuple(found)

    def _needs(self, stage: Stage) -> str:
        """What the record still lacks for a stage."""
        columns = [self.describer.column(self.module, name) for name in self.missing(stage)]
        labels = [column.label for column in columns if column is not None]
        return self.here.t("Still needed: {fields}", fields=", ".join(labels)) if labels else ""

    def missing(self, stage: Stage) -> list[str]:
        """The fields and links that a stage needs and the record lacks."""
        return [name for name in stage.requires if is_empty(self.record.get(name))]

    def _blocked(self, current: Stage | None, options: dict[str, OptionView]) -> str:
        onward = [options[name].label for name in (current.moves_to or ()) if name in options] if current else []
        if not onward:
            return self.here.t("From here it goes nowhere else.")
        return self.here.t("From here it goes to: {stages}", stages=", ".join(onward))

    def _days(self, entered: str) -> int | None:
        since = formats.parse_instant(entered) if entered else None
        return max(0, (self.here.unit.now - since).days) if since is not None else None

    def sections(self) -> tuple[SectionView, ...]:
        """The sections of the layout; what no section names comes last."""
        layout = self.layout
        known = [name for name in (*self.module.fields, *self.module.links) if name not in layout.hidden]
        sections = [
            (s.name, self.describer.text(s.label), s.columns, [n for n in s.fields if n in known])
            for s in layout.sections
        ]
        placed = {name for _, _, _, names in sections for name in names}
        rest = [name for name in known if name not in placed]
        t = self.here.t
        if rest:
            sections.append(("other_fields", t("More") if sections else t("Details"), 2, rest))
        sections.append(("record_facts", t("Record"), 2, list(SYSTEM)))
        found = []
        for name, label, columns, names in sections:
            values = tuple(value for part in names if (value := self.value(part)) is not None)
            if values:
                found.append(SectionView(name, label, values, columns))
        return tuple(found)

    def actions(self, archived: bool) -> tuple[ActionView, ...]:
        """What the menu offers."""
        t, policy, module_id = self.here.t, self.here.unit.policy, self.module.id
        found = []
        if policy.allows(module_id, "archive"):
            if archived:
                found.append(ActionView(t("Restore"), "archive-restore", f"{self.url}/restore"))
            else:
                found.append(ActionView(t("Archive"), "archive", f"{self.url}/archive"))
        if policy.allows(module_id, "erase"):
            question = t("Erase {title} for ever? This cannot be undone.", title=self.record.get("title", ""))
            found.append(ActionView(t("Erase…"), "trash-2", f"{self.url}/erase", True, question))
        return tuple(found)


HANDLERS = [record_page, peek, older]

"""The page of one record: facts, stages, sections, related records, timeline."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from litestar import Response, get

from xrm_core.records import read
from xrm_core.storage.model import CompiledInverse, CompiledLink, CompiledModule
from xrm_core.web import formats, render
from xrm_core.web.describe import Describer
from xrm_core.web.editing import record_id
from xrm_core.web.filters import address
from xrm_core.web.formatters import is_empty, pick, show
from xrm_core.web.forms import with_many
from xrm_core.web.frame import html, page, shell
from xrm_core.web.happenings import entries
from xrm_core.web.pages import ActionView, OptionView, RecordPage, RelatedView, SectionView, StepView, ValueView
from xrm_core.web.rows import RowRenderer
from xrm_core.web.services import Req, Visit, visit

RELATED_ROWS = 6
RELATED_COLUMNS = 5
WIDE = frozenset({"long_text", "rich_text", "json"})
SYSTEM = ("owner", "created_at", "created_by", "updated_at", "updated_by")


@get("/m/{module:str}/{id:str}")
async def record_page(request: Req) -> Response[bytes]:
    """One record."""
    identity = record_id(request)
    async with visit(request) as here:
        module = here.unit.module(request.path_params["module"])
        found = await read.get(here.unit, module.name, identity)
        record: dict[str, Any] = await with_many(here, module, orjson.loads(found.json))
        view = await RecordView(here, module, record).page(identity)
        frame = shell(here, view.title, module=module.name, create_url=view.module.create_url)
        return page(here, view, frame)


@get("/m/{module:str}/{id:str}/timeline")
async def older(request: Req) -> Response[bytes]:
    """Older entries of the timeline."""
    identity = record_id(request)
    async with visit(request) as here:
        module = here.unit.module(request.path_params["module"])
        items, following = await entries(here, module, identity, request.query_params.get("cursor"))
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

    async def page(self, identity: UUID) -> RecordPage:
        """Everything that the page shows."""
        here, record, module = self.here, self.record, self.module
        policy = here.unit.policy
        archived = bool(record.get("archived_at"))
        edits = policy.allows(module.id, "edit") and not archived
        timeline, following = await entries(here, module, identity, None)
        return RecordPage(
            self.view,
            record["id"],
            record.get("title") or "—",
            record["version"],
            archived=archived,
            facts=self.facts(),
            stages=self.stages(),
            move_url=f"{self.url}/move" if edits else None,
            sections=self.sections(),
            related=await self.related(identity),
            timeline=timeline,
            timeline_next=following,
            edit_url=f"{self.url}/edit" if edits else None,
            actions=self.actions(archived),
        )

    def value(self, name: str) -> ValueView | None:
        """One value with its label; None for what the actor may not see."""
        column = self.describer.column(self.module, name)
        if column is None:
            return None
        shown = show(column, self.record, self.here.reader)
        known = self.module.fields.get(name)
        help_text = self.describer.text(known.definition.help) if known is not None else ""
        return ValueView(column.label, shown, is_empty(pick(self.record, name)), column.type in WIDE, help_text)

    def facts(self) -> tuple[ValueView, ...]:
        """The line below the title."""
        names = [name for name in self.module.definition.layout.facts if name != "stage"]
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
                )
            )
        return tuple(found)

    def _days(self, entered: str) -> int | None:
        since = formats.parse_instant(entered) if entered else None
        return max(0, (self.here.unit.now - since).days) if since is not None else None

    def sections(self) -> tuple[SectionView, ...]:
        """The sections of the layout; what no section names comes last."""
        layout = self.module.definition.layout
        known = [*self.module.fields, *self.module.links]
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

    async def related(self, identity: UUID) -> tuple[RelatedView, ...]:
        """Records that link here, and those that many-to-many links lead to."""
        found = []
        links: list[CompiledInverse | CompiledLink] = list(self.module.inverses.values())
        links += [link for link in self.module.links.values() if link.many and not link.polymorphic]
        for link in links:
            view = await self._related(identity, link)
            if view is not None:
                found.append(view)
        # What has records comes first; the order of the definitions stays otherwise.
        return tuple(sorted(found, key=lambda one: one.count == 0))

    async def _related(self, identity: UUID, link: CompiledInverse | CompiledLink) -> RelatedView | None:
        unit = self.here.unit
        inverse = isinstance(link, CompiledInverse)
        own = link.link if isinstance(link, CompiledInverse) else link
        if own.id in unit.policy.module(own.module_id).hidden:
            return None
        other = unit.catalog.modules[own.module_id if inverse else own.targets[0]]
        if not self.describer.sees(other):
            return None
        paths = [path for path in self.describer.default_paths(other) if path != own.name or not inverse]
        stage = ["stage"] if other.pipeline is not None else []
        columns = self.describer.list_columns(other, dict.fromkeys([paths[0], *stage, *paths[1:]]))[:RELATED_COLUMNS]
        listed = await read.related(unit, self.module.name, identity, link.name, limit=RELATED_ROWS, count="capped")
        rows = [orjson.loads(row) for row in listed.rows]
        count = listed.count.value if listed.count is not None else len(rows)
        view = self.describer.module(other)
        label = self.describer.text(link.label if isinstance(link, CompiledInverse) else link.definition.label)
        back = ("back", self.url)
        value = f"{self.module.name}:{identity}" if own.polymorphic else str(identity)
        add = address(view.create_url, [(own.name, value), back]) if inverse and view.create_url else None
        every = None
        if inverse and not own.many and not own.polymorphic and count > len(rows):
            every = address(view.url, [("layout", "list"), ("f", f"{own.name}~eq~{identity}")])
        rendered = RowRenderer(columns, other.name).render(rows, self.here.reader)
        name = f"{link.name}" if inverse else f"own-{link.name}"
        return RelatedView(name, label, view, columns, rendered, count, add, every)

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


HANDLERS = [record_page, older]

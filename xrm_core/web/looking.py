"""How a module is being looked at: the view, layout, filters and order that an address asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from xrm_core.definitions import View
from xrm_core.records import read
from xrm_core.records.query import RecordQuery
from xrm_core.storage.model import CompiledModule
from xrm_core.web.describe import Describer
from xrm_core.web.filters import Filters, address
from xrm_core.web.frame import shell
from xrm_core.web.pages import LayoutLink, Shell, TabView
from xrm_core.web.services import Visit


class Looking:
    """One address of a module's page, understood."""

    def __init__(self, here: Visit, module: CompiledModule) -> None:
        self.here = here
        self.module = module
        self.describer = Describer(here)
        self.view_model = self.describer.module(module)
        self.parameters: list[tuple[str, str]] = [
            (name, str(value)) for name, value in here.request.query_params.multi_items()
        ]
        given = dict(self.parameters)
        self.views = [view for view in module.definition.views if self._shown(view)]
        named = next((view for view in self.views if view.name == given.get("view")), None)
        self.view = named or next((view for view in self.views if view.default), None) or next(iter(self.views), None)
        layout = given.get("layout") or (self.view.layout if self.view else "list")
        self.layout = "board" if layout == "board" and module.pipeline is not None else "list"
        self.filters = Filters(self.describer, module, self.parameters)
        own = self.view.sort if self.view is not None else ()
        self.sort: tuple[str, ...] = (
            tuple(part for part in given["sort"].split(",") if part)[:4] if given.get("sort") else own
        )
        self.cursor = given.get("cursor")
        self.more = given.get("more") == "1"

    def _shown(self, view: View) -> bool:
        roles = self.here.unit.actor.roles
        return (
            not view.archived
            and view.layout in ("list", "board")
            and (not view.roles or bool(set(view.roles) & set(roles)))
        )

    @property
    def url(self) -> str:
        """The module's address without parameters."""
        return self.view_model.url

    def with_(self, **changes: str | None) -> str:
        """This address with some parameters changed; paging starts again."""
        gone = {"cursor", "more", "lane", *changes}
        kept = [pair for pair in self.parameters if pair[0] not in gone]
        return address(self.url, [*kept, *((name, value) for name, value in changes.items() if value is not None)])

    def query_filter(self) -> dict[str, Any] | None:
        """The filter of the view and of the address together."""
        return self.filters.json(self.view.filter if self.view else None)

    def shell(self) -> Shell:
        """The frame of the page."""
        title = self.view_model.label_plural
        return shell(self.here, title, module=self.module.name, create_url=self.view_model.create_url)

    def tabs(self) -> tuple[TabView, ...]:
        """The saved views."""
        if len(self.views) < 2:
            return ()
        text = self.describer.text
        return tuple(
            TabView(text(view.label), f"{self.url}?view={view.name}", view is self.view) for view in self.views
        )

    def layouts(self) -> tuple[LayoutLink, ...]:
        """List and, for modules with stages, board; both keep the filters."""
        if self.module.pipeline is None:
            return ()
        t = self.here.t
        return (
            LayoutLink("list", t("List"), "list", self.with_(layout="list", sort=None), self.layout == "list"),
            LayoutLink(
                "board", t("Board"), "square-kanban", self.with_(layout="board", sort=None), self.layout == "board"
            ),
        )

    async def name_records(self) -> None:
        """Find the titles of records that conditions name, for their chips."""
        wanted: dict[str, list[str]] = {}
        for condition in self.filters.conditions:
            link = self.module.links.get(condition.field)
            if link is not None and len(condition.value) == 36:
                wanted.setdefault(link.definition.to[0], []).append(condition.value)
        titles: dict[str, str] = {}
        for module_name, ids in wanted.items():
            titles |= await titles_of(self.here, module_name, ids)
        self.filters.titles = titles


async def titles_of(here: Visit, module_name: str, ids: Sequence[str]) -> dict[str, str]:
    """Titles of records by id, as far as they may be seen; archived ones too."""
    if not ids:
        return {}
    query = RecordQuery(
        module_name,
        filter={"field": "id", "op": "in", "value": list(ids)},
        fields=("title",),
        limit=min(1000, len(ids)),
        archived="all",
    )
    listed = await read.find(here.unit, query)
    return {record["id"]: record.get("title", "") for record in map(orjson.loads, listed.rows)}

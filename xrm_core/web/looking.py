"""How a module is being looked at: the view, layout, filters and order that an address asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from xrm_core.definitions import View
from xrm_core.definitions.saved_view import Look
from xrm_core.expressions import from_json, print_node
from xrm_core.records import read, views
from xrm_core.records.query import RecordQuery
from xrm_core.storage.model import CompiledModule
from xrm_core.web.arranging import LAYOUTS, layouts_of
from xrm_core.web.describe import Describer
from xrm_core.web.filters import Filters, address
from xrm_core.web.frame import shell
from xrm_core.web.pages import LayoutLink, Shell, TabView
from xrm_core.web.services import Visit

OWN_FILTER = "fx"
"""Says that the address holds the whole filter, also where a saved view has one."""


class Looking:
    """One address of a module's page, understood."""

    def __init__(
        self, here: Visit, module: CompiledModule, parameters: Sequence[tuple[str, str]] | None = None
    ) -> None:
        self.here = here
        self.module = module
        self.describer = Describer(here)
        self.view_model = self.describer.module(module)
        if parameters is None:
            parameters = [(name, str(value)) for name, value in here.request.query_params.multi_items()]
        self.parameters: list[tuple[str, str]] = list(parameters)
        given = self.given = dict(self.parameters)
        self.views = [view for view in module.definition.views if self._shown(view)]
        named = next((view for view in self.views if view.name == given.get("view")), None)
        self.view = named or next((view for view in self.views if view.default), None) or next(iter(self.views), None)
        self.entries: list[dict[str, Any]] = []
        """All views that this person has in the module, once they are loaded."""
        self.entry: dict[str, Any] | None = None
        """The open one of them."""
        self._settle()

    def _settle(self) -> None:
        given, module = self.given, self.module
        layout = given.get("layout") or (self.view.layout if self.view else "list")
        self.possible = layouts_of(self.describer, module)
        self.layout = layout if layout in self.possible else "list"
        self.filters = Filters(self.describer, module, self._filtering())
        own = self.view.sort if self.view is not None else ()
        self.sort: tuple[str, ...] = (
            tuple(part for part in given["sort"].split(",") if part)[:4] if given.get("sort") else own
        )
        self.cursor = given.get("cursor")
        self.more = given.get("more") == "1"

    @property
    def saved(self) -> bool:
        """Whether the open view was saved by somebody, and does not come from the definitions."""
        return self.entry is not None and self.entry["kind"] == "saved"

    def _filtering(self) -> list[tuple[str, str]]:
        """The parameters of the filter: the conditions of a saved view can be taken away, as those of the address."""
        if not self.saved or self.view is None:
            return self.parameters
        own = [] if OWN_FILTER in self.given or not self.view.filter else [("filter", self._with_own(self.view.filter))]
        kept = [pair for pair in self.parameters if pair[0] != "filter" or not own]
        return [*kept, *own, *([] if OWN_FILTER in self.given else [(OWN_FILTER, "1")])]

    def _with_own(self, text: str) -> str:
        given = self.given.get("filter")
        return f"({text}) and ({given})" if given else text

    async def load(self) -> None:
        """Find the views that people saved, and open the one that the address names or the role begins with."""
        self.entries = await views.listed(self.here.unit, self.module.name, counted=False)
        wanted = self.given.get("view")
        entry = next((one for one in self.entries if wanted and wanted in (one.get("view"), one["id"])), None)
        entry = entry or next((one for one in self.entries if one["default"]), None)
        if entry is None:
            return
        self.entry = entry
        if entry["kind"] == "saved":
            self.view = Look.model_validate(entry["definition"]).as_view("view", entry["name"])
        else:
            self.view = next(view for view in self.module.definition.views if view.name == entry["view"])
        self._settle()

    @property
    def definition(self) -> Mapping[str, Any]:
        """What the open view says of the layout."""
        return self.entry["definition"] if self.entry is not None else {}

    def _shown(self, view: View) -> bool:
        roles = self.here.unit.actor.roles
        return (
            not view.archived
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
        return self.filters.json(self.view.filter if self.view and not self.saved else None)

    def shell(self) -> Shell:
        """The frame of the page."""
        title = self.view_model.label_plural
        return shell(self.here, title, module=self.module.name, create_url=self.view_model.create_url)

    def tabs(self) -> tuple[TabView, ...]:
        """The saved views."""
        if len(self.entries) < 2:
            return ()
        return tuple(
            TabView(self.named(one), f"{self.url}?view={one.get('view') or one['id']}", one is self.entry)
            for one in self.entries
        )

    def whole_filter(self) -> str:
        """Everything that limits the list as one expression, for actions on all that it shows."""
        given = self.query_filter()
        node = from_json(given)[0] if given else None
        return print_node(node) if node is not None else ""

    def named(self, entry: Mapping[str, Any]) -> str:
        """The name of a view in the visitor's language."""
        if entry["kind"] == "saved":
            return str(entry["name"])
        return self.describer.text(next(v.label for v in self.module.definition.views if v.name == entry["view"]))

    def layouts(self) -> tuple[LayoutLink, ...]:
        """The ways to look at these records; all keep the filters."""
        t = self.here.t
        return tuple(
            LayoutLink(name, t(label), icon, self.with_(layout=name, sort=None), self.layout == name)
            for name, label, icon in LAYOUTS
            if name in self.possible
        )

    async def name_records(self) -> None:
        """Find the titles of records that conditions name, for their chips."""
        wanted = self.filters.named()
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

"""The search page: results of all modules, by module."""

from __future__ import annotations

import orjson
from litestar import Response, get
from markupsafe import Markup

from xrm_core.records import read, search
from xrm_core.records.query import RecordQuery
from xrm_core.storage.model import CompiledModule
from xrm_core.web.describe import Describer, wanted_fields
from xrm_core.web.formatters import record_url, show
from xrm_core.web.frame import page, shell
from xrm_core.web.pages import HitGroup, HitView, SearchPage
from xrm_core.web.services import Req, visit

MOST = 60
FACTS = 3


@get("/search")
async def search_page(request: Req) -> Response[bytes]:
    """Search records."""
    text = request.query_params.get("q", "").strip()[:200]
    async with visit(request) as here:
        describer = Describer(here)
        hits = await search.search(here.unit, text, limit=MOST) if text else []
        by_module: dict[str, list[str]] = {}
        for hit in hits:
            by_module.setdefault(hit["module"], []).append(hit["id"])
        groups = []
        for name, ids in by_module.items():
            module = here.unit.catalog.by_name[name]
            facts = await _facts(describer, module, ids)
            found = [hit for hit in hits if hit["module"] == name]
            views = tuple(
                HitView(hit["title"], record_url(name, hit["id"]), facts.get(hit["id"], Markup(""))) for hit in found
            )
            groups.append(HitGroup(describer.module(module), views))
        return page(here, SearchPage(text, tuple(groups)), shell(here, here.t("Search")))


async def _facts(describer: Describer, module: CompiledModule, ids: list[str]) -> dict[str, Markup]:
    """What tells hits with equal titles apart: stage and the first facts, one query for all hits of a module."""
    stage = ["stage"] if module.pipeline is not None else []
    columns = describer.columns(module, [*stage, *module.definition.layout.facts])[:FACTS]
    if not columns:
        return {}
    fields, expand = wanted_fields(columns)
    query = RecordQuery(
        module.name,
        filter={"field": "id", "op": "in", "value": ids},
        fields=fields,
        expand=expand,
        limit=len(ids),
        archived="all",
    )
    listed = await read.find(describer.unit, query)
    found = {}
    for record in map(orjson.loads, listed.rows):
        shown = [show(column, record, describer.visit.reader, full=False) for column in columns]
        found[record["id"]] = Markup(" ").join(part for part in shown if part)
    return found


HANDLERS = [search_page]

"""The search page: results of all modules, by module."""

from __future__ import annotations

from typing import Any

from litestar import Response, get

from xrm_core.records import search
from xrm_core.web.describe import Describer
from xrm_core.web.formatters import record_url
from xrm_core.web.frame import page, shell
from xrm_core.web.pages import HitGroup, HitView, SearchPage
from xrm_core.web.services import Req, visit

MOST = 60


@get("/search")
async def search_page(request: Req) -> Response[bytes]:
    """Search records."""
    text = request.query_params.get("q", "").strip()[:200]
    async with visit(request) as here:
        describer = Describer(here)
        hits = await search.search(here.unit, text, limit=MOST) if text else []
        groups: dict[str, list[HitView]] = {}
        for hit in hits:
            groups.setdefault(hit["module"], []).append(
                HitView(hit["title"], record_url(hit["module"], hit["id"]), _subtitle(describer, hit))
            )
        modules = here.unit.catalog.by_name
        found = tuple(HitGroup(describer.module(modules[name]), tuple(views)) for name, views in groups.items())
        return page(here, SearchPage(text, found), shell(here, here.t("Search")))


def _subtitle(describer: Describer, hit: dict[str, Any]) -> str:
    module = describer.unit.catalog.by_name[hit["module"]]
    stage = describer.stages(module).get(str(hit.get("stage", "")))
    return " · ".join([*([stage.label] if stage else []), *hit.get("facts", [])])


HANDLERS = [search_page]

"""All routes of the pages, and the assets."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get
from litestar.config.compression import CompressionConfig
from litestar.middleware import DefineMiddleware
from litestar.middleware.compression import CompressionMiddleware

from xrm_core.kernel.errors import NotFound
from xrm_core.kernel.problem import Problem
from xrm_core.web import (
    accounts,
    automation_building,
    automations,
    board_moves,
    calendar_moves,
    composer,
    composing_mail,
    create_quick,
    design_actions,
    design_conditions,
    design_json,
    design_review,
    design_roles,
    designing,
    editing,
    enrolments,
    filtering,
    grid_cells,
    grid_export,
    grid_meta,
    guest_links,
    guests,
    importing_pages,
    lists,
    mail_accounts,
    mail_pages,
    mail_template_pages,
    merging,
    notices,
    packs_pages,
    record_files,
    record_related,
    record_report,
    record_values,
    record_why,
    records,
    searching,
    settings_pages,
    today,
    views_pages,
)
from xrm_core.web.assets import PREFIX, assets
from xrm_core.web.problems import EXCEPTION_HANDLERS
from xrm_core.web.services import Req
from xrm_core.web.texts import built


@get(PREFIX + "{name:str}")
async def asset(request: Req) -> Response[bytes]:
    """A built file from memory, in the coding that the browser takes."""
    found = built(request.path_params["name"])
    if found is None:
        raise NotFound(Problem("not_found", "", "There is no such file."))
    body, headers = found.pick(request.headers.get("accept-encoding", ""))
    return Response(body, media_type=found.media_type, headers=headers)


@get("/favicon.ico")
async def favicon(request: Req) -> Response[bytes]:
    """The icon, for browsers that ask here."""
    found = assets().served.get(assets().files.get("favicon.svg", ""))
    if found is None:
        raise NotFound(Problem("not_found", "", "There is no such file."))
    return Response(found.body, media_type=found.media_type, headers={"Cache-Control": "public, max-age=86400"})


def pages() -> Router:
    """The router of all pages, with errors as pages."""
    handlers: list[Any] = [
        asset,
        favicon,
        *lists.HANDLERS,
        *grid_meta.HANDLERS,
        *grid_cells.HANDLERS,
        *grid_export.HANDLERS,
        *views_pages.HANDLERS,
        *filtering.HANDLERS,
        *board_moves.HANDLERS,
        *calendar_moves.HANDLERS,
        *records.HANDLERS,
        *editing.HANDLERS,
        *record_values.HANDLERS,
        *record_report.HANDLERS,
        *record_why.HANDLERS,
        *record_related.HANDLERS,
        *record_files.HANDLERS,
        *composer.HANDLERS,
        *composing_mail.HANDLERS,
        *create_quick.HANDLERS,
        *merging.HANDLERS,
        *guest_links.HANDLERS,
        *guests.HANDLERS,
        *accounts.HANDLERS,
        *searching.HANDLERS,
        *today.HANDLERS,
        *notices.HANDLERS,
        *settings_pages.HANDLERS,
        *importing_pages.HANDLERS,
        *packs_pages.HANDLERS,
        *automations.HANDLERS,
        *enrolments.HANDLERS,
        *mail_accounts.HANDLERS,
        *mail_pages.HANDLERS,
        *mail_template_pages.HANDLERS,
        *automation_building.HANDLERS,
        *design_review.HANDLERS,
        *design_roles.HANDLERS,
        *design_conditions.HANDLERS,
        *design_json.HANDLERS,
        *designing.HANDLERS,
        *design_actions.HANDLERS,
    ]
    # Half a millisecond for a list page, a tenth of its size; assets are compressed beforehand.
    gzip = CompressionConfig(backend="gzip", gzip_compress_level=6, minimum_size=1000, exclude=[f"^{PREFIX}"])
    middleware = [DefineMiddleware(CompressionMiddleware, config=gzip)]
    return Router("/", route_handlers=handlers, exception_handlers=EXCEPTION_HANDLERS, middleware=middleware)

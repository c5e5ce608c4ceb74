"""The files of a record: what its fields hold, and showing images, PDF and text in the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from litestar import Response, get

from xrm_core.fields import ParseContext
from xrm_core.kernel.errors import NotFound
from xrm_core.kernel.problem import Problem
from xrm_core.records.attachments import content_of, readable_file
from xrm_core.records.prepare import parse_context
from xrm_core.storage.model import CompiledField, CompiledModule
from xrm_core.web import formats
from xrm_core.web.describe import Describer
from xrm_core.web.services import Req, Visit, visit
from xrm_core.web.views_record import FileFieldView, FileView
from xrm_core.web.widgets import settings_of, widget_of

IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"})
TEXTS = frozenset({"text/plain", "text/csv", "text/markdown", "application/json"})
PDF = "application/pdf"
LONGEST_TEXT = 200_000


def kind_of(media_type: str) -> str:
    """How a browser may show a file without running anything in it; empty when it may not."""
    if media_type in IMAGES:
        return "image"
    if media_type in TEXTS:
        return "text"
    return "pdf" if media_type == PDF else ""


def files_of(
    here: Visit, module: CompiledModule, record: dict[str, Any], editable: Callable[[str], bool]
) -> tuple[tuple[FileView, ...], tuple[FileFieldView, ...]]:
    """(files of all fields, fields that take further ones)."""
    describer, context = Describer(here), parse_context(here.unit)
    hidden = describer.hidden(module)
    files: list[FileView] = []
    fields: list[FileFieldView] = []
    for known in module.fields.values():
        if known.id in hidden or widget_of(known.definition) != "files":
            continue
        label = describer.text(known.definition.label)
        for item in record.get(known.name) or []:
            size = formats.size(item.get("size"), here.locale)
            kind = kind_of(str(item.get("type", "")))
            files.append(FileView(str(item["id"]), str(item.get("name", "")), size, known.name, label, kind))
        if editable(known.name):
            fields.append(_field(known, label, context))
    return tuple(files), tuple(fields)


def _field(known: CompiledField, label: str, context: ParseContext) -> FileFieldView:
    settings = settings_of(known.definition, context)
    return FileFieldView(
        known.name, label, settings.get("multiple") is not False, ",".join(settings.get("accept") or ())
    )


@get("/files/{id:str}/show")
async def show_file(request: Req) -> Response[bytes]:
    """An image, PDF or text for the preview; whatever else is only downloaded."""
    try:
        identity = UUID(request.path_params["id"])
    except ValueError:
        raise NotFound(Problem("not_found", "", "There is no such file.")) from None
    async with visit(request) as here:
        stored = await readable_file(here.unit, identity)
        kind = kind_of(stored.type)
        if not kind:
            raise NotFound(Problem("not_found", "", "This file cannot be shown here.", "Download it."))
        content = await content_of(here.unit, stored)
    headers = {
        "Content-Disposition": "inline",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=3600",
        # Chromium shows no PDF in a sandbox; nothing can run in one that may load nothing.
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'self'"
        + ("" if kind == "pdf" else "; sandbox"),
    }
    if kind == "text":
        content = content[:LONGEST_TEXT].decode("utf-8", "replace").encode()
        return Response(content, media_type="text/plain", headers=headers)
    return Response(content, media_type=stored.type, headers=headers)


HANDLERS = [show_file]

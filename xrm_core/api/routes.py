"""All routes of the REST interface, by where they hang and how much they take."""

from __future__ import annotations

from typing import Any

from xrm_core.api import (
    automations,
    calendar,
    daily,
    definitions,
    definitions_draft,
    definitions_formula,
    enrolments,
    files,
    guest_links,
    happenings,
    health,
    imports,
    links,
    lists,
    mail,
    mail_templates,
    mailboxes,
    merging,
    moves,
    openapi,
    overviews,
    packs,
    people,
    records,
    searching,
    template_definitions,
    webhooks,
)
from xrm_core.api.openapi_automatic import automatic_paths

HANDLERS: list[Any] = [
    *records.HANDLERS,
    *moves.HANDLERS,
    *merging.HANDLERS,
    *lists.HANDLERS,
    *links.HANDLERS,
    *guest_links.HANDLERS,
    *overviews.HANDLERS,
    *happenings.HANDLERS,
    *searching.HANDLERS,
    *definitions.HANDLERS,
    *definitions_draft.HANDLERS,
    *definitions_formula.HANDLERS,
    *automations.HANDLERS,
    *enrolments.HANDLERS,
    *packs.HANDLERS,
    *people.HANDLERS,
    *daily.HANDLERS,
    *mail_templates.HANDLERS,
    *template_definitions.HANDLERS,
    *mail.HANDLERS,
    *mailboxes.HANDLERS,
    *calendar.HANDLERS,
    *webhooks.HANDLERS,
    *files.DOWNLOADS,
    *imports.HANDLERS,
]
"""Below /api/v1."""
UPLOADS: list[Any] = [*files.UPLOADS, *imports.UPLOADS]
"""Below /api/v1, with bodies as large as files may be."""
UPLOAD_ROOM = files.MULTIPART_ROOM
DOCUMENTS: list[Any] = openapi.HANDLERS
"""Below /api."""
OPERATIONS: list[Any] = health.HANDLERS
"""At the root, for operators."""

openapi.AUTOMATIC.update(automatic_paths([*HANDLERS, *UPLOADS]))

"""Mail templates as definitions: what there is, changed and published, and tried with a real record."""

from __future__ import annotations

from typing import Any

import orjson
from litestar import Response, delete, get, patch, post

from xrm_core.api.answers import as_json
from xrm_core.api.body import Values, json_object
from xrm_core.api.definitions import change_definitions
from xrm_core.api.query import Parameters, record_id
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.definitions import body, edit
from xrm_core.definitions.mail_template import MailTemplate
from xrm_core.messaging.templates import of_definition, render
from xrm_core.records.unit import Unit


def _shown(unit: Unit, template: MailTemplate) -> dict[str, Any]:
    origin = unit.catalog.definitions.origins.get(f"mail_template/{template.id}")
    return {**body(template), "id": template.id, **({"origin": origin} if origin else {})}


def _sees(unit: Unit, template: MailTemplate) -> bool:
    module = unit.catalog.find(template.module)
    return not template.archived and module is not None and unit.policy.allows(module.id, "see")


@get("/mail-templates")
async def list_templates(request: Req) -> Response[bytes]:
    """The mail templates for records that the caller sees; with `module` those for its records."""
    caller = await caller_of(request)
    module = Parameters(request.scope["query_string"], ("module",)).text("module")
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        found = [
            _shown(unit, one)
            for one in unit.catalog.definitions.mail_templates
            if _sees(unit, one) and module in (None, one.module)
        ]
    return as_json({"data": sorted(found, key=lambda one: str(one["name"])), "next": None})


@get("/mail-templates/{name:str}")
async def get_template(request: Req) -> Response[bytes]:
    """One mail template."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        found = edit.find_mail_template(unit.catalog.definitions, request.path_params["name"])
        unit.module(found.module)
        return as_json(_shown(unit, found))


@post("/mail-templates", status_code=201)
async def create_template(request: Req) -> Response[bytes]:
    """Publish a new mail template; what its texts mention and is not there is refused with its place."""
    given = await json_object(request)
    return await change_definitions(request, lambda old: edit.add_mail_template(old, given), 201)


@patch("/mail-templates/{name:str}")
async def update_template(request: Req) -> Response[bytes]:
    """Change a mail template (a JSON merge patch) and publish it."""
    given, name = await json_object(request), request.path_params["name"]
    return await change_definitions(request, lambda old: edit.patch_mail_template(old, name, given))


@delete("/mail-templates/{name:str}", status_code=200)
async def delete_template(request: Req) -> Response[bytes]:
    """Take a mail template out of use; refused while an automation sends it."""
    return await change_definitions(request, lambda old: edit.remove_mail_template(old, request.path_params["name"]))


@post("/mail-templates/{name:str}/preview", status_code=200)
async def preview_template(request: Req) -> Response[bytes]:
    """A mail template filled in for a record that the caller sees: `{"id", "language"?}`. Nothing is sent."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    wanted = Values(await json_object(request), {"id": str, "language": str}, ("id",))
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        template = edit.find_mail_template(unit.catalog.definitions, request.path_params["name"])
        own = {"sender_name": caller.name, "sender_email": caller.email}
        language = str(wanted.get("language") or unit.workspace.locale)[:20]
        made = await render(
            unit,
            unit.module(template.module),
            record_id(wanted["id"]),
            of_definition(template),
            language=language,
            own=own,
        )
    shown = {
        "subject": made.subject,
        "html": made.html,
        "text": made.text,
        "language": template.in_language(language)[0],
    }
    return Response(orjson.dumps(shown), media_type="application/json")


HANDLERS = [list_templates, get_template, create_template, update_template, delete_template, preview_template]

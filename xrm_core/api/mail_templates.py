"""Mail templates tried with a real record, and the one click that ends mails which advertise."""

from __future__ import annotations

import hmac
from html import escape

from litestar import Response, get, post

from xrm_core.api.answers import as_json
from xrm_core.api.body import Values, json_object
from xrm_core.api.query import Parameters, record_id
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.errors import Invalid, NotFound
from xrm_core.kernel.problem import Problem
from xrm_core.messaging.addresses import normal
from xrm_core.messaging.templates import check_template, read_template, render
from xrm_core.records.unit import Unit
from xrm_core.storage import messages_suppression as suppression
from xrm_core.storage.messages_suppression import Suppressed
from xrm_core.storage.workspaces import Workspace, list_workspaces

_WORDS = {
    "en": ("No more mails of this kind", "to {address}?", "Unsubscribe", "Done: {address} gets no more mails of this kind."),
    "de": ("Keine E-Mails dieser Art mehr", "an {address}?", "Abbestellen", "Erledigt: {address} erhält keine E-Mails dieser Art mehr."),
}  # fmt: skip


@post("/mail/preview", status_code=200)
async def preview_mail(request: Req) -> Response[bytes]:
    """A template (subject, html, text; or languages with them) filled in for a record. Nothing is sent."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    known = {"module": str, "id": str, "template": dict, "language": str}
    body = Values(await json_object(request), known, ("module", "id", "template"))
    template = read_template(body["template"])
    language = body.get("language")
    if language is not None and len(language) > 20:
        raise Invalid(Problem("language", "/language", "This is no language."))
    services = services_of(request)
    async with services.units.begin(caller.workspace, caller.actor) as unit:
        own = {
            "sender_name": caller.name,
            "sender_email": caller.email,
            "unsubscribe_url": f"{services.office.public_url}/",
        }
        found = await render(
            unit, unit.module(body["module"]), record_id(body["id"]), template, language=language, own=own
        )
    shown = {"subject": found.subject, "html": found.html, "text": found.text, "language": found.language}
    return as_json(shown)


@post("/mail/check", status_code=200)
async def check_mail_template(request: Req) -> Response[bytes]:
    """Everything that is wrong with a template for the records of a module, with its place."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    body = Values(await json_object(request), {"module": str, "template": dict}, ("module", "template"))
    template = read_template(body["template"])
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        problems = check_template(unit, unit.module(body["module"]), template)
    return as_json({"problems": [one.as_dict() for one in problems]})


async def _recipient(request: Req) -> tuple[Workspace, str]:
    services, path = services_of(request), request.path_params
    address = normal(Parameters(request.scope["query_string"], ("address",)).text("address") or "")
    workspace = next((one for one in await list_workspaces(services.database) if one.slug == path["workspace"]), None)
    if workspace is not None and address is not None:
        wanted = services.office.sign("unsubscribe", str(workspace.id), address)
        if hmac.compare_digest(wanted.encode(), str(path["token"]).encode()):
            return workspace, address
    raise NotFound(Problem("not_found", "", "This address does not work.", "Use the link of the mail as it is."))


def _page(workspace: Workspace, address: str, *, done: bool) -> Response[bytes]:
    title, question, button, told = _WORDS.get(workspace.locale[:2], _WORDS["en"])
    shown = escape(address)
    inner = (
        f"<p>{told.format(address=shown)}</p>"
        if done
        else f'<p>{question.format(address=shown)}</p><form method="post"><button>{button}</button></form>'
    )
    text = (
        f'<!doctype html><html lang="{workspace.locale[:2]}"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"></head><body><main><h1>{title}</h1>{inner}</main></body></html>'
    )
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
    return Response(text.encode(), media_type="text/html; charset=utf-8", headers=headers)


@get("/mail/unsubscribe/{workspace:str}/{token:str}")
async def ask_to_unsubscribe(request: Req) -> Response[bytes]:
    """Ask whether mails of this kind shall end; looking at the address alone (as scanners do) changes nothing."""
    workspace, address = await _recipient(request)
    return _page(workspace, address, done=False)


@post("/mail/unsubscribe/{workspace:str}/{token:str}", status_code=200)
async def unsubscribe(request: Req) -> Response[bytes]:
    """End mails of this kind with one click (RFC 8058)."""
    workspace, address = await _recipient(request)

    async def work(unit: Unit) -> None:
        entry = Suppressed(address, "marketing", "unsubscribed", "one click", unit.now)
        await suppression.put(await unit.transaction(), unit.schema, entry)

    await services_of(request).units.run(workspace, SYSTEM, work)
    return _page(workspace, address, done=True)


HANDLERS = [preview_mail, check_mail_template, ask_to_unsubscribe, unsubscribe]

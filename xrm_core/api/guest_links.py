"""Links for guests: made for one record and one of its pages, told once, listed and withdrawn."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from litestar import Response, delete, get, post

from xrm_core.api.answers import Answer, as_json, change
from xrm_core.api.body import json_object
from xrm_core.api.query import Parameters, read_instant, record_id
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.problem import Problem, pointer
from xrm_core.records import guests
from xrm_core.records.unit import Unit
from xrm_core.storage.guests import GuestLink
from xrm_core.storage.rows import instant

_KNOWN = ("page", "recipient", "expires_at")


@get("/records/{module:str}/{id:str}/guest-links")
async def list_guest_links(request: Req) -> Response[bytes]:
    """The links to a record that guests have, the newest first."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    path = request.path_params
    identity = record_id(path["id"])
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        found = await guests.listed(unit, path["module"], identity)
        return as_json({"data": [link_json(unit, link) for link in found], "next": None})


@post("/records/{module:str}/{id:str}/guest-links")
async def create_guest_link(request: Req) -> Response[bytes]:
    """Make a link for a guest: `page`, and if need be `recipient` and `expires_at`; its address is told once."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    body = await json_object(request)
    identity = record_id(request.path_params["id"])
    problems = [
        Problem("unknown_key", pointer(key), f"There is no {key!r} here.", f"Known: {', '.join(_KNOWN)}.")
        for key in body
        if key not in _KNOWN
    ]
    for key in _KNOWN:
        if body.get(key) is not None and not isinstance(body[key], str):
            problems.append(Problem("type", pointer(key), f"'{key}' is a text."))
    if not body.get("page"):
        problems.append(Problem("required", "/page", "Name the page that the link opens."))
    if problems:
        raise Invalid(problems)
    expires = read_instant(body["expires_at"], "expires_at") if body.get("expires_at") else None
    office = services_of(request).office

    async def work(unit: Unit) -> Answer:
        link, secret = await guests.issue(
            unit, request.path_params["module"], identity, body["page"], recipient=body.get("recipient"),
            expires_at=expires,
        )  # fmt: skip
        url = office.public_url + guests.address(unit.workspace.slug, secret)
        return Answer(201, orjson.dumps({**link_json(unit, link), "url": url}))

    return await change(request, caller, work)


@delete("/records/{module:str}/{id:str}/guest-links/{link:str}", status_code=200)
async def withdraw_guest_link(request: Req) -> Response[bytes]:
    """Withdraw a link: from now on its page says that it does not work any more."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    path = request.path_params
    identity, link = record_id(path["id"]), record_id(path["link"])

    async def work(unit: Unit) -> Answer:
        await guests.withdraw(unit, path["module"], identity, link)
        return Answer(204)

    return await change(request, caller, work)


def link_json(unit: Unit, link: GuestLink) -> dict[str, Any]:
    """A link without its secret."""
    module = unit.catalog.modules.get(link.module_id)
    pages = module.definition.guest_pages if module is not None else ()
    page = next((one.name for one in pages if one.id == link.page), link.page)
    return {
        "id": str(link.id), "page": page, "recipient": link.recipient, "state": link.state(unit.now),
        "created_at": instant(link.created_at), "created_by": link.created_by, "expires_at": instant(link.expires_at),
        "seen_at": _time(link.seen_at), "visits": link.visits, "used_at": _time(link.used_at), "choice": link.choice,
        "closed_at": _time(link.closed_at), "closed_by": link.closed_by,
    }  # fmt: skip


def _time(at: datetime | None) -> str | None:
    return instant(at) if at is not None else None


HANDLERS = [list_guest_links, create_guest_link, withdraw_guest_link]

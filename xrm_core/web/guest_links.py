"""Links to a record for people without an account: who has one, what came of it, a new one, and taking one back."""

from __future__ import annotations

from uuid import UUID

import orjson
from litestar import Response, get, post
from markupsafe import Markup, escape

from xrm_core.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from xrm_core.kernel.problem import Problem
from xrm_core.records import guests, read
from xrm_core.records.unit import Unit
from xrm_core.storage.guests import GuestLink
from xrm_core.storage.rows import instant
from xrm_core.web import formats
from xrm_core.web.describe import Describer
from xrm_core.web.editing import form_of, record_id
from xrm_core.web.frame import page, redirect, shell
from xrm_core.web.pages import Crumb
from xrm_core.web.services import Req, Visit, caller_of, services_of, visit
from xrm_core.web.views_guests import GuestLinkLine, GuestLinksPage

_HUES = {"open": "green", "used": "blue", "expired": "gray", "withdrawn": "red"}
_STATES = {"open": "Open", "used": "Used", "expired": "Expired", "withdrawn": "Withdrawn"}


@get("/m/{module:str}/{id:str}/guest-links")
async def links_page(request: Req) -> Response[bytes]:
    """The links to a record."""
    async with visit(request) as here:
        return await _page(here, request.path_params["module"], record_id(request))


@post("/m/{module:str}/{id:str}/guest-links", status_code=200)
async def make_link(request: Req) -> Response[bytes]:
    """A new link; its address is on this answer and nowhere else."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    name, identity, services = request.path_params["module"], record_id(request), services_of(request)

    async def work(unit: Unit) -> str:
        _, secret = await guests.issue(
            unit, name, identity, form.text("page"), recipient=form.text("recipient") or None
        )
        return guests.address(unit.workspace.slug, secret)

    fresh = ""
    problems: tuple[str, ...] = ()
    try:
        fresh = services.office.public_url + await services.units.run(caller.workspace, caller.actor, work)
    except (Invalid, Forbidden, Conflict) as refused:
        problems = tuple(" ".join(part for part in (one.message, one.hint) if part) for one in refused.problems)
    async with visit(request, caller) as here:
        return await _page(
            here, name, identity, fresh=fresh, problems=problems, chosen=form.text("page"),
            recipient="" if fresh else form.text("recipient"),
        )  # fmt: skip


@post("/m/{module:str}/{id:str}/guest-links/{link:str}/withdraw")
async def withdraw_link(request: Req) -> Response[bytes]:
    """Take a link back."""
    caller = await caller_of(request)
    await form_of(request, caller)
    name, identity = request.path_params["module"], record_id(request)
    try:
        link = UUID(request.path_params["link"])
    except ValueError:
        raise NotFound(Problem("not_found", "", "There is no such link.")) from None
    async with visit(request, caller) as here:
        text, kind = here.t("The link was withdrawn"), "ok"
        try:
            await services_of(request).units.run(
                caller.workspace, caller.actor, lambda unit: guests.withdraw(unit, name, identity, link)
            )
        except Conflict:
            text, kind = here.t("This link does not work any more already."), "bad"
        return redirect(f"/m/{name}/{identity}/guest-links", toast=text, kind=kind)


async def _page(
    here: Visit,
    name: str,
    identity: UUID,
    *,
    fresh: str = "",
    problems: tuple[str, ...] = (),
    chosen: str = "",
    recipient: str = "",
) -> Response[bytes]:
    module = here.unit.module(name)
    record = orjson.loads((await read.get(here.unit, module.name, identity, fields=("title",))).json)
    describer = Describer(here)
    view, title = describer.module(module), str(record.get("title") or "—")
    url = f"{view.url}/{identity}"
    links = await guests.listed(here.unit, module.name, identity)
    known = guests.pages_of(module)
    if not known and not links:
        raise NotFound(Problem("not_found", "", here.t("These records have no pages for guests.")))
    labels = {one.id: describer.text(one.label) for one in module.definition.guest_pages}
    choices = {
        choice.name: describer.text(choice.label)
        for one in module.definition.guest_pages
        for choice in (*one.choices, *(choice for part in one.lists for choice in part.choices))
    }
    found = GuestLinksPage(
        view,
        title,
        f"{url}/guest-links",
        (Crumb(view.label_plural, view.url), Crumb(title, url)),
        tuple((one.name, describer.text(one.label)) for one in known),
        tuple(_line(here, f"{url}/guest-links", link, labels, choices) for link in links),
        chosen,
        recipient,
        problems,
        fresh,
    )
    frame = shell(here, here.t("Links for guests"), module=module.name, create_url=view.create_url)
    answer = page(here, found, frame, status=422 if problems else 200)
    if fresh:
        answer.headers["Cache-Control"] = "no-store"
    return answer


def _line(here: Visit, url: str, link: GuestLink, labels: dict[str, str], choices: dict[str, str]) -> GuestLinkLine:
    def at(text: str) -> Markup:
        return escape(formats.instant(text, here.locale, here.zone))

    state = link.state(here.unit.now)
    done = ""
    if link.used_at is not None:
        what = choices.get(link.choice or "", link.choice or "")
        done = here.t(
            "{choice}, {time}", choice=what, time=formats.instant(instant(link.used_at), here.locale, here.zone)
        )
    return GuestLinkLine(
        str(link.id),
        labels.get(link.page, link.page),
        link.recipient,
        here.t(_STATES[state]),
        _HUES[state],
        at(instant(link.created_at)),
        at(instant(link.expires_at)),
        at(instant(link.seen_at)) if link.seen_at is not None else Markup(""),
        done,
        f"{url}/{link.id}/withdraw" if state == "open" else "",
    )


HANDLERS = [links_page, make_link, withdraw_link]

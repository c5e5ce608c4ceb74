"""The page about accounts: servers for sending, receiving and calendars, tried from the page, with what went wrong last."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Response, get, post

from xrm_core.kernel.errors import Invalid, NotFound
from xrm_core.kernel.problem import Problem
from xrm_core.messaging import managing
from xrm_core.messaging.probe import probe
from xrm_core.storage import mailboxes
from xrm_core.storage.mailboxes import Mailbox
from xrm_core.storage.rows import instant
from xrm_core.web import formats
from xrm_core.web.editing import form_of
from xrm_core.web.frame import page, redirect, shell
from xrm_core.web.pages import TabView
from xrm_core.web.services import Req, Visit, caller_of, services_of, visit
from xrm_core.web.views_mail import BoxView, MailboxesPage
from xrm_core.web.widgets import Form

PLACE = "mail"
URL = "/settings/mail"
TEMPLATES = "/settings/templates"
_TEXTS = {
    "smtp": ("host", "security", "user", "from_name", "reply_to"),
    "imap": ("host", "security", "user"),
    "caldav": ("url", "user"),
}
_NUMBERS = {"smtp": ("port",), "imap": ("port", "history_days"), "caldav": ()}
_FLAGS = {"smtp": (), "imap": ("shared", "bcc"), "caldav": ()}


def tabs(here: Visit, current: str) -> tuple[TabView, ...]:
    """The pages about mail that the visitor may see."""
    t = here.t
    found = [(URL, t("Accounts"))]
    if here.unit.policy.design:
        found += [
            (TEMPLATES, t("Mail templates")),
            ("/settings/outbox", t("Outbox")), ("/settings/suppressions", t("No more mail")),
            ("/settings/webhooks", t("Webhooks")),
        ]  # fmt: skip
    return tuple(TabView(label, url, url == current) for url, label in found)


def identity_of(request: Req) -> UUID:
    """The id in the address; raises NotFound for anything else."""
    try:
        return UUID(request.path_params["id"])
    except ValueError:
        raise NotFound(Problem("not_found", "", "There is no such entry.")) from None


@get(URL)
async def accounts_page(request: Req) -> Response[bytes]:
    """One's own accounts, and for administrators those of the workspace."""
    async with visit(request) as here:
        return await _page(here)


@post(URL)
async def add_account(request: Req) -> Response[bytes]:
    """Add an account."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    office = services_of(request).office
    async with visit(request, caller) as here:
        kind = form.text("kind")
        given = {
            **_given(form, kind, {}), "kind": kind, "scope": "workspace" if form.text("scope") == "workspace" else "member"
        }  # fmt: skip
        try:
            made = await managing.add_box(here.unit, office, given)
        except Invalid as refused:
            return await _page(here, form, refused.problems, status=422)
        return redirect(URL, toast=here.t("{name} is added", name=made.name))


@post(URL + "/{id:str}")
async def change_account(request: Req) -> Response[bytes]:
    """Change an account, switch it on or off, or remove it: whatever the pressed button says."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    office, identity = services_of(request).office, identity_of(request)
    async with visit(request, caller) as here:
        box = await managing.box_of(here.unit, identity)
        match form.text("do"):
            case "remove":
                await mailboxes.delete(await here.unit.transaction(), here.unit.schema, identity)
                return redirect(URL, toast=here.t("{name} is removed", name=box.name))
            case "on" | "off":
                await managing.change_box(here.unit, office, identity, {"enabled": form.text("do") == "on"})
                return redirect(URL)
            case "read":
                await mailboxes.due_now(await here.unit.transaction(), here.unit.schema, identity, here.unit.now)
                return redirect(URL, toast=here.t("{name} is read in a moment", name=box.name))
        try:
            await managing.change_box(here.unit, office, identity, _given(form, box.kind, box.settings))
        except Invalid as refused:
            return await _page(here, form, refused.problems, str(identity), status=422)
        return redirect(URL, toast=here.t("{name} is kept", name=box.name))


@post(URL + "/{id:str}/test")
async def test_account(request: Req) -> Response[bytes]:
    """Connect to an account's server and sign in, now."""
    caller = await caller_of(request)
    await form_of(request, caller)
    services = services_of(request)
    async with visit(request, caller) as here:
        box = await managing.box_of(here.unit, identity_of(request))
        t = here.t
    error = await probe(services.office, box, services.units.clock.now())
    if error is None:
        return redirect(URL, toast=t("{name} works", name=box.name))
    return redirect(URL, toast=t("{name} does not work: {error}", name=box.name, error=error)[:280], kind="bad")


def _given(form: Form, kind: str, known: dict[str, Any]) -> dict[str, Any]:
    settings = dict(known)
    for name in (*_TEXTS.get(kind, ()), *_NUMBERS.get(kind, ())):
        text = form.text(name)
        settings.pop(name, None)
        if text:
            number = name in _NUMBERS[kind] and text.isascii() and text.isdigit() and len(text) < 10
            settings[name] = int(text) if number else text
    for name in _FLAGS.get(kind, ()):
        settings.pop(name, None)
        if form.text(name):
            settings[name] = True
    if kind == "imap":
        folders = [one.strip() for one in form.text("folders").split(",") if one.strip()]
        settings.pop("folders", None)
        if folders:
            settings["folders"] = folders
    found: dict[str, Any] = {"name": form.text("name"), "address": form.text("address"), "settings": settings}
    return {**found, **({"password": form.text("password")} if form.text("password") else {})}


async def _page(
    here: Visit, form: Form | None = None, problems: Any = (), place: str = "", *, status: int = 200
) -> Response[bytes]:
    t = here.t
    kinds = (("smtp", t("Sending")), ("imap", t("Receiving")), ("caldav", t("Calendar")))
    found = await mailboxes.listed(await here.unit.writer(), here.unit.schema, member=here.caller.account_id)
    design = here.unit.policy.design
    boxes = tuple(_box(here, one, dict(kinds)) for one in found if one.member is not None or design)
    office = services_of(here.request).office
    typed = (
        {name: value for name, value in form.items if isinstance(value, str) and name not in ("_csrf", "password")}
        if form
        else {}
    )
    told = tuple(f"{one.message} {one.hint or ''}".strip() for one in problems)
    view = MailboxesPage(
        tabs(here, URL), boxes, kinds, design, office.smtp.name if office.smtp and design else "", typed, told, place
    )
    return page(here, view, shell(here, t("Mail"), place=PLACE), status=status)


def _box(here: Visit, box: Mailbox, kinds: dict[str, str]) -> BoxView:
    values = {key: ", ".join(value) if isinstance(value, list) else str(value) for key, value in box.settings.items()}
    checked = formats.instant(instant(box.checked_at), here.reader.locale, here.zone) if box.checked_at else ""
    scope = here.t("Mine") if box.member is not None else here.t("The workspace's")
    return BoxView(
        str(box.id), box.kind, kinds[box.kind], box.name, box.address, scope, values, box.enabled, box.secret is not None,
        checked, box.error or "",
    )  # fmt: skip


HANDLERS: list[Any] = [accounts_page, add_account, change_account, test_account]

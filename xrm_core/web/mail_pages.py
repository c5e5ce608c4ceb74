"""Pages about what goes out and what failed, about addresses that get no more mail, and about webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get, post

from xrm_core.kernel.errors import Conflict, Invalid
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem
from xrm_core.messaging import managing
from xrm_core.messaging.addresses import normal
from xrm_core.messaging.webhooks import TELLABLE
from xrm_core.storage import messages_suppression as suppression
from xrm_core.storage import messages_webhooks as hooks
from xrm_core.storage import outbox
from xrm_core.storage.messages_suppression import Suppressed
from xrm_core.storage.messages_webhooks import Webhook
from xrm_core.storage.outbox import Effect
from xrm_core.storage.rows import instant
from xrm_core.web import formats
from xrm_core.web.editing import form_of
from xrm_core.web.frame import page, redirect, shell
from xrm_core.web.mail_accounts import PLACE, identity_of, tabs
from xrm_core.web.pages import TabView
from xrm_core.web.services import Req, Visit, caller_of, services_of, visit
from xrm_core.web.views_mail import EffectView, HookView, OutboxPage, SuppressionsPage, WebhooksPage
from xrm_core.web.widgets import Form

SHOWN = 50
CALLS = 10
OUTBOX, NO_MORE, HOOKS = "/settings/outbox", "/settings/suppressions", "/settings/webhooks"
_HUES = {"waiting": "blue", "sending": "blue", "done": "green", "failed": "red"}


def _id(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


# -- the outbox -----------------------------------------------------------------------------------------------------------


@get(OUTBOX)
async def outbox_page(request: Req) -> Response[bytes]:
    """What could not be sent, what waits, what went: `?state=`."""
    async with visit(request) as here:
        here.unit.policy.require_design()
        t, given = here.t, request.query_params
        words = {"failed": t("Failed"), "waiting": t("Waiting"), "sending": t("Being sent"), "done": t("Done")}
        state: Any = given.get("state") if given.get("state") in words else "failed"
        found = await outbox.listed(
            await here.unit.writer(), here.unit.schema, state, before=_id(given.get("cursor")), limit=SHOWN + 1
        )
        views = tuple(effect_view(here, one) for one in found[:SHOWN])
        following = urlencode({"state": state, "cursor": views[-1].id}) if len(found) > SHOWN else ""
        states = tuple(TabView(text, f"{OUTBOX}?state={name}", name == state) for name, text in words.items())
        view = OutboxPage(tabs(here, OUTBOX), states, views, f"{OUTBOX}?{following}" if following else "")
        return page(here, view, shell(here, t("Outbox"), place=PLACE))


def effect_view(here: Visit, one: Effect) -> EffectView:
    """An effect as a line of a page."""
    t, payload = here.t, one.payload
    body = payload.get("body") if isinstance(payload.get("body"), dict) else {}
    kinds = {"mail": t("E-mail"), "webhook": t("Webhook"), "invitation": t("Invitation")}
    states = {"waiting": t("Waiting"), "sending": t("Being sent"), "done": t("Done"), "failed": t("Failed")}
    to = ", ".join(str(person.get("address")) for person in payload.get("to") or () if isinstance(person, Mapping))
    title = str(payload.get("subject") or (body or {}).get("type") or payload.get("url") or "")
    cancelled = one.state == "done" and (one.result or {}).get("cancelled")
    at = formats.instant(instant(one.done_at or one.failed_at or one.run_at), here.reader.locale, here.zone)
    return EffectView(
        str(one.id), kinds.get(one.kind, one.kind), title, to or one.destination, at,
        t("Taken back") if cancelled else states[one.state], "gray" if cancelled else _HUES[one.state], one.error or "",
        one.attempts, one.state == "failed", one.state in ("waiting", "failed"),
    )  # fmt: skip


@post(OUTBOX + "/{id:str}")
async def change_effect(request: Req) -> Response[bytes]:
    """Try again what failed, or give it up: whatever the pressed button says."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    identity, back = identity_of(request), HOOKS if form.text("back") == "webhooks" else OUTBOX
    async with visit(request, caller) as here:
        here.unit.policy.require_design()
        try:
            if form.text("do") == "drop":
                await managing.give_up(here.unit, identity)
                return redirect(back, toast=here.t("It is given up"))
            await managing.try_again(here.unit, identity)
        except Conflict as refused:
            return redirect(back, toast=refused.problems[0].message, kind="bad")
        return redirect(back, toast=here.t("It is tried again"))


# -- who gets nothing more ------------------------------------------------------------------------------------------------


@get(NO_MORE)
async def suppressions_page(request: Req) -> Response[bytes]:
    """Addresses that get no more mail, and why."""
    async with visit(request) as here:
        here.unit.policy.require_design()
        return await _suppressions(here)


async def _suppressions(here: Visit, problem: str = "", address: str = "") -> Response[bytes]:
    t = here.t
    found = await suppression.listed(
        await here.unit.writer(), here.unit.schema, here.request.query_params.get("after"), SHOWN + 1
    )
    scopes = {"all": t("Everything"), "marketing": t("Advertising")}
    reasons = {"unsubscribed": t("Unsubscribed"), "bounced": t("Did not arrive"), "by hand": t("By hand")}
    entries = tuple(
        (
            one.address, scopes.get(one.scope, one.scope), f"{reasons.get(one.reason, one.reason)} {one.details}".strip(),
            formats.instant(instant(one.at), here.reader.locale, here.zone),
        )
        for one in found[:SHOWN]
    )  # fmt: skip
    following = f"{NO_MORE}?{urlencode({'after': found[SHOWN - 1].address})}" if len(found) > SHOWN else ""
    view = SuppressionsPage(tabs(here, NO_MORE), entries, following, problem, address)
    return page(here, view, shell(here, t("No more mail"), place=PLACE), status=422 if problem else 200)


@post(NO_MORE)
async def change_suppressions(request: Req) -> Response[bytes]:
    """Put an address on the list, or take it off: whatever the pressed button says."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    async with visit(request, caller) as here:
        here.unit.policy.require_design()
        address = normal(form.text("address"))
        if address is None:
            return await _suppressions(here, here.t("This is no mail address."), form.text("address"))
        connection = await here.unit.transaction()
        if form.text("do") == "remove":
            await suppression.remove(connection, here.unit.schema, address)
            return redirect(NO_MORE, toast=here.t("{address} gets mail again", address=address))
        scope = "marketing" if form.text("scope") == "marketing" else "all"
        entry = Suppressed(address, scope, "by hand", form.text("details")[:300], here.unit.now)
        await suppression.put(connection, here.unit.schema, entry)
        return redirect(NO_MORE, toast=here.t("{address} gets no more mail", address=address))


# -- webhooks -------------------------------------------------------------------------------------------------------------


@get(HOOKS)
async def webhooks_page(request: Req) -> Response[bytes]:
    """Whom we tell what happens, and who may set automations going."""
    async with visit(request) as here:
        here.unit.policy.require_design()
        return await _webhooks(here)


async def _webhooks(
    here: Visit, *, secret: str = "", secret_of: str = "", problems: Any = (), form: Form | None = None
) -> Response[bytes]:
    unit, office = here.unit, services_of(here.request).office
    connection = await unit.writer()
    language = here.locale[:2]
    automations = {one.id: one for one in unit.catalog.definitions.automations if not one.archived}
    modules = {one.id: label_text(one.definition.label_plural, language) for one in unit.catalog.modules.values()}
    views = []
    for one in await hooks.listed(connection, unit.schema):
        calls = await outbox.of_webhook(connection, unit.schema, one.id, CALLS) if one.direction == "out" else []
        address = f"{office.public_url}/api/v1/hooks/{unit.workspace.slug}/{one.id}"
        wanted = automations.get(one.settings.get("automation") or "")
        facts = [label_text(wanted.label, language)] if wanted is not None else []
        facts += (
            [modules.get(key, key) for key in one.modules] + list(one.events) + ([one.filter] if one.filter else [])
        )
        views.append(
            HookView(
                str(one.id), one.name, one.direction == "in", one.url or address, one.enabled, tuple(facts),
                tuple(effect_view(here, call) for call in calls),
            )
        )  # fmt: skip
    waiting = tuple(
        (one.name, label_text(one.label, language))
        for one in automations.values()
        if any(trigger.kind == "called" for trigger in one.triggers)
    )
    named = tuple((one.name, modules[one.id]) for one in unit.catalog.modules.values())
    typed = {name: value for name, value in form.items if isinstance(value, str) and name != "_csrf"} if form else {}
    told = tuple(f"{one.message} {one.hint or ''}".strip() for one in problems)
    view = WebhooksPage(tabs(here, HOOKS), tuple(views), waiting, named, TELLABLE, secret, secret_of, told, typed)
    return page(here, view, shell(here, here.t("Webhooks"), place=PLACE), status=422 if told else 200)


@post(HOOKS, status_code=200)
async def add_webhook(request: Req) -> Response[bytes]:
    """Add a webhook; the page shows its secret, this one time."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    office = services_of(request).office
    given: dict[str, Any] = {"name": form.text("name"), "direction": form.text("direction")}
    if given["direction"] == "in":
        given["automation"] = form.text("automation") or None
    else:
        given |= {
            "url": form.text("url"),
            "events": form.texts("events"),
            "modules": form.texts("modules"),
            "filter": form.text("filter") or None,
        }
    async with visit(request, caller) as here:
        here.unit.policy.require_design()
        try:
            hook, secret = await managing.add_hook(here.unit, office, given)
        except Invalid as refused:
            return await _webhooks(here, problems=refused.problems, form=form)
        return await _webhooks(here, secret=secret, secret_of=hook.name)


@post(HOOKS + "/{id:str}", status_code=200)
async def change_webhook(request: Req) -> Response[bytes]:
    """Switch a webhook on or off, give it a new secret, or remove it: whatever the pressed button says."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    office, identity = services_of(request).office, identity_of(request)
    async with visit(request, caller) as here:
        hook: Webhook = await managing.hook_of(here.unit, identity)
        match form.text("do"):
            case "remove":
                await hooks.delete(await here.unit.transaction(), here.unit.schema, identity)
                return redirect(HOOKS, toast=here.t("{name} is removed", name=hook.name))
            case "on" | "off":
                await managing.change_hook(here.unit, office, identity, {"enabled": form.text("do") == "on"})
                return redirect(HOOKS)
            case "secret":
                _, secret = await managing.change_hook(here.unit, office, identity, {"new_secret": True})
                return await _webhooks(here, secret=secret, secret_of=hook.name)
        raise Invalid(Problem("do", "/do", "This cannot be done."))


HANDLERS: list[Any] = [
    outbox_page, change_effect, suppressions_page, change_suppressions, webhooks_page, add_webhook, change_webhook,
]  # fmt: skip

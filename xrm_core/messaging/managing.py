"""Accounts, webhooks and the outbox as their administrators change them, by pages and by programs alike."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from xrm_core.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.problem import Problem
from xrm_core.messaging import caldav, calling
from xrm_core.messaging.addresses import normal
from xrm_core.messaging.office import Office, read_server
from xrm_core.messaging.webhooks import TELLABLE
from xrm_core.records.query import read_filter
from xrm_core.records.unit import Unit
from xrm_core.storage import mailboxes, messages, outbox
from xrm_core.storage import messages_webhooks as hook_store
from xrm_core.storage.mailboxes import Mailbox
from xrm_core.storage.messages_webhooks import Webhook
from xrm_core.storage.outbox import Effect

MOST_BOXES = 200
MOST_HOOKS = 100


# -- accounts -------------------------------------------------------------------------------------------------------------


def check_box(unit: Unit, office: Office, box: Mailbox) -> None:
    """Raises Invalid with everything that is wrong with an account."""
    problems = []
    if not 1 <= len(box.name) <= 100:
        problems.append(Problem("name", "/name", "A name has 1 to 100 characters."))
    if normal(box.address) != box.address:
        problems.append(Problem("address", "/address", "This is no mail address.", "Write it like name@example.org."))
    if box.kind == "caldav":
        problems += caldav.check_settings(box.settings, office)
    else:
        problems += read_server(box.kind, box.settings)
        # Who is no administrator must not find out through us what there is inside the own network.
        if not unit.policy.design and not office.private_hosts and _inside(str(box.settings.get("host") or "")):
            problems.append(Problem("private", "/settings/host", "This server is inside a private network."))
    if problems:
        raise Invalid(problems)


def _inside(host: str) -> bool:
    if host.lower() == "localhost" or "." not in host:
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return not calling.is_public(host)


def own_box(unit: Unit, box: Mailbox | None) -> Mailbox:
    """The account, for whoever may change it; raises NotFound."""
    mine = box is not None and box.member == unit.actor.user_id
    if box is None or not (mine or (box.member is None and unit.policy.design)):
        raise NotFound(Problem("not_found", "", "There is no such account, or it is not yours."))
    return box


async def add_box(unit: Unit, office: Office, given: Mapping[str, Any]) -> Mailbox:
    """A new account from `kind`, `scope`, `name`, `address`, `settings`, `password`, `enabled`. Raises Invalid, Forbidden."""
    kind, scope = given.get("kind"), given.get("scope") or "member"
    problems = []
    if kind not in mailboxes.KINDS:
        problems.append(Problem("kind", "/kind", f"Use one of {', '.join(mailboxes.KINDS)}."))
    if scope not in ("member", "workspace"):
        problems.append(Problem("scope", "/scope", "Use member or workspace."))
    if scope == "workspace" and kind == "caldav":
        problems.append(Problem("scope", "/scope", "A calendar belongs to a person."))
    if problems:
        raise Invalid(problems)
    if scope == "workspace":
        unit.policy.require_design()
    elif unit.actor.user_id is None:
        raise Forbidden(Problem("forbidden", "", "Only people have accounts of their own."))
    password, address = given.get("password"), str(given.get("address") or "")
    box = Mailbox(
        new_id(), str(kind), unit.actor.user_id if scope == "member" else None, str(given.get("name") or "").strip(),
        normal(address) or address, dict(given.get("settings") or {}), office.lock(password) if password else None, {},
        given.get("enabled") is not False, None, None, unit.now, unit.now,
    )  # fmt: skip
    check_box(unit, office, box)
    connection = await unit.transaction()
    if len(await mailboxes.listed(connection, unit.schema)) >= MOST_BOXES:
        raise Invalid(Problem("too_many", "", f"There are {MOST_BOXES} accounts already."))
    await mailboxes.put(connection, unit.schema, box, unit.now if kind != "smtp" else None)
    return box


async def change_box(unit: Unit, office: Office, identity: UUID, given: Mapping[str, Any]) -> Mailbox:
    """An account with some things changed; without a password the known one stays, unless the server is another."""
    connection = await unit.transaction()
    box = own_box(unit, await mailboxes.get(connection, unit.schema, identity))
    settings = dict(given["settings"] or {}) if "settings" in given else box.settings
    password = given.get("password")
    secret = office.lock(password) if password else box.secret
    # A password that was meant for one server is not shown to another.
    moved = any(settings.get(key) != box.settings.get(key) for key in ("host", "url", "port", "security"))
    if moved and not password:
        secret = None
    address = str(given.get("address") or box.address)
    after = replace(
        box, name=str(given.get("name") or box.name).strip(), address=normal(address) or address, settings=settings,
        secret=secret, enabled=given.get("enabled", box.enabled) is True, updated_at=unit.now,
    )  # fmt: skip
    check_box(unit, office, after)
    await mailboxes.put(connection, unit.schema, after, unit.now if box.kind != "smtp" else None)
    return after


async def box_of(unit: Unit, identity: UUID) -> Mailbox:
    """An account for whoever may change it; raises NotFound."""
    return own_box(unit, await mailboxes.get(await unit.transaction(), unit.schema, identity))


# -- webhooks -------------------------------------------------------------------------------------------------------------


def check_hook(unit: Unit, office: Office, hook: Webhook, modules: list[str] | None) -> Webhook:
    """The webhook with the ids of its modules; raises Invalid with everything that is wrong with it."""
    problems = []
    if not 1 <= len(hook.name) <= 100:
        problems.append(Problem("name", "/name", "A name has 1 to 100 characters."))
    unknown = sorted(set(hook.events) - set(TELLABLE))
    if unknown:
        known = ", ".join(TELLABLE)
        problems.append(Problem("events", "/events", f"There is no event {unknown[0]!r}.", f"Known: {known}."))
    ids = list(hook.modules)
    if modules is not None:
        ids = []
        for index, name in enumerate(modules):
            try:
                ids.append(unit.module(name).id)
            except NotFound as error:
                one = error.problems[0]
                problems.append(Problem(one.code, f"/modules/{index}", one.message, one.hint))
    if hook.direction == "out":
        problems += calling.check_url(hook.url, "/url", office)
    elif hook.url is not None or hook.filter is not None or hook.events or ids:
        problems.append(Problem("direction", "", "What is received has no url, filter, events or modules."))
    wanted = hook.settings.get("automation")
    if wanted is not None:
        some = [one for one in unit.catalog.definitions.automations if not one.archived]
        found = next((one for one in some if wanted in (one.name, one.id)), None)
        if hook.direction != "in" or found is None:
            problems.append(Problem("automation", "/automation", f"There is no automation {wanted!r} for calls."))
        elif not any(trigger.kind == "called" for trigger in found.triggers):
            hint = "Give it the trigger 'called'."
            problems.append(Problem("automation", "/automation", f"{found.name!r} does not wait for calls.", hint))
        else:
            hook = replace(hook, settings={**hook.settings, "automation": found.id})
    if hook.filter is not None:
        if len(ids) != 1:
            problems.append(
                Problem("filter", "/filter", "A filter is for exactly one module.", "Name it in 'modules'.")
            )
        elif not problems:
            read_filter(unit, unit.catalog.modules[ids[0]], hook.filter)
    if problems:
        raise Invalid(problems)
    return replace(hook, modules=tuple(ids))


async def add_hook(unit: Unit, office: Office, given: Mapping[str, Any]) -> tuple[Webhook, str]:
    """A new webhook with the rights of whoever adds it, and its secret, which is told only now."""
    unit.policy.require_design()
    direction = given.get("direction") or "out"
    if direction not in ("out", "in") or unit.actor.user_id is None:
        raise Invalid(Problem("direction", "/direction", "Use out or in."))
    secret = secrets.token_urlsafe(32)
    hook = Webhook(
        new_id(), direction, str(given.get("name") or "").strip(), given.get("url"), office.lock(secret),
        tuple(given.get("events") or ()), (), given.get("filter") or None, unit.actor.user_id,
        given.get("enabled") is not False, _settings({}, given), new_id(), unit.now, unit.now,
    )  # fmt: skip
    hook = check_hook(unit, office, hook, list(given.get("modules") or ()))
    connection = await unit.transaction()
    if len(await hook_store.listed(connection, unit.schema)) >= MOST_HOOKS:
        raise Invalid(Problem("too_many", "", f"There are {MOST_HOOKS} webhooks already."))
    await hook_store.put(connection, unit.schema, hook)
    return hook, secret


async def change_hook(unit: Unit, office: Office, identity: UUID, given: Mapping[str, Any]) -> tuple[Webhook, str]:
    """A webhook with some things changed; with `new_secret` it gets another secret, else that is empty."""
    hook = await hook_of(unit, identity)
    secret = secrets.token_urlsafe(32) if given.get("new_secret") else ""
    after = replace(
        hook, name=str(given.get("name") or hook.name).strip(), url=given.get("url") or hook.url,
        events=tuple(given["events"] or ()) if given.get("events") is not None else hook.events,
        filter=(given.get("filter") or None) if "filter" in given else hook.filter,
        enabled=given.get("enabled", hook.enabled) is True, secret=office.lock(secret) if secret else hook.secret,
        settings=_settings(hook.settings, given), updated_at=unit.now,
    )  # fmt: skip
    after = check_hook(unit, office, after, given.get("modules"))
    await hook_store.put(await unit.transaction(), unit.schema, after)
    return after, secret


def _settings(old: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with the automation that a call sets going, by its stable id."""
    if "automation" not in given:
        return dict(old)
    return {**{key: value for key, value in old.items() if key != "automation"},
            **({"automation": given["automation"]} if given["automation"] else {})}  # fmt: skip


async def hook_of(unit: Unit, identity: UUID) -> Webhook:
    """A webhook for a designer; raises NotFound."""
    unit.policy.require_design()
    found = await hook_store.get(await unit.transaction(), unit.schema, identity)
    if found is None:
        raise NotFound(Problem("not_found", "", "There is no such webhook."))
    return found


# -- the outbox -----------------------------------------------------------------------------------------------------------


async def try_again(unit: Unit, identity: UUID) -> Effect:
    """Try again what failed; a mail keeps its Message-ID. Raises NotFound, Conflict."""
    effect = await _effect(unit, identity)
    connection = await unit.transaction()
    if not await outbox.retry(connection, unit.schema, identity, unit.now):
        raise Conflict(Problem("not_failed", "", "This has not failed."))
    message = await messages.by_outbox(connection, unit.schema, identity)
    if message is not None:
        await messages.set_state(connection, unit.schema, message.id, "queued")
    return await outbox.get(connection, unit.schema, identity) or effect


async def give_up(unit: Unit, identity: UUID) -> None:
    """Give up what waits or failed. It is marked as taken back rather than removed: its key must stay used."""
    effect = await _effect(unit, identity)
    connection = await unit.transaction()
    if effect.failed_at is not None:
        await outbox.retry(connection, unit.schema, identity, unit.now)
    if not await outbox.cancel(connection, unit.schema, effect.key):
        raise Conflict(Problem("too_late", "", "It is under way or done."))
    message = await messages.by_outbox(connection, unit.schema, identity)
    if message is not None:
        await messages.set_state(connection, unit.schema, message.id, "cancelled")


async def _effect(unit: Unit, identity: UUID) -> Effect:
    unit.policy.require_design()
    found = await outbox.get(await unit.transaction(), unit.schema, identity)
    if found is None:
        raise NotFound(Problem("not_found", "", "There is no such entry."))
    return found

"""Writing an e-mail where the record is: whom it can go to, sending it after a moment in which it can be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from litestar import Response, post

from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem
from xrm_core.messaging import consent
from xrm_core.messaging import mail as mailing
from xrm_core.messaging.accounts import account
from xrm_core.messaging.addresses import normal
from xrm_core.messaging.events import mail_fields
from xrm_core.messaging.mail import Mail
from xrm_core.records import lifecycle, read, write
from xrm_core.records.attachments import readable_file
from xrm_core.records.unit import Unit
from xrm_core.storage import mailboxes, messages, outbox
from xrm_core.storage.messages import About
from xrm_core.storage.model import CompiledInverse, CompiledModule
from xrm_core.web.editing import form_of, record_id
from xrm_core.web.fragments import answer, change
from xrm_core.web.frame import redirect
from xrm_core.web.mail_template_pages import fitting
from xrm_core.web.services import Req, Services, Visit, caller_of, services_of, visit
from xrm_core.web.views_record import MailFormView, WritingView
from xrm_core.web.widgets import Form

KEY = "mail"
UNDO = timedelta(seconds=10)
"""How long a mail waits before it goes out, so that it can be taken back."""
MOST_LINKS = 8


async def writing(here: Visit, module: CompiledModule, record: dict[str, Any]) -> WritingView | None:
    """The way to send an e-mail about a record; None where nobody near it has an address."""
    near = [one for one in module.links.values() if not one.many and _holds_addresses(here, one.targets)]
    logged = any(log_of(here, module))
    if not mail_fields(module) and not near and not logged:
        return None
    offers = await _offers(here, module, record)
    connection = here.unit.current or await here.unit.writer()
    boxes = await mailboxes.listed(connection, here.unit.schema, member=here.caller.account_id, kinds=("smtp",))
    senders = tuple((str(one.id), f"{one.name} <{one.address}>") for one in boxes if one.enabled)
    own = mail_fields(module)
    to = offers[0][0] if offers and (own or len(offers) == 1) else ""
    form = MailFormView(
        f"/m/{module.name}/{record['id']}/mail", to, tuple(offers), senders if len(senders) > 1 else (),
        tuple((one.name, label_text(one.label, here.locale[:2])) for one in fitting(here, module.name)),
    )  # fmt: skip
    return WritingView(KEY, here.t("E-mail"), "mail", (), letter="@", mail=form)


def _holds_addresses(here: Visit, targets: Sequence[str]) -> bool:
    modules = here.unit.catalog.modules
    return any(one in modules and mail_fields(modules[one]) for one in targets)


async def _offers(here: Visit, module: CompiledModule, record: dict[str, Any]) -> list[tuple[str, str]]:
    """(address, whose) of the record itself, and of the records that it links to."""
    found: dict[str, str] = {}

    def add(source: dict[str, Any], names: Sequence[str]) -> None:
        for name in names:
            address = normal(str(source[name])) if source.get(name) else None
            if address is not None:
                found.setdefault(address, str(source.get("title") or ""))

    add(record, mail_fields(module))
    for link in [one for one in module.links.values() if not one.many][:MOST_LINKS]:
        value = record.get(link.name)
        if not isinstance(value, dict) or "module" not in value:
            continue
        target = here.unit.catalog.find(value["module"])
        names = mail_fields(target) if target is not None else []
        if target is not None and names and here.unit.policy.allows(target.id, "see"):
            try:
                linked = await read.get(here.unit, target.name, UUID(value["id"]), fields=("title", *names))
            except (NotFound, Forbidden):
                continue
            add(orjson.loads(linked.json), names)
    return list(found.items())


def log_of(here: Visit, module: CompiledModule) -> tuple[CompiledInverse, CompiledModule] | tuple[()]:
    """The module that keeps a record of every mail about records of this one, if there is one."""
    policy = here.unit.policy
    for inverse in module.inverses.values():
        other = here.unit.catalog.modules.get(inverse.module_id)
        log = other.definition.log if other is not None else None
        if other is not None and log is not None and log.mail and log.kind and policy.allows(other.id, "create"):
            return inverse, other
    return ()


@post("/m/{module:str}/{id:str}/mail", status_code=200)
async def send_mail(request: Req) -> Response[bytes]:
    """Send an e-mail about the record: for a script as JSON, for a form by going back to the record."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    identity, name = record_id(request), request.path_params["module"]
    services = services_of(request)

    async def work(unit: Unit, here: Visit) -> dict[str, Any]:
        return await _send(unit, here, services, unit.module(name), identity, form)

    if request.headers.get("accept", "").startswith("application/json"):
        done, _ = await change(request, caller, work)
        return answer(done)
    url = f"/m/{name}/{identity}"
    try:
        async with visit(request, caller) as here:
            done = await _send(here.unit, here, services, here.unit.module(name), identity, form)
    except (Invalid, Conflict) as refused:
        return redirect(url, toast=" ".join(problem.message for problem in refused.problems), kind="bad")
    return redirect(url, toast=done["text"])


async def _send(
    unit: Unit, here: Visit, services: Services, module: CompiledModule, identity: UUID, form: Form
) -> dict[str, Any]:
    await read.get(unit, module.name, identity, fields=("title",))  # raises NotFound for what the actor does not see
    mail = _read(here, module, identity, form)
    await consent.require(unit, mail)
    for place, one in enumerate(mail.attachments):
        try:
            await readable_file(unit, one)
        except NotFound:
            raise Invalid(Problem("not_found", f"/attachments/{place}", here.t("There is no such file."))) from None
    connection = await unit.transaction()
    boxes = await mailboxes.listed(connection, unit.schema, member=here.caller.account_id, kinds=("smtp",))
    if mail.sender is not None and not any(one.id == mail.sender and one.enabled for one in boxes):
        raise Invalid(Problem("sender", "/sender", here.t("This account is not yours to send by.")))
    if await account(unit, connection, services.office, mail) is None:
        told = here.t("No mail server is set up yet: an administrator adds one in the settings under Mail.")
        raise Invalid(Problem("no_server", "", told))
    made = await mailing.queue(unit, services.office, mail, f"mail:{new_id()}", not_before=unit.now + UNDO)
    await _keep_record(unit, here, module, identity, mail, made[0])
    return {
        "text": here.t("The e-mail to {names} is on its way", names=", ".join(one.address for one in mail.recipients)),
        "message": str(made[0].id),
        "undo": f"/m/{module.name}/{identity}/mail/{made[0].id}/undo",
    }


def _read(here: Visit, module: CompiledModule, identity: UUID, form: Form) -> Mail:
    def people(name: str) -> list[str]:
        return [one.strip() for one in form.text(name).replace(";", ",").split(",") if one.strip()]

    attached = []
    for text in form.texts("attachments.keep"):
        try:
            attached.append(str(orjson.loads(text)["id"]))
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise Invalid(Problem("type", "/attachments", here.t("There is no such file."))) from None
    payload: dict[str, Any] = {
        "to": people("to"), "cc": people("cc"), "subject": form.text("subject"), "text": form.text("text"),
        "member": str(here.caller.account_id), "actor": here.caller.actor.as_dict(), "attachments": attached,
        "category": "marketing" if form.text("category") == "marketing" else "transactional",
        "records": [{"module": module.name, "id": str(identity)}], "sender": form.text("sender") or None,
    }  # fmt: skip
    return mailing.read({key: value for key, value in payload.items() if value not in (None, [])})


async def _keep_record(
    unit: Unit, here: Visit, module: CompiledModule, identity: UUID, mail: Mail, message: messages.Message
) -> None:
    """The record of a mail in the module that logs what was said, where there is one."""
    way = log_of(here, module)
    if not way:
        return
    inverse, other = way
    log = other.definition.log
    assert log is not None and log.kind is not None
    about: Any = {"module": module.name, "id": str(identity)} if inverse.link.polymorphic else str(identity)
    values: dict[str, Any] = {log.kind: log.mail, log.text: mail.text, **log.mail_values}
    values[inverse.link.name] = [about] if inverse.link.many else about
    if log.title:
        values[log.title] = mail.subject
    stored = await write.create(unit, other.name, values)
    connection = await unit.transaction()
    await messages.link(connection, unit.schema, message.id, [About(other.id, stored.id, "log")])


@post("/m/{module:str}/{id:str}/mail/{message:str}/undo", status_code=200)
async def take_back(request: Req) -> Response[bytes]:
    """Take back an e-mail of one's own that has not left yet."""
    caller = await caller_of(request)
    await form_of(request, caller)
    identity, name = record_id(request), request.path_params["module"]

    async def work(unit: Unit, here: Visit) -> dict[str, Any]:
        return await _take_back(unit, here, request.path_params["message"])

    if request.headers.get("accept", "").startswith("application/json"):
        done, _ = await change(request, caller, work)
        return answer(done)
    try:
        async with visit(request, caller) as here:
            done = await _take_back(here.unit, here, request.path_params["message"])
    except (Invalid, Conflict, NotFound) as refused:
        return redirect(f"/m/{name}/{identity}", toast=refused.problems[0].message, kind="bad")
    return redirect(f"/m/{name}/{identity}", toast=done["text"])


async def _take_back(unit: Unit, here: Visit, wanted: str) -> dict[str, Any]:
    connection = await unit.transaction()
    try:
        message = await messages.get(connection, unit.schema, UUID(wanted), unit.actor.user_id)
    except ValueError:
        message = None
    if message is None or message.outbox_id is None or message.member != unit.actor.user_id:
        raise NotFound(Problem("not_found", "", here.t("There is no such e-mail of yours.")))
    effect = await outbox.get(connection, unit.schema, message.outbox_id)
    if effect is None or not await outbox.cancel(connection, unit.schema, effect.key):
        raise Conflict(Problem("too_late", "", here.t("It is too late: the e-mail has been sent.")))
    await messages.set_state(connection, unit.schema, message.id, "cancelled")
    for one in (await messages.about(connection, unit.schema, [message.id])).get(message.id, ()):
        module = unit.catalog.modules.get(one.module_id)
        if one.via == "log" and module is not None:
            await lifecycle.archive(unit.acting(SYSTEM, unit.cause), module.name, one.record_id)
    return {"text": here.t("The e-mail is not sent")}


HANDLERS = [send_mail, take_back]

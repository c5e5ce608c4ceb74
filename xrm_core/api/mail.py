"""Mail: sending, reading, sharing, what waits or has failed, and who gets no more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from litestar import Response, delete, get, patch, post

from xrm_core.access.callers import Caller
from xrm_core.api.answers import Answer, as_json, change
from xrm_core.api.body import Values, json_object
from xrm_core.api.files import download_headers
from xrm_core.api.query import Parameters, read_instant, record_id
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.kernel.errors import Forbidden, Invalid, NotFound
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.problem import Problem
from xrm_core.messaging import mail as mailing
from xrm_core.messaging import managing
from xrm_core.messaging.addresses import normal
from xrm_core.records import read
from xrm_core.records.attachments import readable_file
from xrm_core.records.unit import Unit
from xrm_core.storage import files, messages, outbox
from xrm_core.storage import messages_suppression as suppression
from xrm_core.storage.messages import About, Message
from xrm_core.storage.messages_suppression import Suppressed
from xrm_core.storage.outbox import Effect
from xrm_core.storage.rows import instant

_SEND = {
    "to": list, "cc": list, "bcc": list, "subject": str, "text": str, "html": str, "records": list, "sender": str,
    "reply_to": str, "category": str, "attachments": list, "answers": str, "shared": bool, "at": str,
}  # fmt: skip
STATES = ("waiting", "sending", "done", "failed")


def shown(unit: Unit, message: Message, about: Sequence[About] = ()) -> dict[str, Any]:
    """A message as the API shows it."""
    modules = unit.catalog.modules
    return {
        "id": str(message.id), "direction": message.direction, "kind": message.kind, "state": message.state,
        "message_id": message.message_id, "thread": message.thread, "subject": message.subject, "from": message.sender,
        "recipients": message.recipients, "at": instant(message.at), "text": message.body, "html": message.html,
        "quoted": message.quoted, "shared": message.shared, "attachments": message.attachments, "size": message.size,
        "problem": message.problem, "member": str(message.member) if message.member else None,
        "records": [
            {"module": modules[one.module_id].name, "id": str(one.record_id), "via": one.via}
            for one in about
            if one.module_id in modules and unit.policy.allows(one.module_id, "see")
        ],
    }  # fmt: skip


async def readable(unit: Unit, identity: UUID) -> tuple[Message, list[About]]:
    """A message that the actor may read: as one who takes part, or as one who sees a record that it was shared with."""
    connection = unit.current or await unit.writer()
    found = await messages.get(connection, unit.schema, identity, unit.actor.user_id)
    about = (await messages.about(connection, unit.schema, [identity])).get(identity, [])
    if found is not None:
        if unit.actor.is_system or unit.actor.user_id == found.member or unit.actor.user_id in found.participants:
            return found, about
        for one in about:
            module = unit.catalog.modules.get(one.module_id)
            if module is None or not unit.policy.allows(module.id, "see"):
                continue
            try:
                await read.get(unit, module.name, one.record_id, fields=("title",))
            except (NotFound, Forbidden):
                continue
            return found, about
    raise NotFound(Problem("not_found", "", "There is no such message, or it is not for you."))


@post("/mail", status_code=201)
async def send_mail(request: Req) -> Response[bytes]:
    """Send a mail as the caller, about records that they see."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    body = Values(await json_object(request), _SEND, ("subject",))
    given = {key: value for key, value in body.given.items() if key != "at"}
    office = services_of(request).office
    at = read_instant(body["at"], "at") if body.get("at") else None
    mail = mailing.read({**given, "member": str(caller.account_id), "actor": caller.actor.as_dict()})

    async def work(unit: Unit) -> Answer:
        for place, (module, record) in enumerate(mail.records):
            try:
                await read.get(unit, unit.module(module).name, record, fields=("title",))
            except NotFound as error:
                raise Invalid(Problem("not_found", f"/records/{place}", error.problems[0].message)) from None
        for place, one in enumerate(mail.attachments):
            try:
                await readable_file(unit, one)
            except NotFound:
                raise Invalid(Problem("not_found", f"/attachments/{place}", "There is no such file.")) from None
        if mail.answers is not None:
            await readable(unit, mail.answers)
        if mail.sender is not None:
            await _may_send_by(unit, mail.sender)
        made = await mailing.queue(unit, office, mail, f"mail:{new_id()}", not_before=at)
        connection = await unit.transaction()
        about = await messages.about(connection, unit.schema, [one.id for one in made])
        shapes = [shown(unit, one, about.get(one.id, [])) for one in made]
        first = shapes[0]
        return Answer(
            201,
            orjson.dumps({**first, "all": [one["id"] for one in shapes]}),
            {"Location": f"/api/v1/mail/{first['id']}"},
        )

    return await change(request, caller, work)


async def _may_send_by(unit: Unit, sender: UUID) -> None:
    connection = await unit.transaction()
    cursor = await connection.execute(
        f"select b.id from {unit.schema}.mailbox b where b.id = %s::uuid and b.kind = 'smtp' and b.enabled "
        "and (b.member is null or b.member = %s::uuid)",
        [sender, unit.actor.user_id],
    )
    if await cursor.fetchone() is None:
        raise Invalid(Problem("sender", "/sender", "There is no such account, or it is not yours to send by."))


@get("/mail")
async def list_mail(request: Req) -> Response[bytes]:
    """Messages, newest first: the caller's own, or with `module` and `record` those about a record."""
    caller = await caller_of(request)
    parameters = Parameters(
        request.scope["query_string"], ("module", "record", "thread", "direction", "limit", "cursor")
    )
    limit, cursor = parameters.number("limit", 50, 1, 200), parameters.text("cursor")
    direction = parameters.text("direction")
    if direction is not None:
        parameters.choice("direction", "in", ("in", "out"))
    module, record = parameters.text("module"), parameters.text("record")
    if (module is None) != (record is None):
        raise Invalid(Problem("required", "/query", "A record is named by 'module' and 'record' together."))
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        identity = record_id(record) if record else None
        if module is not None and identity is not None:
            await read.get(unit, unit.module(module).name, identity, fields=("title",))
        connection = await unit.writer()
        found = await messages.listed(
            connection, unit.schema, caller.account_id, record=identity, thread=parameters.text("thread"),
            direction=direction, only_own=identity is None, before=record_id(cursor) if cursor else None, limit=limit + 1,
        )  # fmt: skip
        about = await messages.about(connection, unit.schema, [one.id for one in found])
        data = [shown(unit, one, about.get(one.id, [])) for one in found[:limit]]
    return as_json({"data": data, "next": data[-1]["id"] if len(found) > limit else None})


@get("/mail/{id:str}")
async def show_mail(request: Req) -> Response[bytes]:
    """One message."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        found, about = await readable(unit, record_id(request.path_params["id"]))
        return as_json(shown(unit, found, about))


@patch("/mail/{id:str}")
async def share_mail(request: Req) -> Response[bytes]:
    """Share a message with everybody who sees its records, or stop sharing; for those who take part."""
    caller = await caller_of(request)
    body = Values(await json_object(request), {"shared": bool}, ("shared",))
    identity = record_id(request.path_params["id"])

    async def work(unit: Unit) -> Answer:
        found, _ = await readable(unit, identity)
        _require_part(unit, found)
        connection = await unit.transaction()
        await messages.share(connection, unit.schema, identity, body["shared"])
        now, about = await readable(unit, identity)
        return Answer(200, orjson.dumps(shown(unit, now, about)))

    return await change(request, caller, work)


def _require_part(unit: Unit, message: Message) -> None:
    me = unit.actor.user_id
    if me != message.member and me not in message.participants:
        raise Forbidden(Problem("forbidden", "", "Only those who take part in a message can do this."))


@post("/mail/{id:str}/records", status_code=200)
async def file_mail(request: Req) -> Response[bytes]:
    """File a message under one more record."""
    caller = await caller_of(request)
    body = Values(await json_object(request), {"module": str, "id": str}, ("module", "id"))
    identity = record_id(request.path_params["id"])

    async def work(unit: Unit) -> Answer:
        found, _ = await readable(unit, identity)
        module, record = unit.module(body["module"]), record_id(body["id"])
        await read.get(unit, module.name, record, fields=("title",))
        await mailing.file(unit, await unit.transaction(), found, [About(module.id, record, "by hand")])
        now, about = await readable(unit, identity)
        return Answer(200, orjson.dumps(shown(unit, now, about)))

    return await change(request, caller, work)


@delete("/mail/{id:str}/records/{other:str}", status_code=200)
async def unfile_mail(request: Req) -> Response[bytes]:
    """Take a message away from a record."""
    caller = await caller_of(request)
    identity, record = record_id(request.path_params["id"]), record_id(request.path_params["other"])

    async def work(unit: Unit) -> Answer:
        found, _ = await readable(unit, identity)
        _require_part(unit, found)
        if not await messages.unlink(await unit.transaction(), unit.schema, identity, record):
            raise NotFound(Problem("not_found", "", "The message is not filed there."))
        return Answer(204)

    return await change(request, caller, work)


@get("/mail/{id:str}/attachments/{other:str}")
async def download_attachment(request: Req) -> Response[bytes]:
    """An attachment of a message."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    identity, file_id = record_id(request.path_params["id"]), record_id(request.path_params["other"])
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        found, _ = await readable(unit, identity)
        known = next((one for one in found.attachments if one["id"] == str(file_id)), None)
        content = await files.get_content(await unit.writer(), unit.schema, file_id) if known is not None else None
        if known is None or content is None:
            raise NotFound(Problem("not_found", "", "There is no such attachment."))
    return Response(content, media_type="application/octet-stream", headers=download_headers(known["name"]))


# -- what waits and what failed -------------------------------------------------------------------------------------------


def effect_shown(one: Effect) -> dict[str, Any]:
    """An effect as the API shows it, without what it says."""
    payload = one.payload
    return {
        "id": str(one.id), "kind": one.kind, "key": one.key, "state": one.state, "at": instant(one.run_at),
        "attempts": one.attempts, "error": one.error, "destination": one.destination, "result": one.result,
        "uncertain": bool(one.error and one.error.startswith(outbox.UNCERTAIN)),
        "subject": payload.get("subject"), "to": payload.get("to"), "url": payload.get("url"),
        "webhook": payload.get("webhook"),
    }  # fmt: skip


@get("/outbox")
async def list_outbox(request: Req) -> Response[bytes]:
    """What is to happen outside, or has: by default what failed and waits for somebody to try again."""
    caller = await caller_of(request)
    parameters = Parameters(request.scope["query_string"], ("state", "limit", "cursor"))
    state: Any = parameters.choice("state", "failed", STATES)
    limit, cursor = parameters.number("limit", 50, 1, 200), parameters.text("cursor")
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        unit.policy.require_design()
        found = await outbox.listed(
            await unit.writer(), unit.schema, state, before=record_id(cursor) if cursor else None, limit=limit + 1
        )
    data = [effect_shown(one) for one in found[:limit]]
    return as_json({"data": data, "next": data[-1]["id"] if len(found) > limit else None})


@post("/outbox/{id:str}/retry", status_code=200)
async def retry_effect(request: Req) -> Response[bytes]:
    """Try again what failed; a mail keeps its Message-ID."""
    caller, identity = await _outbox_call(request)

    async def work(unit: Unit) -> Answer:
        return Answer(200, orjson.dumps(effect_shown(await managing.try_again(unit, identity))))

    return await change(request, caller, work)


@delete("/outbox/{id:str}", status_code=200)
async def drop_effect(request: Req) -> Response[bytes]:
    """Give up what waits or failed."""
    caller, identity = await _outbox_call(request)

    async def work(unit: Unit) -> Answer:
        await managing.give_up(unit, identity)
        return Answer(204)

    return await change(request, caller, work)


async def _outbox_call(request: Req) -> tuple[Caller, UUID]:
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    return caller, record_id(request.path_params["id"])


# -- who gets no more -----------------------------------------------------------------------------------------------------


def suppressed_shown(one: Suppressed) -> dict[str, Any]:
    """An address that gets no more mail, as the API shows it."""
    return {
        "address": one.address, "scope": one.scope, "reason": one.reason, "details": one.details, "at": instant(one.at)
    }  # fmt: skip


@get("/mail-suppressions")
async def list_suppressed(request: Req) -> Response[bytes]:
    """Addresses that get no more mail."""
    caller = await caller_of(request)
    parameters = Parameters(request.scope["query_string"], ("limit", "cursor"))
    limit = parameters.number("limit", 100, 1, 1000)
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        unit.policy.require_design()
        found = await suppression.listed(await unit.writer(), unit.schema, parameters.text("cursor"), limit + 1)
    data = [suppressed_shown(one) for one in found[:limit]]
    return as_json({"data": data, "next": data[-1]["address"] if len(found) > limit else None})


@post("/mail-suppressions", status_code=201)
async def suppress(request: Req) -> Response[bytes]:
    """Send nothing more to an address: `scope` all, or marketing."""
    caller = await caller_of(request)
    body = Values(await json_object(request), {"address": str, "scope": str, "details": str}, ("address",))
    address, scope = normal(body["address"]), body.get("scope") or "all"
    if address is None:
        raise Invalid(Problem("address", "/address", "This is no mail address."))
    if scope not in ("all", "marketing"):
        raise Invalid(Problem("scope", "/scope", "Use all or marketing."))
    details = str(body.get("details") or "")[:300]

    async def work(unit: Unit) -> Answer:
        unit.policy.require_design()
        entry = Suppressed(address, scope, "by hand", details, unit.now)
        await suppression.put(await unit.transaction(), unit.schema, entry)
        return Answer(201, orjson.dumps(suppressed_shown(entry)))

    return await change(request, caller, work)


@delete("/mail-suppressions/{address:str}", status_code=200)
async def allow_again(request: Req) -> Response[bytes]:
    """Let an address get mail again."""
    caller = await caller_of(request)
    address = normal(request.path_params["address"]) or ""

    async def work(unit: Unit) -> Answer:
        unit.policy.require_design()
        if not await suppression.remove(await unit.transaction(), unit.schema, address):
            raise NotFound(Problem("not_found", "", "This address is not on the list."))
        return Answer(204)

    return await change(request, caller, work)


HANDLERS = [
    send_mail, list_mail, show_mail, share_mail, file_mail, unfile_mail, download_attachment, list_outbox, retry_effect,
    drop_effect, list_suppressed, suppress, allow_again,
]  # fmt: skip

"""Answers: JSON bytes as they came from the database, lists, and changes that may be repeated under an idempotency key."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from litestar import Response

from xrm_core.access.callers import Caller
from xrm_core.api.services import Req, services_of
from xrm_core.kernel.errors import Conflict, Invalid, Malformed
from xrm_core.kernel.page import Count
from xrm_core.kernel.problem import Problem
from xrm_core.records.unit import Unit
from xrm_core.storage import idempotency

JSON = "application/json"
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_LONGEST_WARNINGS = 4000


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, a JSON body and headers."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> Response[bytes]:
        return Response(self.body, status_code=self.status, media_type=JSON, headers=self.headers)


Work = Callable[[Unit], Awaitable[Answer]]


def raw_json(body: bytes, headers: dict[str, str] | None = None) -> Response[bytes]:
    """200 with JSON that is ready."""
    return Response(body, media_type=JSON, headers=headers)


def as_json(value: Any, status: int = 200) -> Response[bytes]:
    """JSON of plain values."""
    return Response(orjson.dumps(value), status_code=status, media_type=JSON)


def page_json(rows: Sequence[bytes], following: str | None, count: Count | None = None) -> bytes:
    """The body of a list: rows pass through as bytes."""
    tail = b',"next":' + (orjson.dumps(following) if following else b"null")
    if count is not None:
        tail += b',"count":{"value":%d,"exact":%s}' % (count.value, b"true" if count.exact else b"false")
    return b'{"data":[' + b",".join(rows) + b"]" + tail + b"}"


def warning_headers(warnings: Sequence[Problem]) -> dict[str, str]:
    """Problems that did not stop a change, as a header: the record in the body stays a record."""
    if not warnings:
        return {}
    shown = [problem.as_dict() for problem in warnings]
    while len(text := json.dumps(shown)) > _LONGEST_WARNINGS:
        shown.pop()
    return {"Xrm-Warnings": text}


async def change(request: Req, caller: Caller, work: Work) -> Response[bytes]:
    """`work` in one transaction of the caller's workspace; under an Idempotency-Key its answer is kept in the same one."""
    key = idempotency_key(request)
    units = services_of(request).units

    async def named(unit: Unit) -> Answer:
        answer = await work(unit)
        if unit.changed is None:
            return answer
        return replace(answer, headers={**answer.headers, "X-Change-Id": str(unit.changed)})

    if key is None:
        done = await units.run(caller.workspace, caller.actor, named)
        services_of(request).hub.nudge(caller.workspace.id)
        return done.response()
    print_ = await _fingerprint(request)
    actor = str(caller.actor.user_id)

    async def once(unit: Unit) -> Answer:
        connection = await unit.transaction()
        kept = await idempotency.claim(connection, unit.schema, actor, key, print_, unit.now)
        if kept is not None:
            return _again(kept, print_)
        answer = await named(unit)
        await idempotency.keep(connection, unit.schema, actor, key, answer.status, answer.headers, answer.body)
        return answer

    return (await units.run(caller.workspace, caller.actor, once)).response()


async def change_outside(request: Req, caller: Caller, work: Callable[[], Awaitable[Answer]]) -> Response[bytes]:
    """The same for work that makes transactions of its own: the key is taken before, the answer kept after."""
    key = idempotency_key(request)
    if key is None:
        return (await work()).response()
    services = services_of(request)
    schema, actor, print_ = caller.workspace.schema, str(caller.actor.user_id), await _fingerprint(request)
    async with services.database.writing() as connection:
        kept = await idempotency.claim(connection, schema, actor, key, print_, services.clock.now())
    if kept is not None:
        return _again(kept, print_).response()
    try:
        answer = await work()
    except BaseException:
        async with services.database.writing() as connection:
            await idempotency.release(connection, schema, actor, key)
        raise
    async with services.database.writing() as connection:
        await idempotency.keep(connection, schema, actor, key, answer.status, answer.headers, answer.body)
    return answer.response()


def idempotency_key(request: Req) -> str | None:
    """The key of a POST, if it has one."""
    if request.method != "POST":
        return None
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise Malformed(
            Problem(
                "idempotency_key",
                "/headers/Idempotency-Key",
                "A key is 1 to 200 printable ASCII characters.",
                "A UUID serves well.",
            )
        )
    return key


async def _fingerprint(request: Req) -> bytes:
    scope = request.scope
    digest = hashlib.sha256()
    for part in (scope["method"].encode(), scope["path"].encode(), scope["query_string"], await request.body()):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


def _again(kept: idempotency.Kept, print_: bytes) -> Answer:
    place = "/headers/Idempotency-Key"
    if kept.request != print_:
        raise Invalid(
            Problem(
                "idempotency_key",
                place,
                "This key was used for a different request.",
                "Use a new key for each request.",
            )
        )
    if kept.status is None:
        raise Conflict(
            Problem(
                "in_progress",
                place,
                "The first request with this key is still being worked on.",
                "Try again in a moment.",
            )
        )
    return Answer(kept.status, kept.body, {**kept.headers, "Idempotency-Replayed": "true"})

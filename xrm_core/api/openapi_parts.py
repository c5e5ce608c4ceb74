"""Pieces that the OpenAPI document is put together from."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

IDEMPOTENCY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key with the same request is answered again, not done again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
}
IF_MATCH: dict[str, Any] = {
    "name": "If-Match",
    "in": "header",
    "description": "The version that the change is based on, as the ETag said.",
    "schema": {"type": "string", "pattern": '^"[1-9][0-9]{0,8}"$'},
}
_ETAG = {"description": "The version, for If-Match.", "schema": {"type": "string"}}


def ref(name: str) -> dict[str, Any]:
    """A reference to a shared schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def path_id(name: str) -> dict[str, Any]:
    """A path parameter that is an id."""
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}


def path_name(name: str) -> dict[str, Any]:
    """A path parameter that is a name."""
    return {
        "name": name,
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,47}$"},
    }


def query(name: str, description: str, kind: str = "string", enum: list[str] | None = None) -> dict[str, Any]:
    """A query parameter."""
    schema: dict[str, Any] = {"type": kind}
    if enum:
        schema["enum"] = enum
    if name == "limit":
        schema |= {"minimum": 1}
    return {"name": name, "in": "query", "description": description, "schema": schema}


def body(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON body."""
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def json_answer(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON answer."""
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def record_answer(description: str, schema: dict[str, Any], *, location: bool = False) -> dict[str, Any]:
    """A record with its version in the ETag."""
    headers: dict[str, Any] = {"ETag": _ETAG}
    if location:
        headers["Location"] = {"description": "Where the new record is.", "schema": {"type": "string"}}
    return {**json_answer(description, schema), "headers": headers}


def problems(*statuses: int) -> dict[str, Any]:
    """Refusals by status; every call may also meet a 429 or 503."""
    return {
        str(status): {
            "description": HTTPStatus(status).phrase,
            "content": {"application/problem+json": {"schema": ref("problem")}},
        }
        for status in statuses
    }


def operation(identifier: str, summary: str, tags: list[str], responses: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One call."""
    return {"operationId": identifier, "summary": summary, "tags": tags, "responses": responses, **more}

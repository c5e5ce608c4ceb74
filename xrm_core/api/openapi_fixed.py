"""The part of the OpenAPI document that is the same in every workspace."""

from __future__ import annotations

from typing import Any

from xrm_core.api.openapi_imports import import_paths
from xrm_core.api.openapi_parts import (
    IDEMPOTENCY,
    body,
    json_answer,
    operation,
    path_id,
    path_name,
    problems,
    query,
    ref,
)

_PARTS = {
    "fields": "field", "links": "link", "pipelines": "pipeline", "rules": "rule", "views": "view",
    "guest_pages": "guest_page",
}
_TEXT: dict[str, Any] = {"type": "string"}
_OBJECT: dict[str, Any] = {"type": "object"}
_PLAN = query("plan", "Only say what would change", "boolean")
_USUAL = (400, 401, 403, 404)
_STRICT = (400, 401, 403, 404, 409, 413, 415, 422)


def fixed_schemas() -> dict[str, Any]:
    """Shared schemas."""
    named = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,47}$"}
    return {
        "problem": {
            "type": "object",
            "properties": {
                "type": _TEXT,
                "title": _TEXT,
                "status": {"type": "integer"},
                "detail": _TEXT,
                "request_id": _TEXT,
                "problems": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {"code": _TEXT, "path": _TEXT, "message": _TEXT, "hint": _TEXT},
                        "required": ["code", "path", "message"],
                    },
                },
            },
            "required": ["type", "title", "status", "problems"],
        },
        "count": {
            "type": "object",
            "properties": {"value": {"type": "integer"}, "exact": {"type": "boolean"}},
            "required": ["value", "exact"],
        },
        "page": {
            "type": "object",
            "properties": {"data": {"type": "array", "items": _OBJECT}, "next": {"type": ["string", "null"]}},
            "required": ["data"],
        },
        "query": {
            "type": "object",
            "properties": {
                "filter": {"type": ["string", "object", "null"]},
                "sort": {"type": ["array", "string"], "items": _TEXT},
                "fields": {"type": ["array", "string"], "items": _TEXT},
                "expand": {"type": ["array", "string"], "items": _TEXT},
                "limit": {"type": "integer", "minimum": 1, "maximum": 1000},
                "cursor": {"type": ["string", "null"]},
                "count": {"enum": ["none", "estimate", "capped", "exact"]},
                "archived": {"enum": ["no", "only", "all"]},
                "as_of": {"type": ["string", "null"], "format": "date-time"},
            },
            "additionalProperties": False,
        },
        "aggregate": {
            "type": "object",
            "properties": {
                "measures": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "properties": {"function": {"enum": ["count", "sum", "min", "max", "avg"]}, "field": _TEXT},
                        "required": ["function"],
                    },
                },
                "group_by": {"type": "array", "items": {"type": ["string", "object"]}},
                "filter": {"type": ["string", "object", "null"]},
            },
            "required": ["measures"],
        },
        "module": {
            "type": "object",
            "properties": {
                "name": named,
                "label": {"type": ["string", "object"]},
                "label_plural": {"type": ["string", "object"]},
            },
            "required": ["name", "label", "label_plural"],
        },
        "field": {
            "type": "object",
            "properties": {"name": named, "type": _TEXT, "label": {"type": ["string", "object"]}},
        },
        "link": {"type": "object", "properties": {"name": named, "to": {"type": "array", "items": named}}},
        "pipeline": {"type": "object", "properties": {"name": named, "stages": {"type": "array", "items": _OBJECT}}},
        "rule": {"type": "object", "properties": {"name": named, "kind": _TEXT}},
        "view": {"type": "object", "properties": {"name": named, "layout": _TEXT}},
        "guest_page": {
            "type": "object",
            "properties": {
                "name": named,
                "label": {"type": ["string", "object"]},
                "show": {"type": "array", "items": _TEXT},
                "choices": {"type": "array", "items": _OBJECT},
            },
        },
        "role": {"type": "object", "properties": {"name": named, "modules": _OBJECT}},
        "definitions": {
            "type": "object",
            "properties": {
                "modules": {"type": "array", "items": _OBJECT},
                "roles": {"type": "array", "items": _OBJECT},
                "remove": {"type": "array", "items": _TEXT},
                "complete": {"type": "boolean"},
                "base_version": {"type": "integer", "minimum": 0},
            },
            "additionalProperties": False,
        },
        "user": {
            "type": "object",
            "properties": {"id": _TEXT, "name": _TEXT, "email": _TEXT, "roles": {"type": "array", "items": _TEXT}},
        },
    }


def fixed_paths() -> dict[str, Any]:
    """Calls that do not belong to one module."""
    return {**_definitions(), **_people(), **_rest(), **import_paths()}


def _call(
    name: str, tag: str, summary: str, answer: dict[str, Any], statuses: tuple[int, ...] = _USUAL, **more: Any
) -> dict[str, Any]:
    return operation(name, summary, [tag], {**answer, **problems(*statuses)}, **more)


def _some(schema: dict[str, Any] = _OBJECT, status: int = 200, description: str = "Done") -> dict[str, Any]:
    return {str(status): json_answer(description, schema)}


_GONE = {"204": {"description": "Done"}}


def _definitions() -> dict[str, Any]:
    tag = "definitions"
    module = path_name("module")
    paths: dict[str, Any] = {
        "/modules": {
            "get": _call("list_modules", tag, "All modules", _some(ref("page"))),
            "post": _call(
                "create_module",
                tag,
                "Make a module",
                _some(status=201),
                _STRICT,
                parameters=[_PLAN, IDEMPOTENCY],
                requestBody=body(ref("module")),
            ),
        },
        "/modules/{module}": {
            "parameters": [module],
            "get": _call("get_module", tag, "A module's definition", _some(ref("module"))),
            "patch": _call(
                "update_module", tag, "Change a module", _some(), _STRICT, parameters=[_PLAN], requestBody=body(_OBJECT)
            ),
            "delete": _call(
                "retire_module", tag, "Retire a module; its records are kept", _some(), _STRICT, parameters=[_PLAN]
            ),
        },
        "/modules/{module}/schema": {
            "parameters": [module],
            "get": _call(
                "get_record_schema",
                tag,
                "The JSON Schema of its records",
                _some(),
                parameters=[query("form", "Which form", enum=["read", "write", "stored"])],
            ),
        },
        "/definitions/plan": {
            "post": _call(
                "plan_definitions",
                tag,
                "What a set would change",
                _some(),
                _STRICT,
                requestBody=body(ref("definitions")),
            )
        },
        "/definitions/publish": {
            "post": _call(
                "publish_definitions",
                tag,
                "Publish a set",
                _some(),
                _STRICT,
                parameters=[IDEMPOTENCY],
                requestBody=body(ref("definitions")),
            )
        },
        "/definitions/history": {
            "get": _call(
                "list_versions",
                tag,
                "Published versions",
                _some(ref("page")),
                parameters=[query("limit", "1 to 200", "integer")],
            )
        },
        "/definitions/rollback": {
            "post": _call(
                "rollback_definitions",
                tag,
                "Back to an earlier version",
                _some(),
                _STRICT,
                parameters=[_PLAN, IDEMPOTENCY],
                requestBody=body(
                    {"type": "object", "properties": {"version": {"type": "integer"}}, "required": ["version"]}
                ),
            )  # fmt: skip
        },
    }
    for part, one in _PARTS.items():
        paths[f"/modules/{{module}}/{part}"] = {
            "parameters": [module],
            "post": _call(
                f"add_{one}",
                tag,
                f"Add a {one}",
                _some(status=201),
                _STRICT,
                parameters=[_PLAN, IDEMPOTENCY],
                requestBody=body(ref(one)),
            ),
        }
        paths[f"/modules/{{module}}/{part}/{{name}}"] = {
            "parameters": [module, path_name("name")],
            "patch": _call(
                f"update_{one}", tag, f"Change a {one}", _some(), _STRICT, parameters=[_PLAN], requestBody=body(_OBJECT)
            ),
            "delete": _call(
                f"retire_{one}", tag, f"Retire a {one}; its data is kept", _some(), _STRICT, parameters=[_PLAN]
            ),
        }
    return paths


def _people() -> dict[str, Any]:
    tag, identity = "people", path_id("id")

    def form(required: list[str], **properties: Any) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
        return body({**schema, "required": required} if required else schema)

    names = {"type": "array", "items": _TEXT}
    return {
        "/session": {
            "post": _call(
                "sign_in", tag, "Sign in", _some(), (*_STRICT, 429),
                security=[], requestBody=form(["email", "password"], email=_TEXT, password=_TEXT, workspace=_TEXT),
            ),
            "delete": _call("sign_out", tag, "Sign out", _GONE),
        },
        "/me": {"get": _call("me", tag, "Who is signed in", _some(ref("user")))},
        "/me/password": {
            "post": _call(
                "change_password", tag, "Choose a new password", _GONE, (*_STRICT, 429),
                requestBody=form(["old_password", "password"], old_password=_TEXT, password=_TEXT),
            )
        },
        "/users": {
            "get": _call("list_users", tag, "Users", _some(ref("page"))),
            "post": _call(
                "create_user", tag, "Let a person in", _some(ref("user"), 201), _STRICT, parameters=[IDEMPOTENCY],
                requestBody=form(["email"], email={**_TEXT, "format": "email"}, name=_TEXT, roles=names, password=_TEXT),
            ),
        },
        "/users/{id}": {
            "parameters": [identity],
            "get": _call("get_user", tag, "One user", _some(ref("user"))),
            "patch": _call(
                "update_user", tag, "Change a user", _some(ref("user")), _STRICT,
                requestBody=form([], name=_TEXT, roles=names, teams=names, disabled={"type": "boolean"}, password=_TEXT),
            ),
        },
        "/roles": {
            "get": _call("list_roles", tag, "Roles", _some(ref("page"))),
            "post": _call(
                "create_role",
                tag,
                "Make a role",
                _some(status=201),
                _STRICT,
                parameters=[_PLAN, IDEMPOTENCY],
                requestBody=body(ref("role")),
            ),
        },
        "/roles/{name}": {
            "parameters": [path_name("name")],
            "patch": _call(
                "update_role", tag, "Change a role", _some(), _STRICT, parameters=[_PLAN], requestBody=body(_OBJECT)
            ),
            "delete": _call("retire_role", tag, "Retire a role", _some(), _STRICT, parameters=[_PLAN]),
        },
        "/teams": {
            "get": _call("list_teams", tag, "Teams", _some(ref("page"))),
            "post": _call(
                "create_team", tag, "Make a team", _some(status=201), _STRICT, parameters=[IDEMPOTENCY],
                requestBody=form(["name"], name=_TEXT, lead=_TEXT),
            ),
        },
        "/teams/{id}": {
            "parameters": [identity],
            "patch": _call("update_team", tag, "Change a team", _some(), _STRICT, requestBody=form([], name=_TEXT, lead=_TEXT)),
            "delete": _call("delete_team", tag, "Dissolve a team", _GONE),
        },
        "/tokens": {
            "get": _call("list_tokens", tag, "Tokens", _some(ref("page"))),
            "post": _call(
                "create_token", tag, "Make a token; its secret is told once", _some(status=201), _STRICT,
                requestBody=form(["name"], name=_TEXT, user=_TEXT, expires_at={**_TEXT, "format": "date-time"}),
            ),
        },
        "/tokens/{id}": {"parameters": [identity], "delete": _call("revoke_token", tag, "Revoke a token", _GONE)},
    }  # fmt: skip


def _rest() -> dict[str, Any]:
    upload = {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": {"type": "string", "format": "binary"}},
                    "required": ["file"],
                }
            }
        },
    }
    blob = {"200": {"description": "The file", "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}}
    name = path_name("name")
    return {
        "/search": {
            "get": _call(
                "search", "records", "Find records of all modules", _some(ref("page")),
                parameters=[query("q", "Words"), query("limit", "1 to 100", "integer"), query("modules", "Only these modules")],
            )
        },
        "/files": {
            "post": _call("upload_file", "files", "Upload a file", _some(status=201), _STRICT, parameters=[IDEMPOTENCY], requestBody=upload)
        },
        "/files/{id}": {"parameters": [path_id("id")], "get": _call("download_file", "files", "Download a file", blob)},
        "/packs": {
            "get": _call("list_packs", "packs", "Packs that can be installed", _some(ref("page"))),
            "post": _call("upload_pack", "packs", "A pack from a zip file", _some(status=201), _STRICT, parameters=[IDEMPOTENCY], requestBody=upload),
        },
        "/packs/{name}/plan": {
            "parameters": [name], "post": _call("plan_pack", "packs", "What installing would change", _some(), _STRICT)
        },
        "/packs/{name}/install": {
            "parameters": [name],
            "post": _call("install_pack", "packs", "Install a pack", _some(), _STRICT, parameters=[IDEMPOTENCY]),
        },
        "/packs/{name}/upgrade": {
            "parameters": [name],
            "post": _call("upgrade_pack", "packs", "Another version of a pack", _some(), _STRICT, parameters=[IDEMPOTENCY]),
        },
        "/packs/{name}/uninstall": {
            "parameters": [name],
            "post": _call("uninstall_pack", "packs", "Take a pack away", _some(), _STRICT, parameters=[IDEMPOTENCY]),
        },
        "/packs/{name}/rollback": {
            "parameters": [name],
            "post": _call("rollback_pack", "packs", "Take back the last step", _some(), _STRICT, parameters=[IDEMPOTENCY]),
        },
        "/packs/{name}/history": {
            "parameters": [name], "get": _call("pack_history", "packs", "What was done with a pack", _some(ref("page")))
        },
    }  # fmt: skip

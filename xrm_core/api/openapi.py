"""The OpenAPI 3.1 document of a workspace: every live module that the caller sees has typed paths of its own."""

from __future__ import annotations

from typing import Any

import orjson
from litestar import Response, get

from xrm_core import __version__
from xrm_core.api.answers import raw_json
from xrm_core.api.openapi_automatic import Paths, complete
from xrm_core.api.openapi_fixed import fixed_paths, fixed_schemas
from xrm_core.api.openapi_parts import (
    IDEMPOTENCY,
    IF_MATCH,
    body,
    json_answer,
    operation,
    path_id,
    problems,
    query,
    record_answer,
    ref,
)
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.definitions import DefinitionSet, Module
from xrm_core.definitions.record_schema import record_schema
from xrm_core.records.unit import Unit

AUTOMATIC: Paths = {}
"""What the route table knows of every route, for those that are not described here."""

_DESCRIPTION = (
    "Records of all modules, their definitions, and everything around them. Every error is a problem document (RFC 9457) "
    "that lists all problems with code, place, message and hint, in the language of Accept-Language if there is one. "
    "Any POST may carry an Idempotency-Key."
)


@get("/openapi.json")
async def openapi(request: Req) -> Response[bytes]:
    """This document."""
    caller = await caller_of(request)
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        return raw_json(document_bytes(unit))


def document_bytes(unit: Unit) -> bytes:
    """The document for one set of rights, made once per version of the definitions."""
    key = ("openapi", unit.policy.key)
    found = unit.catalog.memo.get(key)
    if found is None:
        definitions = unit.catalog.definitions
        seen = [
            _known(unit, module)
            for module in definitions.modules
            if not module.archived and (unit.policy.allows(module.id, "see") or unit.policy.allows(module.id, "create"))
        ]
        found = unit.catalog.memo[key] = orjson.dumps(document(definitions, seen, unit.catalog.version))
    assert isinstance(found, bytes)
    return found


def _known(unit: Unit, module: Module) -> Module:
    """The module without what its reader may not even know of."""
    hidden = unit.policy.module(module.id).hidden
    if not hidden:
        return module
    fields = tuple(field for field in module.fields if field.id not in hidden)
    links = tuple(link for link in module.links if link.id not in hidden)
    return module.model_copy(update={"fields": fields, "links": links})


def document(definitions: DefinitionSet, modules: list[Module], version: int) -> dict[str, Any]:
    """The document as plain data."""
    paths: dict[str, Any] = fixed_paths()
    schemas: dict[str, Any] = fixed_schemas()
    for module in modules:
        schemas |= _schemas(module, definitions)
        paths |= _paths(module)
    without_stages = {f"/records/{module.name}/{{id}}/move" for module in modules if module.pipeline is None}
    complete(paths, AUTOMATIC, [module.name for module in modules], without_stages)
    return {
        "openapi": "3.1.0",
        "info": {"title": "XRM", "version": f"{__version__}+{version}", "description": _DESCRIPTION},
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{"url": "/api/v1"}],
        "security": [{"token": []}, {"session": [], "csrf": []}],
        "tags": [
            {"name": name, "description": text}
            for name, text in (
                ("records", "Records of all kinds"),
                ("definitions", "Modules, fields, links and pipelines"),
                ("packs", "Module packs"),
                ("people", "Users, roles, teams, tokens and sessions"),
                ("files", "Uploaded files"),
            )
        ]
        + [{"name": module.name, "description": module.plural()} for module in modules],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "xrm_session"},
                "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
            },
        },
    }


def _schemas(module: Module, definitions: DefinitionSet) -> dict[str, Any]:
    read, written = record_schema(module, definitions, "read"), record_schema(module, definitions, "write")
    for schema in (read, written):
        schema.pop("$schema", None)
    # `fields=` may leave anything out, so an answer promises only what identifies the record.
    read["required"] = [name for name in read.get("required", []) if name in ("id", "module", "version", "title")]
    changes = {key: value for key, value in written.items() if key != "required"}
    return {f"{module.name}.record": read, f"{module.name}.new": written, f"{module.name}.changes": changes}


def _paths(module: Module) -> dict[str, Any]:
    name, one, many = module.name, module.text(), module.plural()
    base = f"/records/{name}"
    record, new, changes = (ref(f"{name}.{form}") for form in ("record", "new", "changes"))
    page = json_answer(
        "A page of records",
        {
            "type": "object",
            "properties": {
                "data": {"type": "array", "items": record},
                "next": {"type": ["string", "null"]},
                "count": ref("count"),
            },
            "required": ["data", "next"],
        },
    )
    identity, link = path_id("id"), {"name": "link", "in": "path", "required": True, "schema": {"type": "string"}}
    links = [link_.name for link_ in module.links if not link_.archived and link_.many]
    filters = [
        query("filter", "An expression such as stage == 'open', or the JSON form"),
        query("limit", "1 to 1,000", "integer"),
    ]

    def call(verb: str, summary: str, responses: dict[str, Any], **more: Any) -> dict[str, Any]:
        return operation(f"{verb}_{name}", summary, [name], responses, **more)

    def given(identifier: str) -> Any:
        return body(ref(identifier))

    def answered(*parts: dict[str, Any]) -> dict[str, Any]:
        return {key: value for part in parts for key, value in part.items()}

    usual = problems(400, 401, 403, 404, 422)
    stale = problems(400, 401, 403, 404, 409, 412, 413, 415, 422)
    paths: dict[str, Any] = {
        base: {
            "get": call(
                "list",
                f"List {many}",
                answered({"200": page}, usual),
                parameters=[
                    *filters,
                    query("sort", "Names with commas between them, - in front for descending"),
                    query("cursor", "What `next` said"),
                    query("fields", "Only these, with commas between them"),
                    query("expand", "Links whose records are wanted in full"),
                    query("count", "How exactly to count", enum=["none", "estimate", "capped", "exact"]),
                    query("archived", "Whether archived records are wanted", enum=["no", "only", "all"]),
                    query("as_of", "A moment in the past"),
                ],
            ),
            "post": call(
                "create",
                f"Create a record of {many}",
                answered({"201": record_answer(f"The new {one}", record, location=True)}, stale),
                parameters=[IDEMPOTENCY],
                requestBody=body(new),
            ),
        },
        f"{base}/query": {
            "post": call(
                "query",
                f"List {many}, the query in the body",
                answered({"200": page}, usual),
                requestBody=given("query"),
            )
        },
        f"{base}/aggregate": {
            "post": call(
                "aggregate",
                f"Numbers over {many}",
                answered({"200": json_answer("Groups", {"type": "object"})}, usual),
                requestBody=given("aggregate"),
            )
        },
        f"{base}/batch": {
            "post": call(
                "batch",
                f"Change many {many}",
                answered({"200": json_answer("An outcome per row", {"type": "object"})}, stale),
                parameters=[IDEMPOTENCY],
                requestBody=body(_batch(new, changes)),
            )
        },
        f"{base}/{{id}}": {
            "parameters": [identity],
            "get": call(
                "get",
                f"Read a record of {many}",
                answered({"200": record_answer(one, record)}, usual),
                parameters=[
                    query("fields", "Only these"),
                    query("expand", "Links in full"),
                    query("as_of", "A moment in the past"),
                ],
            ),
            "patch": call(
                "update",
                f"Change a record of {many}",
                answered({"200": record_answer(f"The {one} as it is now", record)}, stale),
                parameters=[IF_MATCH],
                requestBody=body(changes),
            ),
            "delete": call(
                "archive",
                f"Archive or erase a record of {many}",
                answered(
                    {"200": record_answer(f"The archived {one}", record), "204": {"description": "Erased for ever"}},
                    stale,
                ),
                parameters=[IF_MATCH, query("permanent", "Erase it for ever", "boolean")],
            ),
        },
        f"{base}/{{id}}/restore": {
            "parameters": [identity],
            "post": call(
                "restore",
                f"Bring an archived record of {many} back",
                answered({"200": record_answer(f"The {one}", record)}, stale),
                parameters=[IDEMPOTENCY],
            ),
        },
        f"{base}/{{id}}/timeline": {"parameters": [identity], "get": _events(call("timeline", "What happened", usual))},
        f"{base}/{{id}}/history": {"parameters": [identity], "get": _events(call("history", "Every change", usual))},
        f"{base}/{{id}}/related/{{link}}": {
            "parameters": [identity, link],
            "get": call(
                "related",
                "Linked records, from either side of the link",
                answered({"200": json_answer("A page of records", ref("page"))}, usual),
                parameters=[
                    *filters,
                    query("sort", "Names with commas between them"),
                    query("cursor", "What `next` said"),
                ],
            ),
        },
    }
    if links:
        paths[f"{base}/{{id}}/related/{{link}}/{{other}}"] = {
            "parameters": [identity, link, path_id("other")],
            "put": call(
                "link",
                "Link two records",
                answered({"204": {"description": "Linked"}}, stale),
                requestBody={**body({"type": "object"}), "required": False},
            ),
            "delete": call("unlink", "Take two records apart", answered({"204": {"description": "Not linked"}}, stale)),
        }
    if module.pipeline is not None:
        stages = [stage.name for stage in module.pipeline.stages if not stage.archived]
        paths[f"{base}/board"] = {
            "get": call(
                "board",
                f"{many} by stage",
                answered({"200": json_answer("Stages with their first cards", {"type": "object"})}, usual),
                parameters=[
                    filters[0],
                    query("limit", "Cards per stage, 1 to 200", "integer"),
                    query("sum", "A field to add up"),
                ],
            )
        }
        paths[f"{base}/{{id}}/move"] = {
            "parameters": [identity],
            "post": call(
                "move",
                "Move to another stage",
                answered({"200": record_answer(f"The {one} as it is now", record)}, stale),
                parameters=[IDEMPOTENCY, IF_MATCH],
                requestBody=body(
                    {
                        "type": "object",
                        "properties": {
                            "stage": {"type": "string", "enum": stages},
                            "reason": {"type": ["string", "null"]},
                        },
                        "required": ["stage"],
                        "additionalProperties": False,
                    }
                ),
            ),
        }
    return paths


def _events(call: dict[str, Any]) -> dict[str, Any]:
    call["parameters"] = [query("limit", "1 to 200", "integer"), query("cursor", "What `next` said")]
    call["responses"] = {"200": json_answer("Events, newest first", {"type": "object"}), **call["responses"]}
    return call


def _batch(new: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "create": {"type": "array", "items": new},
            "update": {"type": "array", "items": {"type": "object", "required": ["id"]}},
            "upsert": {
                "type": "object",
                "properties": {
                    "by": {"type": "array", "items": {"type": "string"}, "minItems": 1},
                    "records": {"type": "array", "items": changes},
                },
                "required": ["by", "records"],
            },
            "archive": {"type": "array", "items": {"type": "string", "format": "uuid"}},
            "atomic": {"type": "boolean"},
        },
        "additionalProperties": False,
    }


HANDLERS = [openapi]

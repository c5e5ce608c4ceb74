"""The part of the OpenAPI document about imports."""

from __future__ import annotations

from typing import Any

from xrm_core.api.openapi_parts import IDEMPOTENCY, body, json_answer, operation, path_id, problems, query

_TEXT: dict[str, Any] = {"type": "string"}
_TEXTS: dict[str, Any] = {"type": "object", "additionalProperties": _TEXT}
_COUNTS: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "integer"}}
_PROBLEMS: dict[str, Any] = {"type": "array", "items": {"type": "object"}}
_READ = (400, 401, 403, 404)
_WRITE = (400, 401, 403, 404, 409, 413, 415, 422)

MAPPING: dict[str, Any] = {
    "type": "object",
    "properties": {
        "columns": {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
        "constants": _TEXTS,
        "values": {"type": "object", "additionalProperties": _TEXTS},
        "match": {"type": "array", "maxItems": 4, "items": _TEXT},
        "source": {"type": "string", "minLength": 1, "maxLength": 100},
        "region": {"type": ["string", "null"], "pattern": "^[A-Z]{2}$"},
        "currency": {"type": ["string", "null"], "pattern": "^[A-Z]{3}$"},
        "zone": {"type": ["string", "null"]},
        "existing": {"enum": ["update", "skip"]},
        "missing": {"enum": ["create", "skip"]},
        "unresolved": {"enum": ["skip", "without"]},
        "empty": {"enum": ["keep", "clear"]},
        "ragged": {"enum": ["skip", "fill"]},
        "rest": {"enum": ["guess", "ignore"]},
    },
    "additionalProperties": False,
}
IMPORT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "module": _TEXT,
        "file": _TEXT,
        "state": {"enum": ["uploaded", "planning", "planned", "running", "done", "failed", "undoing", "undone"]},
        "counts": _COUNTS,
        "progress": {"type": "object", "properties": {"done": {"type": "integer"}, "total": {"type": "integer"}}},
        "created_at": {"type": "string", "format": "date-time"},
        "finished_at": {"type": ["string", "null"], "format": "date-time"},
        "problems": _PROBLEMS,
        "columns": {"type": "array", "items": {"type": "object"}},
        "rows": {"type": "array", "items": {"type": "object"}},
        "mapping": {"type": "object"},
        "format": {"type": "object"},
    },
    "required": ["id", "module", "file", "state", "counts"],
}


def import_paths() -> dict[str, Any]:
    """Calls about imports."""
    one = json_answer("The import", IMPORT)
    later = json_answer("It takes longer: look again later", IMPORT)
    page = json_answer("A list", {"type": "object", "properties": {"data": {"type": "array", "items": {"type": "object"}}}})
    form = {
        "type": "object",
        "properties": {
            "file": {"type": "string", "format": "binary"},
            "module": _TEXT,
            "encoding": _TEXT,
            "delimiter": _TEXT,
            "header": {"enum": ["true", "false"]},
        },
        "required": ["file", "module"],
    }
    upload = {"required": True, "content": {"multipart/form-data": {"schema": form}}}
    csv = {"description": "The rows that were left out", "content": {"text/csv": {"schema": _TEXT}}}
    identity = path_id("id")

    def call(name: str, summary: str, answers: dict[str, Any], statuses: tuple[int, ...], **more: Any) -> dict[str, Any]:
        return operation(name, summary, ["imports"], {**answers, **problems(*statuses)}, **more)

    def post(name: str, summary: str, *statuses: int) -> dict[str, Any]:
        answers = {str(status): one if status == 200 else later for status in statuses}
        return {"parameters": [identity], "post": call(name, summary, answers, _WRITE, parameters=[IDEMPOTENCY])}

    return {
        "/imports": {
            "get": call("list_imports", "The latest imports", {"200": page}, _READ),
            "post": call(
                "upload_import", "Upload a file to import", {"201": one}, _WRITE, parameters=[IDEMPOTENCY], requestBody=upload
            ),
        },
        "/imports/{id}": {
            "parameters": [identity],
            "get": call("get_import", "How far an import has come, and what it did", {"200": one}, _READ),
        },
        "/imports/{id}/mapping": {
            "parameters": [identity],
            "put": call("map_import", "Say where the columns go", {"200": one}, _WRITE, requestBody=body(MAPPING)),
        },
        "/imports/{id}/plan": post("plan_import", "Try an import; nothing is kept", 200, 202),
        "/imports/{id}/run": post("run_import", "Run an import in the background", 202),
        "/imports/{id}/undo": post("undo_import", "Erase what an import created, and give what it changed its values back", 200, 202),
        "/imports/{id}/rows": {
            "parameters": [identity],
            "get": call(
                "import_rows", "Rows with problems", {"200": page}, _READ,
                parameters=[query("after", "The last row number seen", "integer"), query("limit", "1 to 1000", "integer")],
            ),
        },
        "/imports/{id}/errors.csv": {
            "parameters": [identity],
            "get": call("import_errors", "The rows that were left out, with the reason", {"200": csv}, _READ),
        },
    }  # fmt: skip

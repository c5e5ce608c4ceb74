"""The JSON Schema (draft 2020-12) of a module's records: as they are read, written and stored."""

from __future__ import annotations

from typing import Any, Literal

from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.link import Link
from xrm_core.definitions.module import Module
from xrm_core.definitions.scope import Scopes
from xrm_core.fields.base import Field
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.labels import label_text

DRAFT = "https://json-schema.org/draft/2020-12/schema"
Form = Literal["read", "write", "stored"]

_NUMBER: dict[str, Any] = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}
_AMOUNT: dict[str, Any] = {"amount": _NUMBER, "currency": {"type": "string", "pattern": "^[A-Z]{3}$"}}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


COMPUTED: dict[Kind, dict[str, Any]] = {
    Kind.TEXT: {"type": "string"},
    Kind.INTEGER: {"type": "integer"},
    Kind.DECIMAL: _NUMBER,
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.DATE: {"type": "string", "format": "date"},
    Kind.INSTANT: {"type": "string", "format": "date-time"},
    Kind.DURATION: _object(value={"type": "integer"}, unit={"enum": ["days", "months", "business_days", "hours"]}),
    Kind.MONEY: _object(**_AMOUNT),
    Kind.RATE: _object(**_AMOUNT, per={"enum": ["hour", "day", "week", "month", "year"]}),
    Kind.LIST: {"type": "array"},
    Kind.REFERENCE: {"type": "string", "format": "uuid"},
    Kind.OBJECT: {"type": "object"},
}
"""The schema of a computed value follows from its kind alone: it has no settings that would narrow it."""

_UUID: dict[str, Any] = {"type": "string", "format": "uuid"}
_TIME: dict[str, Any] = {"type": "string", "format": "date-time"}
_WHO: dict[str, Any] = {"anyOf": [_UUID, {"type": "null"}]}


def record_schema(
    module: Module, definitions: DefinitionSet, form: Form = "read", scopes: Scopes | None = None
) -> dict[str, Any]:
    """The schema of a record. `read`: what the API answers; `write`: what it takes; `stored`: the document, by ids."""
    scopes = scopes or Scopes(definitions)
    properties: dict[str, Any] = {} if form == "stored" else _system(module, form)
    required: list[str] = [] if form != "read" else ["id", "module", "version", "title", "created_at", "updated_at"]
    for field in module.fields:
        if field.archived and form != "stored":
            continue
        if form == "write" and (field.computed or field.read_only):
            continue
        if form == "stored" and field.beside:
            continue
        key = field.id if form == "stored" else field.name
        properties[key] = _field(field, _value(module, field, scopes), form)
        if form == "write" and field.required and field.default is None:
            required.append(key)
    for link in module.links:
        if (link.archived and form != "stored") or (form == "stored" and link.many):
            continue
        if form == "write" and link.read_only:
            continue
        key = link.id if form == "stored" else link.name
        properties[key] = _link(link, definitions, form)
        if form == "write" and link.required and link.default is None:
            required.append(key)
    schema: dict[str, Any] = {
        "$schema": DRAFT,
        "title": label_text(module.label),
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    if module.description:
        schema["description"] = label_text(module.description)
    if required:
        schema["required"] = required
    return schema


def record_schemas(definitions: DefinitionSet) -> dict[str, dict[str, Any]]:
    """The read form of every live module, by module name: what a published version keeps."""
    scopes = Scopes(definitions)
    live = (module for module in definitions.modules if not module.archived)
    return {module.name: record_schema(module, definitions, scopes=scopes) for module in live}


def _system(module: Module, form: Form) -> dict[str, Any]:
    found: dict[str, Any] = {"owner": {**_WHO, "title": "Owner"}}
    if module.pipeline is not None:
        names = [stage.name for stage in module.stages if form == "read" or not stage.archived]
        stage: dict[str, Any] = {"type": "string", "enum": names, "title": label_text(module.pipeline.label)}
        found["stage"] = stage if form == "write" else {"anyOf": [stage, {"type": "null"}], "title": stage["title"]}
    if form == "write":
        return found
    if module.pipeline is not None:
        found["stage_entered_at"] = {"anyOf": [_TIME, {"type": "null"}]}
    return {
        "id": _UUID,
        "module": {"const": module.name},
        "version": {"type": "integer", "minimum": 1},
        "title": {"type": "string"},
        "created_at": _TIME,
        "created_by": _WHO,
        "updated_at": _TIME,
        "updated_by": _WHO,
        "archived_at": {"anyOf": [_TIME, {"type": "null"}]},
        **found,
    }


def _value(module: Module, field: Field, scopes: Scopes) -> dict[str, Any]:
    if not field.computed:
        return dict(field.value_schema())
    kind = scopes.type_of(module, field).kind
    return dict(COMPUTED[kind]) if kind is not None else {}


def _field(field: Field, schema: dict[str, Any], form: Form) -> dict[str, Any]:
    if form == "stored":
        return schema
    found: dict[str, Any] = {"title": label_text(field.label)}
    if field.help:
        found["description"] = label_text(field.help)
    if form == "read" and (field.computed or field.read_only):
        found["readOnly"] = True
    if form == "write" and field.default is not None and not isinstance(field.default, dict):
        found["default"] = field.default
    if not schema:
        return found
    return (
        {**found, "anyOf": [schema, {"type": "null"}]} if form == "read" or not field.required else {**schema, **found}
    )


def _link(link: Link, definitions: DefinitionSet, form: Form) -> dict[str, Any]:
    found: dict[str, Any] = {"title": label_text(link.label)}
    if link.help:
        found["description"] = label_text(link.help)
    targets = [module.name for name in link.to if (module := definitions.module(name)) is not None]
    if form == "stored":
        return _pair(link, definitions) if link.polymorphic else dict(_UUID)
    if form == "read":
        one: dict[str, Any] = {
            "type": "object",
            "properties": {"id": _UUID, "module": {"enum": targets}, "title": {"type": ["string", "null"]}},
            "required": ["id", "module"],
        }
        if link.many:
            return {**found, "type": "array", "items": one}
        return {**found, "anyOf": [one, {"type": "null"}]}
    by = {
        "type": "object",
        "properties": {"by": {"type": "object", "minProperties": 1, "maxProperties": 4}},
        "required": ["by"],
    }
    reference = {
        "type": "object",
        "properties": {"id": _UUID, "module": {"enum": targets}},
        "required": ["id", "module"] if link.polymorphic else ["id"],
    }
    choices: list[dict[str, Any]] = [reference, by] if link.polymorphic else [dict(_UUID), reference, by]
    if link.many:
        return {**found, "type": "array", "items": {"anyOf": choices}}
    return {**found, "anyOf": choices if link.required else [*choices, {"type": "null"}]}


def _pair(link: Link, definitions: DefinitionSet) -> dict[str, Any]:
    ids = [module.id for name in link.to if (module := definitions.module(name)) is not None]
    return {
        "type": "object",
        "properties": {"module": {"enum": ids}, "id": _UUID},
        "required": ["module", "id"],
        "additionalProperties": False,
    }

"""The JSON Schemas of all kinds of definitions (draft 2020-12), written to `schemas/` for editors and checked there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode
from pydantic_core import CoreSchema

from xrm_core.definitions.automation import Automation
from xrm_core.definitions.extension import Extension
from xrm_core.definitions.mail_template import MailTemplate
from xrm_core.definitions.module import Module
from xrm_core.definitions.pack import Pack
from xrm_core.definitions.pack_migration import PackMigration
from xrm_core.definitions.pack_scenario import PackScenario
from xrm_core.definitions.role import Role
from xrm_core.definitions.view import View
from xrm_core.fields.base import Model

DRAFT = "https://json-schema.org/draft/2020-12/schema"

FILES: dict[str, type[Model]] = {
    "module": Module,
    "role": Role,
    "automation": Automation,
    "mail_template": MailTemplate,
    "view": View,
    "pack": Pack,
    "extension": Extension,
    "migration": PackMigration,
    "scenario": PackScenario,
}
"""Kinds of definition files, with the model each is read as."""


class _Generator(GenerateJsonSchema):
    """Pydantic's generator without titles that only repeat the key."""

    def generate(self, schema: CoreSchema, mode: JsonSchemaMode = "validation") -> dict[str, Any]:
        found: dict[str, Any] = super().generate(schema, mode)
        _tidy(found, named=True)
        return found

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _tidy(node: Any, *, named: bool = False) -> None:
    # An empty id means "the same as the name": an editor should not offer it as a default.
    if isinstance(node, dict):
        properties = node.get("properties")
        if isinstance(properties, dict) and isinstance(properties.get("id"), dict):
            properties["id"].pop("default", None)
            properties["id"]["description"] = "The stable id: the first name. Needed only after a rename."
        description = node.get("description")
        if isinstance(description, str):
            node["description"] = " ".join(description.split())
        for child in node.values():
            _tidy(child)
    elif isinstance(node, list):
        for child in node:
            _tidy(child)


def schema_of(kind: str) -> dict[str, Any]:
    """The JSON Schema of one kind of definition file."""
    found = FILES[kind].model_json_schema(by_alias=True, schema_generator=_Generator)
    found.pop("$schema", None)
    return {"$schema": DRAFT, "$id": f"{kind}.schema.json", **found}


def texts() -> dict[str, str]:
    """File name and text of every schema."""
    return {f"{kind}.schema.json": json.dumps(schema_of(kind), indent=2, ensure_ascii=False) + "\n" for kind in FILES}


def write(directory: Path) -> list[Path]:
    """Write all schemas below `directory`; the paths that changed."""
    directory.mkdir(parents=True, exist_ok=True)
    changed = []
    for name in check(directory):
        path = directory / name
        path.write_text(texts()[name], encoding="utf-8")
        changed.append(path)
    return changed


def check(directory: Path) -> list[str]:
    """The names of the files that are not what `write` would write."""
    stale = []
    for name, text in texts().items():
        path = directory / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
    return stale

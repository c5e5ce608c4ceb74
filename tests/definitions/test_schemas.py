"""JSON Schemas: of the records of a module, and of the definition files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.definitions.sample import MODULES, ROLES, build, modules
from xrm_core.definitions.json_schemas import FILES, check, schema_of, write
from xrm_core.definitions.record_schema import record_schema, record_schemas
from xrm_core.fields import FIELD_TYPES

ROOT = Path(__file__).parents[2]
SET = build()
ID = "0190b5f0-0000-7000-8000-000000000000"


def validator(module: str, form: Any) -> Draft202012Validator:
    schema = record_schema(SET.by_name[module], SET, form)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_every_form_of_every_module_is_a_valid_schema() -> None:
    for module in SET.by_name:
        for form in ("read", "write", "stored"):
            validator(module, form)
    assert set(record_schemas(SET)) == set(MODULES)


def test_writing() -> None:
    found = validator("projects", "write")
    assert found.is_valid({"name": "A", "company": ID, "stage": "planned", "members": [ID], "share": None})
    assert found.is_valid({"name": "A", "company": {"by": {"name": "Acme"}}})
    assert not found.is_valid({"name": "A"})
    assert not found.is_valid({"name": "A", "company": ID, "portion": None})
    assert not found.is_valid({"name": "A", "company": ID, "stage": "gone"})
    assert not found.is_valid({"name": "A", "company": ID, "colour": "red"})
    about = validator("notes", "write")
    assert about.is_valid({"about": {"id": ID, "module": "people"}}) and not about.is_valid({"about": ID})


def test_reading() -> None:
    found = validator("projects", "read")
    record = {
        "id": ID,
        "module": "projects",
        "version": 1,
        "title": "A",
        "created_at": "2026-01-01T00:00:00.000000Z",
        "updated_at": "2026-01-01T00:00:00.000000Z",
        "owner": None,
        "stage": "planned",
        "company": {"id": ID, "module": "companies", "title": "Acme"},
        "portion": None,
    }
    assert found.is_valid(record)
    assert not found.is_valid({**record, "module": "people"})
    assert found.is_valid({**record, "portion": {"amount": "1.50", "currency": "EUR"}, "effort": "2.125"})
    assert not found.is_valid({**record, "portion": "1.50"})


def test_stored_documents_have_ids_for_keys() -> None:
    data = modules()
    data["tasks"]["fields"][1] |= {"id": "hours", "name": "spare"}
    data["projects"]["fields"][7]["field"] = "spare"
    definitions = build(data)
    properties = record_schema(definitions.by_name["tasks"], definitions, "stored")["properties"]
    assert set(properties) == {"what", "hours", "done", "project"}
    assert "spare" in record_schema(definitions.by_name["tasks"], definitions, "read")["properties"]
    assert "body" not in record_schema(definitions.by_name["notes"], definitions, "stored")["properties"]


@pytest.mark.parametrize("kind", sorted(FILES))
def test_the_schemas_of_definition_files_are_schemas(kind: str) -> None:
    schema = schema_of(kind)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"{kind}.schema.json" and schema["description"]


def test_definitions_fit_their_schemas() -> None:
    found = Draft202012Validator(schema_of("module"))
    for module in MODULES.values():
        assert found.is_valid({"$schema": "../module.schema.json", **module})
    assert not found.is_valid({**MODULES["people"], "colour": "red"})
    assert Draft202012Validator(schema_of("role")).is_valid(ROLES["member"])


def test_every_field_type_is_in_the_schema_with_its_description() -> None:
    definitions = schema_of("module")["$defs"]
    for field_type in FIELD_TYPES:
        assert definitions[field_type.__name__]["description"]


def test_the_files_in_the_repository_are_current() -> None:
    assert check(ROOT / "schemas") == [], "run: xrm schemas write"


def test_writing_is_stable(tmp_path: Path) -> None:
    assert len(write(tmp_path)) == len(FILES)
    assert write(tmp_path) == [] and check(tmp_path) == []
    (tmp_path / "role.schema.json").write_text(json.dumps({}))
    assert check(tmp_path) == ["role.schema.json"]

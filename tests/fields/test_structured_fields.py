"""file, json, formula, rollup, lookup."""

from __future__ import annotations

import time
from typing import Any

import pytest
from pydantic import ValidationError

from tests.fields.shared import BERLIN, HERE, make, problem, text_problem
from xrm_core.fields import Rejected
from xrm_core.fields.computed import ComputedField
from xrm_core.kernel.kinds import Kind

FILE = {"id": "0192d3a0-0000-7000-8000-0000000000aa", "name": "notes.pdf", "size": 10, "type": "application/pdf"}


def test_file() -> None:
    field = make("file", accept=[".pdf", "image/*"], max_size_mb=1)
    assert field.parse(FILE, HERE) == [FILE] == field.parse([FILE, FILE], HERE)
    assert field.parse([], HERE) is None
    assert field.parse([{**FILE, "name": "photo.heic", "type": "Image/HEIC"}], HERE)[0]["type"] == "image/heic"
    assert problem(field, [{**FILE, "name": "x.exe", "type": "application/x-msdownload"}]).path == "/0/type"
    assert problem(field, [{**FILE, "size": 2**21}]).path == "/0/size"
    assert problem(field, [{**FILE, "name": "../x.pdf"}]).path == "/0/name"
    assert problem(field, [FILE, {**FILE, "id": "x"}]).path == "/1/id"
    assert (
        problem(make("file", multiple=False), [FILE, {**FILE, "id": FILE["id"][::-1]}]).message
        == "At most 1 file; this has 2."
    )
    assert text_problem(field, "notes.pdf").hint == "Upload it."
    assert field.file_ids([FILE]) == [FILE["id"]]  # type: ignore[attr-defined]
    assert make("file", accept=["pdf"]).check_settings()[0].path == "/accept/0"


def test_json() -> None:
    field = make("json")
    for raw in ({"a": [1, 2.5, None, True, "x"]}, [], 0, False, "text", -0.5):
        assert field.parse(raw, HERE) == raw
    assert problem(field, {"a": ["\0"]}).path == "/a/0"
    assert problem(field, {"a": {"b": "\ud800"}}).path == "/a/b"
    assert problem(field, [2**53]).path == "/0"
    assert problem(field, [float("inf")]).path == "/0"
    assert problem(field, list(range(10_001))).code == "too_many"
    assert problem(field, "x" * 300_000).code == "too_long"
    assert field.parse_text('{"a": 1}', HERE) == {"a": 1}
    assert text_problem(field, '{"a": }').message == "This is not JSON in line 1, column 7."


SIZES = {
    "type": "object",
    "$defs": {"size": {"type": "number", "minimum": 0}},
    "properties": {
        "width": {"$ref": "#/$defs/size"},
        "code": {"type": "string", "pattern": "^[A-Z]{2}$"},
        "tags": {"uniqueItems": True},
    },
    "required": ["width"],
    "additionalProperties": False,
}


def test_json_follows_its_schema() -> None:
    field = make("json", schema=SIZES)
    assert field.check_settings() == []
    assert field.parse({"width": 5, "code": "AB", "tags": [1, "1", True, {"a": 1}]}, HERE)
    assert problem(field, {"width": -1}).path == "/width"
    assert problem(field, {"width": 1, "code": "abc"}).path == "/code"
    assert problem(field, {"width": 1, "tags": [{"a": 1, "b": 2}, {"b": 2.0, "a": 1}]}).path == "/tags"
    with pytest.raises(Rejected) as caught:
        field.parse({"code": 5, "x": 1}, HERE)
    assert len(caught.value.problems) == 3
    # Inside of a record's schema a $ref would point elsewhere.
    assert field.value_schema()["properties"]["width"] == {"allOf": [{"type": "number", "minimum": 0}]}
    assert make("json", schema=SIZES).model_dump(by_alias=True)["schema"] == SIZES


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"type": "thing"}, "/schema/type"),
        ({"$ref": "http://example.org/schema.json"}, "/schema/$ref"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}}, "/schema/$defs/a/items/$ref"),
        ({"properties": {"a": {"pattern": "^(a+)+$"}}}, "/schema/properties/a/pattern"),
        ({"pattern": "a|b"}, "/schema/pattern"),
        ({"patternProperties": {"^a": {}}}, "/schema/patternProperties"),
        ({"unevaluatedProperties": False}, "/schema/unevaluatedProperties"),
        ({"$dynamicRef": "#x"}, "/schema/$dynamicRef"),
        ({"$id": "x"}, "/schema/$id"),
        (
            {
                "$defs": {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(12)} | {"d12": {}},
                "$ref": "#/$defs/d0",
            },
            None,
        ),
    ],
)
def test_schemas_that_cannot_be_used(schema: dict[str, Any], path: str | None) -> None:
    problems = make("json", schema=schema).check_settings()
    assert problems and all(found.path.startswith("/schema") for found in problems)
    assert path is None or path in {found.path for found in problems}


def test_a_deep_schema_is_refused_and_nothing_takes_long() -> None:
    deep: dict[str, Any] = {}
    for _ in range(3000):
        deep = {"not": deep}
    assert make("json").model_copy(update={"rules": deep}).check_settings()
    field = make(
        "json",
        schema={
            "type": "array",
            "uniqueItems": True,
            "items": {"anyOf": [{"type": "object"}, {"type": "string", "pattern": "^.*x.*$"}]},
        },
    )
    before = time.perf_counter()
    assert problem(field, [{} for _ in range(9000)]).code == "schema"
    with pytest.raises(Rejected):
        field.parse(["y" * 999 for _ in range(200)], HERE)
    assert time.perf_counter() - before < 5


def test_formula_shows_its_value_as_another_type() -> None:
    field = make("formula", formula="fee * 2", result={"type": "money", "currency": "EUR"})
    assert isinstance(field, ComputedField)
    assert field.kind is Kind.MONEY
    assert field.format({"amount": "1234.50", "currency": "EUR"}, BERLIN) == "1.234,50 EUR"
    assert field.value_schema()["properties"]["currency"] == {"const": "EUR"}
    result = field.result_field()
    assert result is not None and result.type == "money"
    plain = make("formula", formula="1 + 1")
    assert isinstance(plain, ComputedField) and plain.result_field() is None and plain.value_schema() == {}


@pytest.mark.parametrize(
    "result",
    [
        {"type": "colour"},
        {},
        {"type": "money", "name": "x"},
        {"type": "formula", "formula": "1"},
        {"type": "money", "currency": 5},
    ],
)
def test_results_that_cannot_be_read(result: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="result"):
        make("formula", formula="1", result=result)


def test_settings_of_a_result_are_checked() -> None:
    (found,) = make("formula", formula="1", result={"type": "money", "currency": "EURO"}).check_settings()
    assert found.path == "/result/currency"


def test_rollup_and_lookup() -> None:
    count = make("rollup", link="orders", function="count", where="status == 'open'")
    assert count.kind is Kind.INTEGER and count.check_settings() == []
    assert make("rollup", link="a.b.c", function="list", field="name").kind is Kind.LIST
    assert make("rollup", link="orders", function="sum").check_settings()[0].path == "/field"
    assert (
        make("rollup", link="orders", function="sum", field="x", order_by="-x").check_settings()[0].path == "/order_by"
    )
    for link in ("", "Orders", "a..b", "a.b.c.d.e.f"):
        with pytest.raises(ValidationError):
            make("lookup", link=link, field="name")
    assert make("lookup", link="client.owner_firm", field="name").computed

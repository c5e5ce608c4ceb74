"""What every field type promises, tested on all of them."""

from __future__ import annotations

import inspect
import json
import os
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.contracts.field_variants import FIELDS, VARIANTS, WRITABLE, naming
from tests.contracts.garbage import GARBAGE
from xrm_core.fields import FIELD_TYPES, Field, ParseContext, Rejected, field_adapter
from xrm_core.fields.capabilities import Computed, HoldsFiles, HoldsOptions, Searchable
from xrm_core.kernel.kinds import Kind

CONTEXTS = [
    ParseContext(),
    ParseContext(currency="USD", region="US", zone="America/New_York", language="en"),
    ParseContext(currency="EUR", region="DE", zone="Europe/Berlin", language="de"),
    ParseContext(currency="CHF", region="CH", zone="Europe/Zurich", language="de-CH"),
    ParseContext(currency="EUR", region="FR", zone="Europe/Paris", language="fr"),
    ParseContext(currency="AUD", region="AU", zone="Australia/Lord_Howe", language="en-AU"),
    ParseContext(currency="XOF", region="", zone="UTC", language="xx"),
]
PROMOTED: dict[Kind, tuple[type, ...]] = {
    Kind.TEXT: (str,),
    Kind.INTEGER: (int,),
    Kind.DECIMAL: (Decimal,),
    Kind.BOOLEAN: (bool,),
    Kind.DATE: (date,),
    Kind.INSTANT: (datetime,),
    Kind.DURATION: (Decimal,),
    Kind.MONEY: (Decimal,),
    Kind.RATE: (Decimal,),
    Kind.LIST: (list,),
    Kind.REFERENCE: (str,),
    Kind.OBJECT: (type(None),),
}
every_field = pytest.mark.parametrize("field", FIELDS, ids=naming)
every_writable = pytest.mark.parametrize("field", WRITABLE, ids=naming)


def naughty_strings() -> list[str]:
    """The big list of naughty strings, where there is a copy beside the repository."""
    folder = Path(os.environ.get("XRM_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
    path = folder / "naughty_strings" / "blns.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


def accepted(field: Field, raw: Any, context: ParseContext) -> Any:
    """The stored value, or None when it is empty or rejected; any other exception fails the test."""
    try:
        return field.parse(raw, context)
    except Rejected as rejected:
        assert rejected.problems
        for problem in rejected.problems:
            assert problem.code and problem.message and (problem.path == "" or problem.path.startswith("/"))
            (problem.message + problem.hint + problem.path).encode()
            assert len(problem.message) < 600 and len(problem.hint) < 600
        return None


def accepted_text(field: Field, text: str, context: ParseContext) -> Any:
    try:
        return field.parse_text(text, context)
    except Rejected as rejected:
        assert rejected.problems
        return None


def hold(field: Field, value: Any, context: ParseContext) -> None:
    """What holds for every value that was accepted."""
    errors = [error.message for error in Draft202012Validator(field.value_schema()).iter_errors(value)]
    assert not errors, errors[0]
    assert field.parse(value, context) == value
    # What is stored goes through JSON and comes back the same.
    assert orjson.loads(orjson.dumps(value)) == value
    text = field.format(value, context)
    assert isinstance(text, str)
    projected = field.project(value)
    assert isinstance(projected, PROMOTED[field.kind]), projected
    if isinstance(field, Searchable):
        assert isinstance(field.search_text(value), str)


# -- the class --------------------------------------------------------------------------------------------------------


def test_every_type_has_its_variants() -> None:
    assert set(VARIANTS) == {str(kind.model_fields["type"].default) for kind in FIELD_TYPES}


@pytest.mark.parametrize("kind", FIELD_TYPES, ids=lambda kind: kind.__name__)
def test_one_type_one_file_one_sentence(kind: type[Field]) -> None:
    tag = kind.model_fields["type"].default
    assert kind.__module__ == f"xrm_core.fields.{tag}"
    sentence = inspect.getdoc(kind) or ""
    assert sentence.endswith(".") and "\n" not in sentence and 5 < len(sentence) < 120


@every_field
def test_settings_of_the_variants_are_sound(field: Field) -> None:
    assert field.check_settings() == []


@every_field
def test_definition_goes_through_json_unchanged(field: Field) -> None:
    data = json.loads(field.model_dump_json(by_alias=True))
    assert field_adapter.validate_python(data) == field
    assert field_adapter.validate_json(field.model_dump_json(by_alias=True, exclude_defaults=False)) == field


@every_field
def test_value_schema_is_a_schema(field: Field) -> None:
    Draft202012Validator.check_schema(field.value_schema())
    json.dumps(field.value_schema())


@every_field
def test_a_copy_forgets_what_was_worked_out(field: Field) -> None:
    field.format(field.example(), CONTEXTS[0])
    copied = field.model_copy(update={"label": "Other"})
    assert copied.label == "Other" and copied.kind == field.kind
    assert set(copied.__dict__) <= set(type(field).model_fields) | {"kind", "_result"}


@every_field
def test_promoted_only_where_there_is_a_column(field: Field) -> None:
    indexed = field.model_copy(update={"indexed": True})
    if indexed.promoted:
        assert field.kind is not Kind.OBJECT and not field.beside
    else:
        assert any(problem.path == "/indexed" for problem in indexed.check_settings())
    assert not field.promoted


# -- values -----------------------------------------------------------------------------------------------------------


@every_writable
def test_example_parses_to_itself(field: Field) -> None:
    for context in CONTEXTS:
        example = field.example()
        if isinstance(example, dict) and "formatted" in example:
            # The name of the country is written in the workspace's language.
            assert field.parse(example, context)["city"] == example["city"]
        else:
            assert field.parse(example, context) == example
    hold(field, field.parse(field.example(), CONTEXTS[0]), CONTEXTS[0])


@every_writable
def test_values_are_taken_and_read_back_from_their_text(field: Field) -> None:
    for raw in [field.example(), *VARIANTS[field.type][1]]:
        if field.kind is Kind.LIST and not isinstance(raw, list):
            raw = [raw]
        for context in CONTEXTS:
            value = field.parse(raw, context)
            if value is None:
                continue
            hold(field, value, context)
            if not isinstance(field, HoldsFiles):
                text = field.format(value, context)
                assert field.parse(field.parse_text(text, context), context) == value, text


@every_writable
def test_garbage_is_rejected_or_stored(field: Field) -> None:
    for context in CONTEXTS[:3]:
        for raw in GARBAGE:
            value = accepted(field, raw, context)
            if value is not None:
                hold(field, value, context)


@every_writable
def test_garbage_as_text_is_rejected_or_stored(field: Field) -> None:
    for context in CONTEXTS:
        for text in [raw for raw in GARBAGE if isinstance(raw, str)]:
            value = accepted_text(field, text, context)
            if value is not None:
                hold(field, value, context)


@every_writable
def test_naughty_strings(field: Field) -> None:
    for text in naughty_strings():
        for value, context in (
            (accepted(field, text, CONTEXTS[0]), CONTEXTS[0]),
            (accepted_text(field, text.strip(), CONTEXTS[2]), CONTEXTS[2]),
        ):
            if value is not None:
                hold(field, value, context)


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from([text for text in GARBAGE if isinstance(text, str) and len(text) < 1000]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                "amount currency per value unit start end first last street city country id name size type".split()
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@every_writable
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(raw=JSON_VALUES, number=st.integers(0, len(CONTEXTS) - 1))
def test_any_json_value(field: Field, raw: Any, number: int) -> None:
    value = accepted(field, raw, CONTEXTS[number])
    if value is not None:
        hold(field, value, CONTEXTS[number])


@every_writable
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.text(max_size=60) | st.from_regex(r"[-+]?[0-9.,' ]{1,14} ?(EUR|%|€|k|/ ?day|days)?", fullmatch=True))
def test_any_text(field: Field, text: str) -> None:
    value = accepted_text(field, text, CONTEXTS[2])
    if value is not None:
        hold(field, value, CONTEXTS[2])


# -- computed ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", [field for field in FIELDS if field.computed], ids=naming)
def test_computed_values_cannot_be_written(field: Field) -> None:
    assert isinstance(field, Computed)
    with pytest.raises(Rejected):
        field.parse(1, CONTEXTS[0])
    assert {
        problem.path for problem in field.model_copy(update={"required": True, "unique": True}).check_settings()
    } == {
        "/required",
        "/unique",
    }


def test_capabilities_are_found_by_asking() -> None:
    found = {field.type for field in FIELDS if isinstance(field, HoldsOptions)}
    assert found == {"select", "multi_select"}
    assert {field.type for field in FIELDS if isinstance(field, HoldsFiles)} == {"file"}
    assert {field.type for field in FIELDS if isinstance(field, Computed)} == {"formula", "rollup", "lookup"}

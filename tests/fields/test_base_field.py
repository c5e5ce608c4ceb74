"""What all fields share: ids, defaults, promotion, reading from definitions."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tests.fields.shared import HERE, make
from xrm_core.fields import FIELD_TYPES, Default, field_adapter, field_of_kind
from xrm_core.fields.capabilities import convert
from xrm_core.kernel.kinds import Kind


def test_id_is_the_first_name() -> None:
    assert make("text").id == "thing"
    assert make("text", id="old_thing").id == "old_thing"


def test_unknown_type_and_setting_are_refused() -> None:
    with pytest.raises(ValidationError, match="colour"):
        make("colour")
    with pytest.raises(ValidationError, match="colour"):
        make("text", colour="red")
    with pytest.raises(ValidationError):
        field_adapter.validate_python({"name": "thing", "label": "Thing"})


@pytest.mark.parametrize("label", ["", " ", {}, {"en": ""}, {"english": "x"}, "x" * 201, "a\0b"])
def test_bad_labels(label: object) -> None:
    with pytest.raises(ValidationError):
        field_adapter.validate_python({"type": "text", "name": "thing", "label": label})


def test_default_is_a_value_or_an_expression() -> None:
    assert make("integer", default=3).check_settings() == []
    assert make("integer", default=3).default_expression is None
    assert make("date", default={"expression": "today()"}).default_expression == "today()"
    assert make("text").model_copy(update={"default": Default(expression="'x'")}).default_expression == "'x'"
    (found,) = make("integer", default="three").check_settings()
    assert found.path == "/default" and found.message == "A whole number is needed."
    (found,) = make("money", default={"amount": "1", "currency": "XXX"}).check_settings()
    assert found.path == "/default/currency"


def test_a_copy_works_with_its_own_settings() -> None:
    field = make("text", pattern="[a-z]+")
    assert field.parse("abc", HERE) == "abc"
    assert field.model_copy(update={"pattern": "[0-9]+"}).parse("123", HERE) == "123"
    users = make("user")
    assert users.kind is Kind.REFERENCE
    assert users.model_copy(update={"multiple": True}).kind is Kind.LIST


def test_unique_needs_a_value_that_can_be_compared() -> None:
    refused = {
        tag for tag in ("json", "long_text", "file", "date_range", "boolean") if make(tag, unique=True).check_settings()
    }
    assert refused == {"json", "long_text", "file", "date_range", "boolean"}
    assert make("email", unique=True).check_settings() == [] and make("email", unique=True).promoted
    assert make("address", indexed=True).promoted
    assert not make("email", unique=True, archived=True).promoted


def test_every_kind_has_a_plain_field() -> None:
    for kind in Kind:
        assert field_of_kind(kind).kind is kind


def test_there_are_28_types() -> None:
    assert len(FIELD_TYPES) == 28


def test_values_are_converted_by_way_of_their_text() -> None:
    stage = make("select", options=[{"name": "new", "label": "New"}, {"name": "old", "label": "Old"}])
    assert convert(stage, "new", make("text"), HERE) == "New"
    assert convert(make("text"), "NEW", stage, HERE) == "new"
    assert convert(stage, "new", make("multi_select", open=True), HERE) == ["New"]
    assert convert(make("text"), "12.5", make("decimal"), HERE) == "12.50"
    assert convert(make("integer"), 7, make("text"), HERE) == "7"
    assert convert(make("money"), {"amount": "5.00", "currency": "EUR"}, make("money_rate", per=["day"]), HERE) == {
        "amount": "5.00",
        "currency": "EUR",
        "per": "day",
    }

"""Small helpers of the field tests."""

from __future__ import annotations

from typing import Any

import pytest

from xrm_core.fields import Field, ParseContext, Rejected, field_adapter
from xrm_core.kernel.problem import Problem

HERE = ParseContext()
US = ParseContext(currency="USD", region="US", zone="America/New_York")
BERLIN = ParseContext(currency="EUR", region="DE", zone="Europe/Berlin", language="de")


def make(tag: str, **settings: Any) -> Field:
    """A field of a type."""
    return field_adapter.validate_python({"type": tag, "name": "thing", "label": "Thing", **settings})


def problem(field: Field, raw: Any, context: ParseContext = HERE) -> Problem:
    """The one problem of a JSON value."""
    with pytest.raises(Rejected) as caught:
        field.parse(raw, context)
    assert len(caught.value.problems) == 1
    return caught.value.problems[0]


def text_problem(field: Field, text: str, context: ParseContext = HERE) -> Problem:
    """The one problem of a typed text."""
    with pytest.raises(Rejected) as caught:
        field.parse_text(text, context)
    assert len(caught.value.problems) == 1
    return caught.value.problems[0]

"""Every field type with a few settings, and raw values that it must take; the contract tests run over all of them."""

from __future__ import annotations

from typing import Any

from xrm_core.fields import Field, field_adapter

_OPTIONS = [
    {"name": "new", "label": {"en": "New", "de": "Neu"}, "hue": "blue"},
    {"name": "in_review", "label": {"en": "In review, internal", "de": "In Prüfung"}},
    {"name": "gone", "label": "Gone", "archived": True},
]
_USER = "0192d3a0-0000-7000-8000-0000000000aa"
_FILE = {"id": _USER, "name": "notes.pdf", "size": 10, "type": "application/pdf"}

# Per type: the settings of each variant, and values that every variant must take.
VARIANTS: dict[str, tuple[list[dict[str, Any]], list[Any]]] = {
    "text": (
        [{}, {"max_length": 40, "case": "upper"}, {"case": "lower"}, {"pattern": r"[^0-9]+"}],
        ["Grüße", "ἀρχή", "ŉ", "x" * 40, "  blanks  ", "e\u0301"],
    ),
    "long_text": ([{}, {"max_length": 1_000_000}], ["one\r\ntwo\rthree\n\n", "\ttab", "  indented"]),
    "rich_text": ([{}], ["# Title\n\n* [link](https://example.org) `code`", "> quote"]),
    "integer": ([{}, {"min": -(2**53) + 1}], [0, -7, 2**53 - 1, 12.0]),
    "decimal": (
        [{}, {"scale": 0}, {"scale": 3}, {"scale": 10}],
        [
            0,
            -0.0,
            "-0",
            "1234567.891",
            0.1,
            1e-7,
            "999999999999999998",
            "1.005",
            -2.5,
            "1e3",
            "1234.5",
            "1.234",
            "123.456",
        ],
    ),
    "percent": ([{}, {"scale": 3, "min": None, "max": None}], [0, 100, "12.345", 33.335, "1.234"]),
    "money": (
        [{}, {"currency": "JPY"}, {"currency": "KWD"}],
        [0, -5, "1234567.89", {"amount": "1234.5"}, {"amount": 12}, "1.234", 123456],
    ),
    "money_rate": (
        [{"per": ["day"]}, {"per": ["year"], "currency": "CHF"}],
        [450, "450.50", {"amount": 60000}, {"amount": 1234.5}],
    ),
    "boolean": ([{}], [True, False]),
    "date": ([{}, {"min": "0001-01-01", "max": "9999-12-31"}], ["0001-01-01", "9999-12-31", "2024-02-29"]),
    "datetime": (
        [{}],
        [
            "2024-10-27T00:30:00Z",
            "2024-10-27T01:30:00Z",
            "2024-03-31T02:30:00+00:00",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999999Z",
            "2026-01-01T12:00:00.5+05:30",
            "2026-01-01t12:00z",
            "1850-01-01T00:00:00Z",
        ],
    ),
    "duration": (
        [{}, {"units": ["hours", "days", "months", "business_days"]}],
        [
            {"value": 1, "unit": "days"},
            {"value": -3, "unit": "months"},
            {"value": 10, "unit": "business_days"},
            "P1Y",
            "2 weeks",
        ],
    ),
    "date_range": (
        [{}],
        [
            {"start": "2026-01-01"},
            {"end": "2026-01-01"},
            {"start": "2026-01-01", "end": "2026-01-01"},
            {"start": "0001-01-01", "end": None},
        ],
    ),
    "select": ([{"options": _OPTIONS}], ["new", "in_review", "gone"]),
    "multi_select": (
        [{"options": _OPTIONS}, {"open": True}, {"open": True, "options": _OPTIONS, "max_items": 3}],
        [["new"], ["in_review", "new"], ["gone", "gone"], ["in_review"]],
    ),
    "email": (
        [{}],
        [
            "Ada@Example.ORG",
            "a.b+c_d@sub.example.co.uk",
            "ü@bücher.example",
            "x@xn--bcher-kva.example",
            "o'neil@example.org",
            "a--b@example.org",
        ],
    ),
    "phone": (
        [{}, {"region": "DE"}],
        ["+49 (0)30 123456", "+44 20 7946 0000 ext. 12", "+12125550100", "+39 06 1234 5678", "tel:+4930123456"],
    ),
    "url": (
        [{}],
        [
            "https://example.org",
            "HTTP://Example.ORG:8080/Path?q=1#Top",
            "https://xn--bcher-kva.example/",
            "https://bücher.example/ä",
            "http://192.0.2.1/x",
            "http://[2001:db8::1]:80/x",
        ],
    ),
    "address": (
        [{}],
        [
            {"city": "Berlin"},
            {"country": "de"},
            {"street": "5 High Street", "city": "Anytown", "postcode": "AB1 2CD", "country": "United Kingdom"},
            {"street": "5 Main St", "city": "Springfield", "region": "IL", "postcode": "62701", "country": "US"},
            "Hauptstr. 5, 10827 Berlin",
            "Singapore",
            "5 High Street, Anytown, AB1 2CD, UK",
            "Via Roma 5, 00184 Roma RM, Italia",
        ],
    ),
    "person_name": (
        [{}],
        [
            {"first": "Erika"},
            {"last": "Mustermann", "prefix": "Dr."},
            {"first": "A", "middle": "B.", "last": "van C", "suffix": "Jr."},
            "Mustermann, Erika",
            "Max Mustermann",
        ],
    ),
    "user": ([{}], [_USER, _USER.upper()]),
    "file": ([{}, {"accept": [".pdf", "image/*"]}, {"multiple": False}], [[_FILE], _FILE]),
    "rating": ([{}, {"max": 10}], [1, 5, 3.0]),
    "auto_number": ([{}, {"prefix": "INV-", "digits": 4}, {"prefix": "a/", "digits": 1}], []),
    "json": (
        [
            {},
            {
                "schema": {
                    "type": "object",
                    "$defs": {"size": {"type": "number", "minimum": 0}},
                    "properties": {"size": {"$ref": "#/$defs/size"}, "tags": {"type": "array", "uniqueItems": True}},
                    "examples": [{"size": 2, "tags": ["a", {"b": 1}]}],
                }
            },
        ],
        [{"size": 1}, {"tags": [1, "1", [1]]}, {}],
    ),
    "formula": ([{"formula": "1 + 1"}, {"formula": "fee * 2", "result": {"type": "money", "currency": "EUR"}}], []),
    "rollup": (
        [{"link": "orders", "function": "count"}, {"link": "orders.lines", "function": "sum", "field": "amount"}],
        [],
    ),
    "lookup": ([{"link": "client", "field": "name"}], []),
}

USERS = {"type": "user", "name": "team", "label": "Team", "multiple": True}


def make(tag: str, **settings: Any) -> Field:
    """A field of a type."""
    return field_adapter.validate_python({"type": tag, "name": "thing", "label": "Thing", **settings})


FIELDS: list[Field] = [make(tag, **settings) for tag, (variants, _) in VARIANTS.items() for settings in variants] + [
    field_adapter.validate_python(USERS)
]
WRITABLE: list[Field] = [field for field in FIELDS if not field.computed]


def naming(field: Field) -> str:
    """How a field is called in the test report."""
    settings = field.model_dump(exclude_defaults=True, include=set(type(field).model_fields) - set(Field.model_fields))
    return field.type + ("" if not settings else "-" + "-".join(settings))

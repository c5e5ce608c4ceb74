"""Values that no field, filter or form may stumble over: rejected with a problem, or stored and read back unchanged."""

from __future__ import annotations

import math
from typing import Any


def deep(levels: int) -> Any:
    value: Any = 1
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


def garbage() -> list[Any]:
    """Values that no field should stumble over."""
    texts = [
        "", " ", "\0", "a\0b", "\ud800", "x\udfffy", "\ufeff", "\u202e\u200f", "\x1b[31m", "x" * 1_000_001, "NaN", "Infinity", "-inf", "1e999", "1e99999999",
        "9" * 5000, "10000-01-01", "0000-01-01", "2023-02-29", "2024-W01-1", "2026-01-01T00:00:00", "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00",
        "2026-01-01T24:00:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00+99:99", "٣", "１２", "²", "½", "1_000", "0x10", "--5", "+-5", "5-", ".", ",", "-", "+", "%", "€", "EUR",
        "12 EUR EUR", "EUR 5 USD", "5/0", "P", "PT", "P1Y2M", "P-1D", "javascript:alert(1)", "data:text/html,x", "http://", "https://", "http://a", "http://[::1", "http://a b.example",
        "http://user:pw@example.org", "https://example.org:99999999/", "http://..", "http://-a.example", "//", "@", "a@", "@b", "a@b", "a@b.c", "a@-b.example", "a@" + "b" * 70 + ".example",
        '"q"@example.org', "a@[127.0.0.1]", "mailto:", "<a@b.example", "+", "+1", "+999123456", "123", "++4930123456", "tel:", "0", "{", "[", "[[[[", "[" * 100_000, '{"a":' * 5000, "nul", "null",
        "a,b,c", "|", ",,,", " , ", "Mr.", "Dr. Prof.", ", ,", "van", "Jr.", "-", "/", "\\", "..", "../../etc/passwd", "{{ 7*7 }}", "' or 1=1 --", "<script>", "%s%n", "${x}",
        "31.12.24", "1/2/2024", "13/13/2024", "99.99.9999", "0/0/0000", "Feb 30 2024", "30 Undecember 2024", "25:00", "2024-03-31 02:30", "2024-10-27 02:30", "today", "12:30", "0001-01-01 00:00",
        "9999-12-31 23:59", "9999-12-31 23:59 -05:00", "\u2013", "2024-02-01 - 2024-01-01", "\U0001f600" * 300, "\u0301", "ﷺ" * 100, "İ" * 60, "ß" * 500, "e\u0301" * 600,
    ]  # fmt: skip
    numbers = [
        0,
        -1,
        1,
        6,
        11,
        2**31,
        2**53,
        -(2**53),
        2**63,
        2**64,
        10**18,
        10**30,
        10**5000,
        0.1,
        -0.0,
        1e308,
        5e-324,
        math.nan,
        math.inf,
        -math.inf,
    ]
    objects: list[Any] = [
        {}, {"": None}, {"amount": None}, {"amount": "x", "currency": "EUR"}, {"amount": True, "currency": "EUR"}, {"amount": 1, "currency": "XXX"}, {"amount": 1, "currency": []},
        {"amount": {}, "currency": {}}, {"amount": math.nan, "currency": "EUR"}, {"amount": 1, "currency": "EUR", "per": "fortnight"}, {"amount": 1, "per": []}, {"amount": 1, "x": 1},
        {"value": 1}, {"value": 1.5, "unit": "days"}, {"value": True, "unit": "days"}, {"value": 10**30, "unit": "days"}, {"value": 1, "unit": {}}, {"value": [], "unit": None},
        {"start": 1, "end": []}, {"start": "2026-01-02", "end": "2026-01-01"}, {"start": "\0"}, {"first": 1}, {"first": [], "last": {}}, {"prefix": "Dr."}, {"first": "\0"}, {"full": "x"},
        {"first": "x", "nick": "y"}, {"street": 5}, {"country": "Atlantis"}, {"country": 5}, {"street": "\ud800"}, {"formatted": "x"}, {"id": 1, "name": 2, "size": 3, "type": 4},
        {"id": "0192d3a0-0000-7000-8000-0000000000aa", "name": "../x", "size": 1, "type": "a/b"}, {"id": "0192d3a0-0000-7000-8000-0000000000aa", "name": "x", "size": -1, "type": "a/b"},
        {"id": "0192d3a0-0000-7000-8000-0000000000aa", "name": "\0", "size": 1, "type": "a/b"}, {"id": "0192d3a0-0000-7000-8000-0000000000aa", "name": "x", "size": 2**70, "type": "a/b"},
        {1: 2}, {"a": "\ud800"}, {"\ud800": 1}, {"a": "\0"}, {"a": 2**60}, {"a": math.nan}, {"k" * 300_000: 1},
    ]  # fmt: skip
    lists: list[Any] = [
        [], [None], [[]], [{}], [1], [True], ["\0"], ["\ud800"], ["a", "a", "A", "Ä", "a\u0308"], ["x" * 101], ["a|b"], list(range(20_000)), ["new"] * 1000,
        [f"w{n}" for n in range(600)], [{"id": None}], [{}] * 9000,
    ]  # fmt: skip
    return [
        *texts,
        *numbers,
        *objects,
        *lists,
        True,
        False,
        None,
        b"bytes",
        object(),
        {1, 2},
        (1, 2),
        deep(33),
        deep(5000),
    ]


GARBAGE: list[Any] = garbage()

"""The value kinds: the only thing that expressions and SQL know about a value."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """How a value is stored, compared, indexed and added up; a field type names one and adds meaning."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    INSTANT = "instant"
    DURATION = "duration"
    MONEY = "money"
    RATE = "rate"
    LIST = "list"
    REFERENCE = "reference"
    OBJECT = "object"


NUMERIC = frozenset({Kind.INTEGER, Kind.DECIMAL})
ORDERED = frozenset(
    {Kind.TEXT, Kind.INTEGER, Kind.DECIMAL, Kind.BOOLEAN, Kind.DATE, Kind.INSTANT, Kind.DURATION, Kind.MONEY, Kind.RATE}
)

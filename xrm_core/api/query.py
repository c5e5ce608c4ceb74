"""Query parameters, read strictly: unknown, repeated or unreadable ones are refused by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from urllib.parse import unquote_plus
from uuid import UUID

from xrm_core.kernel.errors import Malformed, NotFound
from xrm_core.kernel.problem import Problem, pointer

LONGEST_LIST = 1000
_TRUE = frozenset({"true", "1"})
_FALSE = frozenset({"false", "0"})


class Parameters:
    """The query parameters of one request; only names in `known` exist."""

    __slots__ = ("_values",)

    def __init__(self, query: bytes, known: Collection[str]) -> None:
        self._values = parse(query, known) if query else {}

    def text(self, name: str, default: str | None = None) -> str | None:
        """The parameter, or the default; an empty one counts as absent."""
        return self._values.get(name) or default

    def flag(self, name: str) -> bool:
        """A parameter that is true or false."""
        value = self._values.get(name)
        if value is None or value in _FALSE:
            return False
        if value in _TRUE or value == "":
            return True
        raise bad(name, f"{value!r} is neither true nor false.")

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """A whole number within limits."""
        value = self._values.get(name)
        if not value:
            return default
        if not (value.isascii() and value.isdigit() and len(value) <= 9 and least <= int(value) <= most):
            raise bad(name, f"{value!r} is not a whole number from {least} to {most}.")
        return int(value)

    def names(self, name: str) -> tuple[str, ...]:
        """A comma-separated list."""
        value = self._values.get(name)
        if not value:
            return ()
        parts = tuple(part.strip() for part in value.split(","))
        if not all(parts):
            raise bad(name, "There is an empty name in the list.", "Write names with commas between them.")
        if len(parts) > LONGEST_LIST:
            raise bad(name, f"More than {LONGEST_LIST} names.")
        return parts

    def choice(self, name: str, default: str, choices: Collection[str]) -> str:
        """One of a few words."""
        value = self._values.get(name) or default
        if value not in choices:
            near = get_close_matches(value, choices, 1)
            raise bad(
                name, f"{value!r} is not one of {', '.join(choices)}.", f"Did you mean {near[0]!r}?" if near else ""
            )
        return value

    def instant(self, name: str) -> datetime | None:
        """A moment with a zone; a day alone means its end in UTC, so that what happened on it is included."""
        value = self._values.get(name)
        if not value:
            return None
        return read_instant(value, name)

    def __contains__(self, name: str) -> bool:
        return name in self._values


def parse(query: bytes, known: Collection[str]) -> dict[str, str]:
    """All parameters by name; raises Malformed with every problem found."""
    values: dict[str, str] = {}
    problems: list[Problem] = []
    for part in query.decode("latin-1").split("&"):
        if not part:
            continue
        raw_name, _, raw_value = part.partition("=")
        try:
            name, value = unquote_plus(raw_name, "utf-8", "strict"), unquote_plus(raw_value, "utf-8", "strict")
        except UnicodeDecodeError:
            problems.append(Problem("encoding", pointer("query", raw_name[:60]), "The parameter is not UTF-8."))
            continue
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = (
                f"Did you mean {near[0]!r}?"
                if near
                else f"Known: {', '.join(sorted(known))}."
                if known
                else "This call takes none."
            )
            problems.append(
                Problem("unknown_parameter", pointer("query", name[:60]), f"There is no parameter {name[:60]!r}.", hint)
            )
        elif name in values:
            problems.append(
                Problem(
                    "repeated", pointer("query", name), f"{name!r} is given twice.", "Give it once, lists with commas."
                )
            )
        else:
            values[name] = value
    if problems:
        raise Malformed(problems)
    return values


def bad(name: str, message: str, hint: str = "") -> Malformed:
    """The refusal of one parameter."""
    return Malformed(Problem("parameter", pointer("query", name), message, hint))


def read_instant(value: str, name: str) -> datetime:
    """A moment out of ISO 8601 text."""
    try:
        found = datetime.fromisoformat(value.replace(" ", "+") if "T" in value else value)
    except ValueError:
        raise bad(
            name, f"{value[:60]!r} is not a time.", "Write it like 2026-03-01T09:30:00Z, or 2026-03-01."
        ) from None
    if len(value) == 10:
        found = found.replace(hour=23, minute=59, second=59, microsecond=999_999)
    try:
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        raise bad(name, f"{value[:60]!r} is out of range.") from None


def record_id(text: str) -> UUID:
    """The id in an address; what cannot be an id is the id of nothing."""
    if len(text) == 36:
        try:
            return UUID(text)
        except ValueError:
            pass
    raise NotFound(Problem("not_found", "", f"There is no record {text[:60]!r}."))


def expected_version(headers: Mapping[str, str]) -> int | None:
    """The version in If-Match: `"3"`; `*` and absence expect nothing."""
    value = headers.get("if-match")
    if value is None or value.strip() == "*":
        return None
    bare = value.strip().removeprefix("W/").strip('"')
    if not (bare.isascii() and bare.isdigit() and 1 <= len(bare) <= 9):
        raise Malformed(
            Problem(
                "if_match",
                "/headers/If-Match",
                f"{value[:60]!r} is no version.",
                'Send the ETag of the record, such as "3".',
            )
        )
    return int(bare)

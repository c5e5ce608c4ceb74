"""Reading JSON bodies strictly: media type, size, encoding, depth and exact numbers; what cannot be read has a position."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from litestar import Request

from xrm_core.api.problems import WrongMediaType
from xrm_core.kernel.errors import Invalid, Malformed
from xrm_core.kernel.problem import Problem, pointer

DEEPEST = 64
# More digits than a double holds: such numbers are read as decimals, so that nothing is rounded on the way in.
_LONG_NUMBER = re.compile(rb"[0-9][0-9.]{15,}")


async def json_body(request: Request[Any, Any, Any]) -> Any:
    """The JSON value of the request's body."""
    kind = request.headers.get("content-type")
    if kind is not None:
        check_media_type(kind)
    return parse_json(await request.body())


async def json_object(request: Request[Any, Any, Any], *, optional: bool = False) -> dict[str, Any]:
    """The body, which must be a JSON object; with `optional` no body counts as {}."""
    if optional:
        raw = await request.body()
        if not raw:
            return {}
    value = await json_body(request)
    if not isinstance(value, dict):
        raise Invalid(Problem("type", "", "The body must be a JSON object.", 'Send {"name": value, ...}.'))
    return value


def check_media_type(header: str) -> None:
    """Raises WrongMediaType unless the header names JSON in UTF-8."""
    essence, _, parameters = header.partition(";")
    essence = essence.strip().lower()
    if essence != "application/json" and not (essence.startswith("application/") and essence.endswith("+json")):
        raise WrongMediaType(
            Problem(
                "media_type",
                "",
                f"The body is {essence or 'of no type'}, not JSON.",
                "Send Content-Type: application/json.",
            )
        )
    charset = re.search(r'charset\s*=\s*"?([^";\s]+)', parameters, re.IGNORECASE)
    if charset and charset.group(1).lower() not in ("utf-8", "utf8", "us-ascii"):
        raise WrongMediaType(Problem("charset", "", f"JSON is sent in UTF-8, not {charset.group(1)}."))


def parse_json(raw: bytes) -> Any:
    """The value; Malformed with line and column when it is not JSON, too deep, or not Unicode."""
    if not raw.strip():
        raise Malformed(Problem("empty", "", "The body is empty.", "Send a JSON value."))
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Malformed(
            Problem(
                "json",
                f"/line/{error.lineno}/column/{error.colno}",
                f"The body is not JSON: {error.msg} (line {error.lineno}, column {error.colno}).",
            )
        ) from None
    _check_depth(value)
    if _LONG_NUMBER.search(raw):
        value = _exact(raw, value)
    return value


def _exact(raw: bytes, fallback: Any) -> Any:
    try:
        return json.loads(raw, parse_float=_decimal_or_float)
    except (ValueError, RecursionError):
        return fallback


def _decimal_or_float(text: str) -> Any:
    number = float(text)
    # Fields take floats and exact texts; a text keeps every digit.
    return number if Decimal(repr(number)) == Decimal(text) else text


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            child
            for item in level
            if isinstance(item, (dict, list))
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return
    raise Malformed(Problem("too_deep", "", f"The body is nested more than {DEEPEST} levels deep."))


class Values:
    """A small JSON object with known keys of known types; null counts as absent."""

    def __init__(self, body: dict[str, Any], types: Mapping[str, type], required: Sequence[str] = ()) -> None:
        problems = [
            Problem("unknown_key", pointer(key), f"There is no {key!r} here.", f"Known: {', '.join(types)}.")
            for key in body
            if key not in types
        ]
        self.given = {key: value for key, value in body.items() if value is not None and key in types}
        words = {str: "a text", list: "a list", bool: "true or false", dict: "an object", int: "a whole number"}
        problems += [
            Problem("type", pointer(key), f"'{key}' has to be {words[types[key]]}.")
            for key, value in self.given.items()
            if type(value) is not types[key]
        ]
        problems += [
            Problem("required", pointer(key), f"'{key}' is needed.") for key in required if key not in self.given
        ]
        # PostgreSQL cannot store it, so it is in no name, address or password.
        problems += [
            Problem("value", pointer(key), "A text has no null character.")
            for key, value in self.given.items()
            if isinstance(value, str) and "\x00" in value
        ]
        if problems:
            raise Invalid(problems)

    def __getitem__(self, key: str) -> Any:
        return self.given[key]

    def get(self, key: str) -> Any:
        return self.given.get(key)

    def names(self, key: str) -> list[str] | None:
        """A list of texts, each once."""
        found = self.given.get(key)
        if found is None:
            return None
        if not all(isinstance(item, str) and len(item) <= 100 for item in found) or len(found) > 100:
            raise Invalid(Problem("type", pointer(key), f"'{key}' is a list of names."))
        return list(dict.fromkeys(found))

    def ids(self, key: str) -> list[UUID] | None:
        """A list of ids, each once."""
        found = self.names(key)
        try:
            return None if found is None else [UUID(item) for item in found]
        except ValueError:
            raise Invalid(Problem("type", pointer(key), f"'{key}' is a list of ids.")) from None

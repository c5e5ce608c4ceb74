"""Any JSON value."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any, ClassVar, Literal

from pydantic import Field as Setting

from xrm_core.fields.base import Field, ParseContext, Rejected, reject
from xrm_core.fields.json_rules import JsonRules, check_rules, written_out
from xrm_core.fields.numbers import LARGEST_INTEGER
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem, pointer

DEEPEST = 32
MOST_VALUES = 10_000
LONGEST = 262_144
"""Characters of all keys and texts together."""


class Json(Field):
    """Any JSON value, described by a JSON Schema of its own if need be."""

    kind: ClassVar[Kind] = Kind.OBJECT

    type: Literal["json"] = "json"
    rules: dict[str, Any] | None = Setting(
        default=None, alias="schema", description="A JSON Schema (2020-12) that values must satisfy."
    )

    @cached_property
    def _rules(self) -> JsonRules | None:
        return JsonRules(self.rules) if self.rules else None

    def check_settings(self) -> list[Problem]:
        problems = [problem.under("/schema") for problem in check_rules(self.rules)] if self.rules is not None else []
        return problems or super().check_settings()

    def value_schema(self) -> dict[str, Any]:
        return written_out(self.rules) if self.rules else {}

    def parse(self, raw: Any, context: ParseContext) -> Any:
        _check(raw)
        if self._rules is not None and (problems := self._rules.problems(raw)):
            raise Rejected(*problems)
        return raw

    def convert_from(self, source: Field, value: Any, context: ParseContext) -> Any:
        return self.parse(value, context)

    def parse_text(self, text: str, context: ParseContext) -> Any:
        if len(text) > LONGEST * 2:
            raise reject("too_long", f"At most {LONGEST} characters.")
        try:
            raw = json.loads(text)
        except RecursionError:
            raise reject("too_deep", f"At most {DEEPEST} levels.") from None
        except ValueError as error:
            place = f" in line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
            raise reject("json", f"This is not JSON{place}.", 'Write it like {"size": 3}.') from None
        return None if raw is None else self.parse(raw, context)

    def example(self) -> Any:
        if self.rules is None:
            return {"size": 3, "colours": ["red", "blue"]}
        given = self.rules.get("examples") or [self.rules.get("default")]
        return given[0] if isinstance(given, list) and given and given[0] is not None else None

    def project(self, value: Any) -> Any:
        return None


def _check(raw: Any) -> None:
    """Rejects what cannot be stored and read back unchanged; without recursion, so depth cannot hurt."""
    values, length = 0, 0
    rest: list[tuple[Any, tuple[str | int, ...]]] = [(raw, ())]
    while rest:
        value, place = rest.pop()
        values += 1
        if values > MOST_VALUES:
            raise reject("too_many", f"At most {MOST_VALUES} values.")
        if len(place) > DEEPEST:
            raise reject("too_deep", f"At most {DEEPEST} levels.", path=pointer(*place[:3]))
        if value is None or value is True or value is False:
            continue
        if isinstance(value, str):
            length += len(value)
            _check_text(value, place)
        elif isinstance(value, int):
            if abs(value) > LARGEST_INTEGER:
                raise reject(
                    "too_large", "The number has more than 15 digits.", "Send it as a string.", pointer(*place)
                )
        elif isinstance(value, float):
            if value - value != 0:
                raise reject("type", "A finite number is needed.", path=pointer(*place))
        elif isinstance(value, list):
            rest += [(item, (*place, index)) for index, item in enumerate(value[: MOST_VALUES + 1])]
        elif isinstance(value, dict) and len(value) <= MOST_VALUES:
            for key, item in value.items():
                if not isinstance(key, str):
                    raise reject("type", "The keys of an object are texts.", path=pointer(*place))
                length += len(key)
                _check_text(key, place)
                rest.append((item, (*place, key)))
        else:
            raise reject("type", "A JSON value is needed.", path=pointer(*place))
        if length > LONGEST:
            raise reject("too_long", f"At most {LONGEST} characters.")


def _check_text(text: str, place: tuple[str | int, ...]) -> None:
    if "\0" in text:
        raise reject("control_character", "The text holds the control character U+0000.", "Remove it.", pointer(*place))
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise reject(
                "encoding", "The text holds half of a surrogate pair.", "Send valid UTF-8.", pointer(*place)
            ) from None

"""One line of text."""

from __future__ import annotations

import re
import unicodedata
from functools import cached_property
from typing import Any, ClassVar, Literal

from pydantic import Field as Setting

from xrm_core.fields.base import Field, ParseContext, reject
from xrm_core.fields.patterns import UnsafePattern, example_of, safe_pattern
from xrm_core.fields.strings import clean
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem


class Text(Field):
    """One line of text, up to 500 characters."""

    kind: ClassVar[Kind] = Kind.TEXT

    type: Literal["text"] = "text"
    max_length: int = Setting(default=500, ge=1, le=500)
    pattern: str | None = Setting(
        default=None, min_length=1, description="A regular expression that the whole text must match."
    )
    case: Literal["upper", "lower"] | None = Setting(
        default=None, description="The text is stored in upper or lower case."
    )

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        return safe_pattern(self.pattern, self.max_length) if self.pattern else None

    def check_settings(self) -> list[Problem]:
        try:
            _ = self._pattern
        except UnsafePattern as error:
            return [
                Problem(
                    "pattern",
                    "/pattern",
                    f"The pattern cannot be used: {error}.",
                    "Use classes, groups and bounded repetitions.",
                )
            ]
        return super().check_settings()

    def value_schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": self.max_length}
        if self.pattern:
            schema["pattern"] = f"^(?:{self.pattern})$"
        return schema

    def parse(self, raw: Any, context: ParseContext) -> Any:
        text = clean(raw, self.max_length)
        if not text:
            return None
        if self.case is not None:
            text = unicodedata.normalize("NFC", text.upper() if self.case == "upper" else text.lower())
            if len(text) > self.max_length:
                raise reject("too_long", f"At most {self.max_length} characters; this has {len(text)}.")
        if self.pattern is not None and (self._pattern is None or not self._pattern.fullmatch(text)):
            raise reject(
                "pattern", "The text does not have the form that is asked for.", f"It must match {self.pattern}"
            )
        return text

    def example(self) -> Any:
        text = example_of(self.pattern) if self.pattern else "Senior accountant"[: self.max_length].strip()
        return text.upper() if self.case == "upper" else text.lower() if self.case == "lower" else text

    def search_text(self, value: Any) -> str:
        return str(value)

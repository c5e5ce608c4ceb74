"""A number of stars."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal

from pydantic import Field as Setting

from xrm_core.fields.base import Field, ParseContext, reject
from xrm_core.kernel.kinds import Kind

_TYPED = re.compile(r"(\d{1,3})(?:\s*/\s*(\d{1,3}))?", re.ASCII)


class Rating(Field):
    """A number of stars, from one to five or another limit."""

    kind: ClassVar[Kind] = Kind.INTEGER

    type: Literal["rating"] = "rating"
    max: int = Setting(default=5, ge=2, le=10)

    def value_schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": 1, "maximum": self.max}

    def parse(self, raw: Any, context: ParseContext) -> Any:
        if type(raw) is float and raw.is_integer():
            raw = int(raw)
        if type(raw) is not int:
            raise reject("type", "A whole number is needed.", f"Send a JSON number from 1 to {self.max}.")
        if not 1 <= raw <= self.max:
            raise reject("range", f"From 1 to {self.max} stars.", "Send null for no rating.")
        return raw

    def parse_text(self, text: str, context: ParseContext) -> Any:
        text = text.strip()
        if len(text) <= 20 and text.strip("\u2605\u2606\u2b50\ufe0f") == "":
            return self.parse(text.count("\u2605") + text.count("\u2b50"), context)
        found = _TYPED.fullmatch(text) if len(text) <= 20 else None
        if found is None or (found[2] and int(found[2]) != self.max):
            raise reject("type", f"From 1 to {self.max} stars.", f"Write a number such as {self.max}.")
        return self.parse(int(found[1]), context)

    def format(self, value: Any, context: ParseContext) -> str:
        return str(value)

    def example(self) -> Any:
        return self.max - 1

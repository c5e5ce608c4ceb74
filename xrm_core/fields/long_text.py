"""Text of many lines."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field as Setting

from xrm_core.fields.base import Field, ParseContext
from xrm_core.fields.mentions import mentioned
from xrm_core.fields.strings import clean
from xrm_core.kernel.kinds import Kind


class LongText(Field):
    """Text of many lines, without formatting."""

    kind: ClassVar[Kind] = Kind.TEXT
    beside: ClassVar[bool] = True

    type: Literal["long_text"] = "long_text"
    max_length: int = Setting(default=100_000, ge=1, le=1_000_000)

    def value_schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": self.max_length}

    def parse(self, raw: Any, context: ParseContext) -> Any:
        return clean(raw, self.max_length, multiline=True) or None

    def example(self) -> Any:
        return "Called back on Monday.\nAsks for the contract in writing."[: self.max_length].rstrip()

    def search_text(self, value: Any) -> str:
        return str(value)

    def mentioned(self, value: Any) -> list[str]:
        return mentioned(str(value))

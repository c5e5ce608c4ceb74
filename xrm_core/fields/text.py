"""One line of text."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field as Setting

from xrm_core.fields.base import Field, ParseContext, reject
from xrm_core.fields.strings import clean
from xrm_core.kernel.kinds import Kind


class Text(Field):
    """One line of text, up to 500 characters."""

    kind: ClassVar[Kind] = Kind.TEXT

    type: Literal["text"] = "text"
    max_length: int = Setting(default=500, ge=1, le=500)
    case: Literal["upper", "lower"] | None = None

    def value_schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": self.max_length}

    def parse(self, raw: Any, context: ParseContext) -> Any:
        text = clean(raw, self.max_length)
        if self.case == "upper":
            text = text.upper()
        elif self.case == "lower":
            text = text.lower()
        if not text:
            return None
        if len(text) > self.max_length:
            raise reject("too_long", f"At most {self.max_length} characters; this has {len(text)}.")
        return text

    def example(self) -> Any:
        return "Senior accountant"[: self.max_length].strip()

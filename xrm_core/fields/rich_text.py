"""Formatted text."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal

from pydantic import Field as Setting

from xrm_core.fields.base import Field, ParseContext
from xrm_core.fields.mentions import mentioned
from xrm_core.fields.strings import clean
from xrm_core.kernel.kinds import Kind

_TARGETS = re.compile(r"\]\([^()\s]{0,2000}\)")
_MARKS = re.compile(r"[*_`~#>|\[\]]+")


class RichText(Field):
    """Formatted text of many lines, written in Markdown."""

    kind: ClassVar[Kind] = Kind.TEXT
    beside: ClassVar[bool] = True

    type: Literal["rich_text"] = "rich_text"
    max_length: int = Setting(default=100_000, ge=1, le=1_000_000)

    def value_schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": self.max_length, "contentMediaType": "text/markdown"}

    def parse(self, raw: Any, context: ParseContext) -> Any:
        return clean(raw, self.max_length, multiline=True) or None

    def example(self) -> Any:
        return "## Tasks\n\n- Close the *monthly* accounts\n- Report to the board"[: self.max_length].rstrip()

    def search_text(self, value: Any) -> str:
        return _MARKS.sub(" ", _TARGETS.sub(" ", str(value)))

    def mentioned(self, value: Any) -> list[str]:
        return mentioned(str(value))

"""A running number."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any, ClassVar, Literal

from pydantic import Field as Setting

from xrm_core.fields.base import Field, ParseContext, reject
from xrm_core.fields.strings import clean
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem


class AutoNumber(Field):
    """A running number that the engine gives to each new record."""

    kind: ClassVar[Kind] = Kind.TEXT

    type: Literal["auto_number"] = "auto_number"
    prefix: str = Setting(
        default="",
        pattern=r"^([A-Za-z][A-Za-z0-9 ._/-]{0,18}[A-Za-z._/-]|[A-Za-z])?$",
        description="Stands before the digits; it does not end in a digit.",
    )
    digits: int = Setting(default=5, ge=1, le=12, description="Numbers are filled up with zeros to this length.")
    read_only: bool = True

    @cached_property
    def _form(self) -> re.Pattern[str]:
        return re.compile(re.escape(self.prefix) + r"([0-9]{1,15})", re.ASCII)

    def check_settings(self) -> list[Problem]:
        problems = [
            Problem("setting", f"/{key}", f"'{key}' has no meaning on a running number.", f"Remove '{key}'.")
            for key in ("required_when", "default")
            if getattr(self, key)
        ]
        return problems or super().check_settings()

    def takes_over(self, source: Field) -> bool:
        return isinstance(source, AutoNumber)

    def value_schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{re.escape(self.prefix).replace('/', '[/]')}[0-9]{{{self.digits},15}}$"}

    def parse(self, raw: Any, context: ParseContext) -> Any:
        text = clean(raw, 60)
        if not text:
            return None
        found = self._form.fullmatch(text)
        if found is None:
            raise reject("pattern", "This is not a number of this series.", f"It looks like {self.example()}.")
        return self.numbered(int(found[1]))

    def example(self) -> Any:
        return self.numbered(42)

    def numbered(self, number: int) -> str:
        """The stored value for a number."""
        return f"{self.prefix}{number:0{self.digits}d}"

    def number_of(self, value: str) -> int:
        """The number of a stored value."""
        return int(value[len(self.prefix) :])

    def search_text(self, value: Any) -> str:
        return str(value)

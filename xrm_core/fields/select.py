"""One of several options."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar, Literal

from pydantic import Field as Setting

from xrm_core.fields.base import Field, ParseContext
from xrm_core.fields.choices import MOST_OPTIONS, Choices, check_options
from xrm_core.fields.options import Option
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem


class Select(Field):
    """One choice out of a list of options."""

    kind: ClassVar[Kind] = Kind.TEXT

    type: Literal["select"] = "select"
    options: tuple[Option, ...] = Setting(min_length=1, max_length=MOST_OPTIONS)

    @cached_property
    def _choices(self) -> Choices:
        return Choices(self.options)

    def check_settings(self) -> list[Problem]:
        return check_options(self.options) + super().check_settings()

    def value_schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": [option.name for option in self.options]}

    def parse(self, raw: Any, context: ParseContext) -> Any:
        if isinstance(raw, str):
            if raw in self._choices.by_name:
                return raw
            if not raw.strip():
                return None
        raise self._choices.unknown(raw)

    def parse_text(self, text: str, context: ParseContext) -> Any:
        name = self._choices.name_of(text.strip())
        if name is None:
            raise self._choices.unknown(text)
        return name

    def format(self, value: Any, context: ParseContext) -> str:
        return self._choices.label(value, context.language)

    def example(self) -> Any:
        return next((option.name for option in self.options if not option.archived), self.options[0].name)

    def convert_from(self, source: Field, value: Any, context: ParseContext) -> Any:
        texts = [value] if isinstance(value, str) else []
        texts += [source.format(value, context), source.format(value, replace(context, language="en"))]
        if isinstance(value, bool):
            texts += ["true", "yes"] if value else ["false", "no"]
        found = next((name for text in texts if (name := self._choices.name_of(text.strip())) is not None), None)
        if found is None:
            raise self._choices.unknown(texts[0])
        return found

    def allows(self, value: Any) -> bool:
        return isinstance(value, str) and self._choices.offers(value)

    def option_label(self, name: str, language: str = "en") -> str:
        return self._choices.label(name, language)

    def search_text(self, value: Any) -> str:
        return self._choices.words((value,))

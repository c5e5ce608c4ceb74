"""Several options or free words."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any, ClassVar, Literal

from pydantic import Field as Setting

from xrm_core.fields.base import Field, ParseContext, Rejected, reject
from xrm_core.fields.choices import MOST_OPTIONS, Choices, check_options
from xrm_core.fields.options import Option
from xrm_core.fields.strings import clean
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem
from xrm_core.kernel.text import fold

LONGEST_WORD = 100
_MARKS = re.compile(r"[;\n]")


class MultiSelect(Field):
    """Several choices out of a list of options, or free words when it is open."""

    kind: ClassVar[Kind] = Kind.LIST

    type: Literal["multi_select"] = "multi_select"
    options: tuple[Option, ...] = Setting(default=(), max_length=MOST_OPTIONS)
    open: bool = Setting(default=False, description="Words that are not options are taken too.")
    max_items: int = Setting(default=100, ge=1, le=500)

    @cached_property
    def _choices(self) -> Choices:
        return Choices(self.options)

    def check_settings(self) -> list[Problem]:
        problems = check_options(self.options)
        if not self.open and not self.options:
            problems.append(
                Problem("required", "/options", "There is nothing to choose from.", "Add options, or make it open.")
            )
        return problems + super().check_settings()

    def value_schema(self) -> dict[str, Any]:
        item: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": LONGEST_WORD}
        if not self.open:
            item = {"type": "string", "enum": [option.name for option in self.options]}
        return {"type": "array", "items": item, "minItems": 1, "maxItems": self.max_items, "uniqueItems": True}

    def parse(self, raw: Any, context: ParseContext) -> Any:
        if not isinstance(raw, list):
            raise reject("type", "A list is needed.", 'Send a JSON list such as ["a", "b"].')
        # Doubles do not count; the bound only keeps the work small.
        if len(raw) > self.max_items * 4 + 100:
            raise reject("too_many", f"At most {self.max_items} entries; this has {len(raw)}.")
        known = self._choices.by_name
        found: dict[str, str] = {}
        for index, item in enumerate(raw):
            if isinstance(item, str) and item in known:
                found.setdefault(fold(item), item)
                continue
            word = self._word(item, index)
            if word:
                found.setdefault(fold(word), word)
        if len(found) > self.max_items:
            raise reject("too_many", f"At most {self.max_items} entries; this has {len(found)}.")
        return list(found.values()) or None

    def _word(self, item: Any, index: int) -> str | None:
        if not self.open:
            if isinstance(item, str) and not item.strip():
                return None
            raise Rejected(*(problem.under(f"/{index}") for problem in self._choices.unknown(item).problems))
        try:
            word = clean(item, LONGEST_WORD)
        except Rejected as rejected:
            raise Rejected(*(problem.under(f"/{index}") for problem in rejected.problems)) from None
        if "|" in word:
            raise reject("character", "A word cannot hold the mark |.", "Send two entries.", f"/{index}")
        return self._choices.name_of(word) or word

    def parse_text(self, text: str, context: ParseContext) -> Any:
        if len(text) > (LONGEST_WORD + 2) * self.max_items:
            raise reject("too_long", f"At most {self.max_items} entries.")
        parts = text.split("|") if "|" in text else _MARKS.split(text)
        if len(parts) == 1 and self._choices.name_of(text) is None:
            parts = text.split(",")
        words = [word for part in parts if (word := part.strip())]
        return self.parse([self._choices.name_of(word) or word for word in words], context)

    def format(self, value: Any, context: ParseContext) -> str:
        words = [self._choices.label(word, context.language) for word in value]
        mark = " | " if any("," in word or ";" in word for word in words) else ", "
        return mark.join(words) + (" |" if mark == " | " and len(words) == 1 else "")

    def example(self) -> Any:
        names = [option.name for option in self.options if not option.archived][: min(2, self.max_items)]
        return names or ["Python", "SQL"][: self.max_items]

    def allows(self, value: Any) -> bool:
        return isinstance(value, list) and all(
            self._choices.offers(name) or (self.open and name not in self._choices.by_name) for name in value
        )

    def option_label(self, name: str, language: str = "en") -> str:
        return self._choices.label(name, language)

    def search_text(self, value: Any) -> str:
        return self._choices.words(value)

    def convert_from(self, source: Field, value: Any, context: ParseContext) -> Any:
        if isinstance(value, list):
            return self.parse(value, context)
        return self.parse_text(source.format(value, context), context)

    def project(self, value: Any) -> Any:
        return [fold(word) for word in value] if value else None

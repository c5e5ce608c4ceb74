"""Yes or no."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from xrm_core.fields.base import Field, ParseContext, reject
from xrm_core.kernel.kinds import Kind

_YES = frozenset("yes y true t 1 on x ja j wahr oui o vrai si sì sí s vero verdadero sim tak da igen ano".split()) | {
    "✓",
    "✔",
}
_NO = frozenset("no n false f 0 off nein falsch non faux falso não nao nie ne nem nee -".split()) | {"✗", "✘"}
_WORDS = {"de": ("Ja", "Nein"), "fr": ("Oui", "Non"), "es": ("Sí", "No"), "it": ("Sì", "No"), "nl": ("Ja", "Nee")}


class Boolean(Field):
    """Yes or no."""

    kind: ClassVar[Kind] = Kind.BOOLEAN

    type: Literal["boolean"] = "boolean"

    def value_schema(self) -> dict[str, Any]:
        return {"type": "boolean"}

    def parse(self, raw: Any, context: ParseContext) -> Any:
        if raw is True or raw is False:
            return raw
        raise reject("type", "Yes or no is needed.", "Send true or false.")

    def parse_text(self, text: str, context: ParseContext) -> Any:
        word = text.strip()[:20].casefold()
        if word in _YES:
            return True
        if word in _NO:
            return False
        raise reject("type", "Yes or no is needed.", "Write yes or no.")

    def format(self, value: Any, context: ParseContext) -> str:
        yes, no = _WORDS.get(context.language.split("-")[0], ("Yes", "No"))
        return yes if value else no

    def example(self) -> Any:
        return True

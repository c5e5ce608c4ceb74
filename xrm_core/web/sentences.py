"""What the engine says about problems, in other languages: sentences with places for values, read from locales/problems."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache

from babel.messages.pofile import read_po

from xrm_core.web.i18n import LOCALES, negotiate

PLACE = re.compile(r"\{(\d)\}")
"""Where a value stands in a sentence, by its order in the English one: {1}, {2}."""
AT = re.compile(r"((?:line \d+, )?column \d+): (.+)", re.DOTALL)
"""How a problem of an expression begins: where in its text it is."""
Say = Callable[[str], str]


@cache
def catalogue(language: str) -> dict[str, str]:
    """The sentences of a language by the English ones."""
    found: dict[str, str] = {}
    for path in sorted((LOCALES / "problems").glob(f"*.{language}.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                if isinstance(message.id, str) and message.id and isinstance(message.string, str) and message.string:
                    found[message.id] = message.string
    return found


@cache
def speaker(locale: str) -> Say | None:
    """The function that says a problem's text in a language; None for English and languages without sentences.

    The engine writes English with values filled in. A text is found as it is, or by the sentence with places that it
    fits; of several the one with most words of its own. Values that are sentences or words themselves are turned too,
    and what stands after the place in an expression's text.
    """
    known = catalogue(locale.partition("@")[0].split("-")[0])
    if not known:
        return None
    placed = sorted((text for text in known if PLACE.search(text)), key=lambda text: -len(PLACE.sub("", text)))
    forms = [(_pattern(text), known[text]) for text in placed]

    @lru_cache(maxsize=2000)
    def say(text: str) -> str:
        if not text or text in known:
            return known.get(text, text)
        if at := AT.fullmatch(text):
            return f"{say(at[1])}: {say(at[2])}"
        for pattern, answer in forms:
            if fits := pattern.fullmatch(text):
                return filled(answer, fits)
        return text

    def filled(answer: str, fits: re.Match[str]) -> str:
        # A single word is a name more often than a sentence with values.
        values = ["", *(say(value) if " " in value else known.get(value, value) for value in fits.groups())]
        return PLACE.sub(lambda place: values[int(place[1])], answer)

    return say


@lru_cache(maxsize=200)
def for_header(accept_language: str) -> Say | None:
    """The same for an `Accept-Language` header."""
    return speaker(negotiate(accept_language))


def _filled(known: dict[str, str], values: tuple[str, ...], place: re.Match[str]) -> str:
    value = values[int(place[1]) - 1]
    return known.get(value, value)


def _pattern(text: str) -> re.Pattern[str]:
    parts = PLACE.split(text)
    return re.compile("".join("(.*?)" if at % 2 else re.escape(part) for at, part in enumerate(parts)), re.DOTALL)

"""What search knows of a record: its words, weighted, folded the way queries are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from xrm_core.kernel.text import fold
from xrm_core.storage.model import CompiledModule
from xrm_core.storage.rows import Row, SearchEntry

_WORD = re.compile(r"\w+")
_PARTS = re.compile(r"[^\s]+")
_NUMBER = re.compile(r"\+\d{8,15}(?!\d)")
MOST_WORDS = 2_000
LONGEST_WORD = 80
FOLDED_TITLE = 300


_SPELLED = str.maketrans(
    {"ß": "ss", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t"}
)
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})


def plain(text: str) -> str:
    """A text as it is searched: folded, and letters that a keyboard may lack written with those that it has."""
    return fold(text) if text.isascii() else fold(text).translate(_SPELLED)


def spelled_out(text: str) -> str | None:
    """The other way of writing umlauts, mueller for müller; None where there are none."""
    lower = unicodedata.normalize("NFC", text).lower()
    other = lower.translate(_UMLAUTS)
    return plain(other) if other != lower else None


@lru_cache(maxsize=8192)
def _short_words(text: str) -> tuple[str, ...]:
    return tuple(_words(text))


def _lexemes(text: str) -> Sequence[str]:
    return _short_words(text) if len(text) <= 60 else _words(text)


def _words(text: str) -> list[str]:
    """The folded words of a text as they stand in a `tsvector`; an address or number with signs in it also counts as one."""
    folded = plain(text)
    found = _WORD.findall(folded)
    if not text.isascii() and (other := spelled_out(text)) is not None:
        found += _WORD.findall(other)
    if "+" in folded:
        for number in _NUMBER.findall(folded):
            # Without the country code, of which nobody knows how long it is.
            found += [number[1 + code :] for code in (1, 2, 3)]
    if not folded.isascii() or "@" in folded or "." in folded or "-" in folded or "+" in folded:
        found += [part.strip(".,;:()") for part in _PARTS.findall(folded) if not part.isalnum()]
    return [word if word.isalnum() else _quoted(word) for word in found if word and len(word) <= LONGEST_WORD]


def vector(heavy: Iterable[str], light: Iterable[str]) -> str:
    """The text form of a `tsvector`: words of `heavy` texts weigh A, those of `light` texts B."""
    strong = dict.fromkeys(chain.from_iterable(map(_lexemes, heavy)))
    weak = dict.fromkeys(chain.from_iterable(map(_lexemes, light)))
    found = [f"'{word}':1A" for word in strong]
    found += [f"'{word}':2B" for word in weak if word not in strong]
    return " ".join(found[:MOST_WORDS])


def _quoted(word: str) -> str:
    return word.replace("\\", "\\\\").replace("'", "''")


def entry(module: CompiledModule, row: Row) -> SearchEntry | None:
    """The search entry of a record; None for modules that are not searched."""
    if not module.definition.searchable or module.definition.kind == "child":
        return None
    heavy: list[str] = [row.title]
    light: list[str] = []
    data = row.data
    for key, beside in _places(module):
        value = row.beside.get(key) if beside else data.get(key)
        if value is None:
            continue
        text = value if type(value) is str else search_text(value)
        if text:
            (light if beside or len(text) > 100 else heavy).append(text)
    return SearchEntry(row.title[:1000], plain(row.title[:FOLDED_TITLE]), vector(heavy, light))


def _places(module: CompiledModule) -> list[tuple[str, bool]]:
    found: list[tuple[str, bool]] | None = module.memo.get("searched_places")
    if found is None:
        found = module.memo["searched_places"] = [(field.id, field.beside) for field in searched(module)]
    return found


def searched(module: CompiledModule) -> list[Any]:
    """The fields whose words are searched."""
    found: list[Any] | None = module.memo.get("searched")
    if found is None:
        found = module.memo["searched"] = [field for field in module.fields.values() if field.definition.searchable]
    return found


def search_text(value: Any) -> str:
    """The words in a stored value, whatever its shape."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return str(
            value.get("full")
            or value.get("formatted")
            or value.get("name")
            or " ".join(search_text(part) for part in value.values())
        )
    if isinstance(value, list):
        return " ".join(search_text(part) for part in value)
    return str(value)

"""Folding text: one deterministic rule for comparing without regard to case and accents, the same in Python and SQL."""

from __future__ import annotations

import unicodedata

STROKES = dict(zip("łŁøØđĐħĦŧŦıƀɨƶƵɵ", "llooddhhttibizzo", strict=True))
"""Letters with a stroke, which Unicode does not take apart but people type without."""


def _simple(character: str) -> str:
    """The base letter of one character, lower-cased; the character itself where that would not be one character."""
    base = unicodedata.normalize("NFD", character)[0]
    if base in STROKES or base.lower() in STROKES:
        return STROKES.get(base) or STROKES[base.lower()]
    for folded in (base.lower(), character.lower(), base):
        if len(folded) == 1:
            return folded
    return character


def _table() -> dict[int, int]:
    # Latin, Greek and Cyrillic with their extensions: the scripts that have case or accents people leave out when typing.
    blocks = (range(0x41, 0x5B), range(0xC0, 0x250), range(0x370, 0x530), range(0x1E00, 0x2000))
    found: dict[int, int] = {}
    for block in blocks:
        for code in block:
            character = chr(code)
            if not unicodedata.category(character).startswith("L"):
                continue
            folded = _simple(character)
            if folded != character:
                found[code] = ord(folded)
    return found


FOLD_TABLE: dict[int, int] = _table()
FOLD_FROM = "".join(chr(code) for code in FOLD_TABLE if code > 0x7F)
FOLD_TO = "".join(chr(folded) for code, folded in FOLD_TABLE.items() if code > 0x7F)


def fold(text: str) -> str:
    """`text` as it is compared: lower case, without accents; the length in characters never changes."""
    return text.lower() if text.isascii() else text.translate(FOLD_TABLE)

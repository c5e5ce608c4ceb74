"""Cleaning text that comes from outside: what every text-like field type does first."""

from __future__ import annotations

import unicodedata

from xrm_core.fields.base import reject


def clean(raw: object, max_length: int, *, multiline: bool = False) -> str:
    """`raw` as NFC text without surrounding blanks; rejects other types, control characters, surrogates, overlength."""
    if not isinstance(raw, str):
        raise reject("type", "A text is needed.", "Send a JSON string.")
    if len(raw) > max_length * 2 + 1000:
        raise reject("too_long", f"At most {max_length} characters; this has {len(raw)}.")
    text = raw if raw.isascii() else unicodedata.normalize("NFC", raw)
    if multiline:
        text = text.replace("\r\n", "\n").replace("\r", "\n").rstrip()
    else:
        text = text.strip()
    if not text.isprintable():
        for character in text:
            if character in "\n\t" and multiline:
                continue
            category = unicodedata.category(character)
            if category == "Cs":
                raise reject("encoding", "The text holds half of a surrogate pair.", "Send valid UTF-8.")
            if category == "Cc":
                raise reject(
                    "control_character", f"The text holds the control character U+{ord(character):04X}.", "Remove it."
                )
    if len(text) > max_length:
        raise reject("too_long", f"At most {max_length} characters; this has {len(text)}.")
    return text

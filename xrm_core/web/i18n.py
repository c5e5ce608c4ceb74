"""Texts of the interface in other languages: gettext catalogues read from locales/*.po; English is the source."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

LOCALES = Path(__file__).resolve().parent / "locales"
PSEUDO = "en-XA"
"""A made-up language for tests: translated texts are longer and in brackets, so that untranslated ones stand out."""

Messages = dict[str, str | tuple[str, ...]]


@cache
def catalogue(language: str) -> Messages:
    """The translations of a language; empty for English and for languages without a catalogue."""
    path = LOCALES / f"{language}.po"
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        found = read_po(file, locale=language)
    messages: Messages = {}
    for message in found:
        if not message.id or not message.string or message.fuzzy:
            continue
        key = message.id if isinstance(message.id, str) else message.id[0]
        messages[key] = message.string if isinstance(message.string, str) else tuple(message.string)
    return messages


def languages() -> tuple[str, ...]:
    """The languages that the interface speaks."""
    return ("en", *sorted(path.stem for path in LOCALES.glob("*.po")))


def negotiate(header: str, default: str = "en") -> str:
    """The best language for an `Accept-Language` header."""
    wanted: list[tuple[float, str]] = []
    for part in header.split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            wanted.append((float(weight) if weight else 1.0, tag.strip().lower()))
        except ValueError:
            continue
    known = set(languages())
    for _, tag in sorted(wanted, key=lambda item: -item[0]):
        if tag.split("-")[0] in known:
            return tag.split("-")[0]
    return default


def _messages(locale: str) -> Messages:
    locale = locale.partition("@")[0]
    return catalogue(locale) or catalogue(locale.split("-")[0])


def _pseudo(text: str) -> str:
    return "[" + text + "~" * max(1, round(len(text) * 0.4)) + "]"


@cache
def translator(locale: str) -> Callable[[str], str]:
    """The function that translates a text into a language; formats that the locale carries do not matter here."""
    if "@" in locale:
        return translator(locale.partition("@")[0])
    if locale == PSEUDO:
        return _pseudo
    messages = _messages(locale)

    def translate(text: str) -> str:
        found = messages.get(text)
        return text if found is None else found if isinstance(found, str) else found[0]

    return translate


@cache
def plural_translator(locale: str) -> Callable[[str, str, int], str]:
    """The function that translates a text with a count."""
    if locale == PSEUDO:
        return lambda one, many, count: _pseudo(one if count == 1 else many)
    messages = _messages(locale)

    def translate(one: str, many: str, count: int) -> str:
        found = messages.get(one)
        if isinstance(found, tuple):
            return found[0] if count == 1 else found[-1]
        return one if count == 1 else many

    return translate


@cache
def browser_texts(locale: str) -> str:
    """The translations that the scripts need, as JSON."""
    texts = (LOCALES / "browser.txt").read_text("utf-8").splitlines()
    translate = translator(locale)
    found = {text: translate(text) for text in texts if text and translate(text) != text}
    return json.dumps(found, ensure_ascii=False)


@cache
def browser_script(locale: str) -> tuple[str, bytes]:
    """The name and body of the script that sets these translations; the name follows the body, so it is kept for ever."""
    body = f"globalThis.xrmTexts={browser_texts(locale)};".encode()
    return f"texts-{locale}-{hashlib.sha256(body).hexdigest()[:8].upper()}.js", body

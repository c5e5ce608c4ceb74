"""Telling the encoding of a text file that does not say it: by marks, by validity, then by which letters make sense."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

import charset_normalizer

LATIN = "cp1252"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BLOCK = 1 << 20
_ODD_BYTES = re.compile(rb"[\x80-\xff]+")
_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_MOST_ODD_LINES = 2_000

_WESTERN = "äöüßéèêëàâáãåæçñóòôõøœíìîïúùûýÿšžđ"
_CENTRAL = "ąćęłńóśźżáčďéěíňřšťúůýžőűăâîșțşţđĺľŕ"
_TURKISH = "çğıöşüâî"
_CYRILLIC = "оеаинтсрвлкмдпуяызбгчйхжшюцщэфё"
_GREEK = "αοιετσνςρκηυάλίόμπέήδγωύώθχφβξζψ"
_LATIN_LETTERS = (_WESTERN, _CENTRAL, _TURKISH)
# In the order in which they win a tie; the common letters, and how many of them are enough.
_SINGLE_BYTE: tuple[tuple[str, str], ...] = (
    (LATIN, _WESTERN), ("cp1250", _CENTRAL), ("cp1254", _TURKISH), ("iso8859_15", _WESTERN), ("iso8859_2", _CENTRAL),
    ("mac_roman", _WESTERN), ("cp850", _WESTERN), ("cp1251", _CYRILLIC), ("koi8_r", _CYRILLIC), ("iso8859_5", _CYRILLIC),
    ("cp1253", _GREEK), ("iso8859_7", _GREEK),
)  # fmt: skip
_SIGNS = frozenset("“”„’‘–—€…°©®™£§•«»·´\xa0½²³ªº¿¡")
_FREQUENT = 12
_ASIAN = ("cp932", "gb18030", "big5", "euc_kr")
_GOOD_ENOUGH = 0.8


@dataclass(frozen=True, slots=True)
class Encoding:
    """The encoding of a file as Python names it; `certain` unless it was guessed from the letters."""

    name: str
    certain: bool
    breaks: int = 0
    """How many line ends the file has: an estimate of its rows."""


def _keep_byte(error: UnicodeError) -> tuple[str, int]:
    # What a code page leaves undefined becomes the control character of that number, which fields refuse by name.
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error("xrm-keep", _keep_byte)


def errors_for(encoding: str) -> str:
    """How to decode so that one wrong byte spoils one cell, not the file."""
    return "surrogateescape" if encoding.startswith("utf-8") else "xrm-keep" if _is_single(encoding) else "replace"


def _is_single(encoding: str) -> bool:
    return any(encoding == name for name, _ in _SINGLE_BYTE)


def known(name: str) -> str | None:
    """The canonical name of an encoding that Python has; None when it does not exist or is not for text."""
    try:
        found = codecs.lookup(name.strip()[:40])
    except (LookupError, ValueError):
        return None
    return found.name if found._is_text_encoding else None


def find_encoding(stream: BinaryIO) -> Encoding:
    """Read the whole stream once, block by block, and say how it is encoded."""
    head = stream.read(_BLOCK)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return Encoding(name, True, _breaks(head, stream))
    wide = _wide(head)
    if wide is not None:
        return Encoding(wide, True, _breaks(head, stream))
    breaks = 0
    valid = invalid = 0
    odd: list[bytes] = []
    block, rest = head, b""
    while block:
        whole = rest + block
        cut = max(whole.rfind(b"\n"), whole.rfind(b"\r")) + 1
        if cut <= 0 or len(whole) - cut > _BLOCK:
            cut = len(whole)
        part, rest = whole[:cut], whole[cut:]
        breaks += _count(part)
        found_valid, found_invalid = _judge(part, odd)
        valid, invalid = valid + found_valid, invalid + found_invalid
        block = stream.read(_BLOCK)
    if rest:
        breaks += 1
        found_valid, found_invalid = _judge(rest, odd)
        valid, invalid = valid + found_valid, invalid + found_invalid
    if not invalid or valid >= 10 * invalid:
        return Encoding("utf-8", not invalid, breaks)
    return Encoding(guess(odd), False, breaks)


def _judge(part: bytes, odd: list[bytes]) -> tuple[int, int]:
    """(valid, invalid) sequences beyond ASCII; lines that have such are collected for the guess."""
    if part.isascii():
        return 0, 0
    valid = len(_MULTIBYTE.findall(part))
    try:
        part.decode("utf-8")
        invalid = 0
    except UnicodeDecodeError:
        invalid = len(_ODD_BYTES.findall(_MULTIBYTE.sub(b"", part)))
    if len(odd) < _MOST_ODD_LINES:
        odd += [line for line in part.splitlines() if not line.isascii()][: _MOST_ODD_LINES - len(odd)]
    return valid, invalid


def _wide(head: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of plain text is zero."""
    sample = head[:4096]
    if len(sample) < 8 or sample.count(0) < len(sample) // 4:
        return None
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if even > odd * 4:
        return "utf-16-be"
    return "utf-16-le" if odd > even * 4 else None


def _breaks(head: bytes, stream: BinaryIO) -> int:
    found = 0
    block = head
    while block:
        found += _count(block)
        block = stream.read(_BLOCK)
    return found


def _count(part: bytes) -> int:
    return part.count(b"\n") or part.count(b"\r")


def guess(lines: Iterable[bytes]) -> str:
    """The one-byte or East Asian encoding in which these lines make most sense."""
    sample = b"\n".join(lines)[:200_000]
    best, best_score = LATIN, -10.0
    for name, common in _SINGLE_BYTE:
        score = _plausible(sample, name, common)
        if score > best_score + 0.01:
            best, best_score = name, score
    if best_score < _GOOD_ENOUGH and any(len(run) > 3 for run in _ODD_BYTES.findall(sample)):
        match = charset_normalizer.from_bytes(sample, cp_isolation=list(_ASIAN), threshold=0.3).best()
        if match is not None:
            return match.encoding
    return best


def _plausible(sample: bytes, name: str, common: str) -> float:
    """How much sense the bytes beyond ASCII make: letters of the language good, signs inside of words bad; at most 1."""
    text = sample.decode(name, "xrm-keep")
    total = score = 0.0
    for index, character in enumerate(text):
        if character < "\x80":
            continue
        total += 1
        before, after = text[index - 1 : index], text[index + 1 : index + 2]
        lower = character.lower()
        if character.isalpha():
            latin = common in _LATIN_LETTERS
            # Latin texts have single letters beyond ASCII, other scripts have words of them.
            strange = before + after if not latin else ""
            if any("a" <= other.lower() <= "z" for other in strange):
                score -= 1.0
                continue
            at = common.find(lower)
            if latin and not (before + after).strip(" ,;|\t\r\n"):
                score += 0.3  # a letter on its own says little
            else:
                score += (0.3 if latin else -0.3) if at < 0 else 1.0 if at < _FREQUENT or latin else 0.7
            if latin and any(other > "\x7f" and other.isalpha() for other in (before, after)):
                score -= 0.5
            if character != lower and before.isalpha() and before.islower():
                score -= 1.2  # a capital inside of a word
        elif character in _SIGNS:
            inside = before.isalpha() and after.isalpha() and character not in "’´·"
            score += -1.0 if inside else 0.4
        else:
            score -= 1.0
    return score / total if total else 0.0

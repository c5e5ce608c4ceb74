"""Versions and version ranges: `1.2.3` in `>=1.0,<2`."""

from __future__ import annotations

import re

Version = tuple[int, int, int]
_PART = re.compile(r"(>=|<=|==|!=|>|<|~)\s*(\d{1,6})(?:\.(\d{1,6}))?(?:\.(\d{1,6}))?", re.ASCII)


def version_of(text: str) -> Version:
    """The numbers of a version; missing ones are 0, what follows them is ignored."""
    numbers = re.findall(r"\d{1,6}", text.split("-")[0].split("+")[0])[:3]
    first, second, third = (*(int(number) for number in numbers), 0, 0, 0)[:3]
    return first, second, third


def is_range(text: str) -> bool:
    """Whether a text is a range: comparisons joined with commas, or `*`."""
    return text.strip() == "*" or all(_PART.fullmatch(part.strip()) for part in text.split(","))


def in_range(version: str, text: str) -> bool:
    """Whether a version lies in a range; `~1.2` means at least 1.2 and below 2."""
    if text.strip() == "*":
        return True
    here = version_of(version)
    for part in text.split(","):
        match = _PART.fullmatch(part.strip())
        if match is None:
            return False
        sign = match.group(1)
        there = version_of(".".join(number for number in match.groups()[1:] if number is not None))
        holds = {
            ">=": here >= there,
            "<=": here <= there,
            "==": here == there,
            "!=": here != there,
            ">": here > there,
            "<": here < there,
            "~": there <= here < (there[0] + 1, 0, 0),
        }[sign]
        if not holds:
            return False
    return True

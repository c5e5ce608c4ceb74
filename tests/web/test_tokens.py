"""The colours of the design system are readable: every pair of text and ground, both themes."""

from __future__ import annotations

import re

import pytest

from tests.web.texts import WEB

CSS = (WEB / "src/styles/tokens.css").read_text("utf-8")
PAIRS = dict(re.findall(r"--([\w-]+): light-dark\((#\w{6}, #\w{6})\)", CSS.split('[data-hue="gray"]')[0]))
HUES = dict(re.findall(r'\[data-hue="(\w+)"\] \{(.*)\}', CSS))
THEMES = {"light": 0, "dark": 1}


def colour(name: str, theme: str) -> str:
    return PAIRS[name].split(", ")[THEMES[theme]]


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("text", ["fg", "fg-2", "fg-3", "accent", "ok", "warn", "bad"])
@pytest.mark.parametrize("ground", ["bg", "surface", "surface-2"])
def test_A9_text_is_readable_on_every_ground(theme: str, text: str, ground: str) -> None:
    assert contrast(colour(text, theme), colour(ground, theme)) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("on-accent", "accent"),
        ("on-accent", "accent-hover"),
        ("accent", "accent-soft"),
        ("bad", "bad-soft"),
        ("fg", "accent-soft"),
    ],
)
def test_A9_text_is_readable_on_coloured_grounds(theme: str, text: str, ground: str) -> None:
    assert contrast(colour(text, theme), colour(ground, theme)) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ground", ["bg", "surface", "surface-2"])
def test_A9_borders_of_inputs_are_visible(theme: str, ground: str) -> None:
    assert contrast(colour("line-strong", theme), colour(ground, theme)) >= 3


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("hue", "gray red orange amber lime green teal cyan blue indigo violet pink".split())
def test_A9_the_twelve_hues_are_readable(theme: str, hue: str) -> None:
    found = dict(re.findall(r"--hue-(\w+): light-dark\((#\w{6}, #\w{6})\)", HUES[hue]))
    ground, text = (found[key].split(", ")[THEMES[theme]] for key in ("bg", "fg"))
    assert contrast(text, ground) >= 4.5

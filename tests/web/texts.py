"""Finds every text of the interface in templates, Python and scripts."""

from __future__ import annotations

import re
from pathlib import Path

from jinja2 import Environment
from jinja2.ext import babel_extract

WEB = Path(__file__).resolve().parents[2] / "xrm_core" / "web"
_STRING = r'"((?:[^"\\]|\\.)*)"'


def in_templates() -> set[str]:
    """Texts in `_()` and `ngettext()`; of a plural the singular is the key."""
    found: set[str] = set()
    for path in (WEB / "templates").rglob("*.jinja"):
        with path.open("rb") as file:
            for _, _, message, _ in babel_extract(file, ("_", "ngettext"), [], {"trimmed": "false"}):
                text = message[0] if isinstance(message, tuple) else message
                if text:
                    found.add(text)
    return found


def in_scripts() -> set[str]:
    """Texts in `t()`."""
    found: set[str] = set()
    for path in (WEB / "src").rglob("*.ts"):
        found |= set(re.findall(rf"\bt\({_STRING}", path.read_text("utf-8")))
    spans = re.search(r"const SPANS = \[(.*?)\]", (WEB / "src/elements/filter.ts").read_text("utf-8"), re.S)
    assert spans
    return found | {span.replace("_", " ") for span in re.findall(r'"(\w+)"', spans.group(1))}


def in_python() -> set[str]:
    """Texts in `.t()` and `t()` of the web package."""
    found: set[str] = set()
    for path in WEB.rglob("*.py"):
        found |= set(re.findall(rf"\b_?t\({_STRING}", path.read_text("utf-8")))
    return found


def parses() -> None:
    """Every template compiles."""
    environment = Environment(extensions=["jinja2.ext.i18n"])
    for path in (WEB / "templates").rglob("*.jinja"):
        environment.parse(path.read_text("utf-8"))

"""Finds every text of the interface in templates, Python and scripts."""

from __future__ import annotations

import re
from pathlib import Path

from jinja2 import Environment
from jinja2.ext import babel_extract

from xrm_core.automation.telling import REASONS
from xrm_core.web.arranging import LAYOUTS
from xrm_core.web.automation_inputs import said_texts
from xrm_core.web.calendars import SPANS as CALENDAR_SPANS
from xrm_core.web.describe import SYSTEM_TYPES
from xrm_core.web.filter_fields import MORE_UNITS, OPERATORS, SPANS
from xrm_core.web.moneylines import PERIODS
from xrm_core.web.problems import TITLES

WEB = Path(__file__).resolve().parents[2] / "xrm_core" / "web"
UNITS = ("day", "days", "month", "months", "business day", "business days", "hour", "hours", "week", "year")
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
    return found


def in_python() -> set[str]:
    """Texts in `.t()` and `t()` of the web package."""
    found: set[str] = set()
    for path in WEB.rglob("*.py"):
        text = path.read_text("utf-8")
        found |= set(re.findall(rf"\b_?t\(\s*{_STRING}", text)) | set(re.findall(rf"\.plural\(\s*{_STRING}", text))
    found |= {label for operators in OPERATORS.values() for _, label, _ in operators}
    found |= {word.replace("_", " ") for word in (*SPANS, *MORE_UNITS)} | {"start", "end"}
    found |= {label for _, label, _ in LAYOUTS} | {label for _, label in (*CALENDAR_SPANS, *PERIODS)}
    found |= said_texts() | set(REASONS.values())
    found |= {label for label, _ in SYSTEM_TYPES.values()} | set(TITLES.values())
    return (
        found | set(UNITS) | {"Archived", "Restored", "Erased", "created it", "archived it", "restored it", "merged it"}
    )


def parses() -> None:
    """Every template compiles."""
    environment = Environment(extensions=["jinja2.ext.i18n"])
    for path in (WEB / "templates").rglob("*.jinja"):
        environment.parse(path.read_text("utf-8"))

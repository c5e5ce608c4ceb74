"""The settings: every variable with its default."""

from __future__ import annotations

from xrm_core.cli.reference.pages import table
from xrm_core.settings import OPTIONS


def text() -> str:
    """One row per setting."""
    rows = [
        (
            f"`{option.variable}`",
            f"`{option.default}`" if option.default else "",
            option.help + (" Secret." if option.secret else ""),
        )
        for option in OPTIONS
    ]
    return table(("variable", "default", "what it is for"), rows)

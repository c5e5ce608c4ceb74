"""The parts of the documents that are made from the code: each has a name and stands between two marks in a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import click

from xrm_core.cli.reference import commands, definitions, errors, expressions, field_types, rest, settings

PARTS: Mapping[str, Callable[[], str]] = {
    "field-types": field_types.text,
    "field-settings": field_types.shared_settings,
    "functions": expressions.functions,
    "operators": expressions.operators,
    "arithmetic": expressions.arithmetic,
    "json-operators": expressions.json_operators,
    "spans": expressions.spans,
    "limits": expressions.limits,
    "definitions": definitions.text,
    "calls": rest.calls,
    "record-calls": rest.record_calls,
    "statuses": errors.statuses,
    "codes": errors.codes,
    "settings": settings.text,
}
"""Every part that needs nothing but the code, by name."""


def parts(xrm: click.Group) -> dict[str, Callable[[], str]]:
    """All parts; the commands are read from `xrm`."""
    return {**PARTS, "commands": lambda: commands.text(xrm)}

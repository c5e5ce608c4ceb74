"""The definition files: every key of modules, views, roles and packs, from the models that read them."""

from __future__ import annotations

from typing import Any

from xrm_core.cli.reference.shapes import settings_table
from xrm_core.definitions.json_schemas import FILES, schema_of
from xrm_core.fields import FIELD_TYPES

_FIELD_TYPES = frozenset(each.__name__ for each in FIELD_TYPES)
_HIDDEN = frozenset({"$schema"})


def text() -> str:
    """A section for each kind of file, and for each object inside of it that is no field."""
    sections: list[str] = []
    shown: set[str] = set()
    for kind, model in FILES.items():
        sections += _section(model.__name__, schema_of(kind), shown)
    return "\n\n".join(sections)


def _section(name: str, schema: dict[str, Any], shown: set[str]) -> list[str]:
    found: list[str] = []
    inner = {key: one for key, one in schema.get("$defs", {}).items() if key not in _FIELD_TYPES}
    for key, one in [(name, schema), *sorted(inner.items())]:
        if key in shown or "properties" not in one:
            continue
        shown.add(key)
        found += [f"## {key}", str(one.get("description", "")), settings_table(one, without=_HIDDEN)]
    return [one for one in found if one]

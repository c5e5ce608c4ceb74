"""The field types: what each stores, what it takes, and its settings."""

from __future__ import annotations

import json
from typing import Any

from xrm_core.cli.reference.pages import table
from xrm_core.cli.reference.shapes import settings_table
from xrm_core.fields import FIELD_TYPES, Field, field_adapter

_OPTIONS = [{"name": "new", "label": "New"}, {"name": "done", "label": "Done", "hue": "green"}]
_NEEDED: dict[str, dict[str, Any]] = {
    "select": {"options": _OPTIONS},
    "multi_select": {"options": _OPTIONS},
    "formula": {"formula": "price * quantity"},
    "rollup": {"link": "lines", "function": "sum", "field": "amount"},
    "lookup": {"link": "company", "field": "city"},
}
"""Settings that a type cannot be made without, for its example."""
_SHARED = frozenset(Field.model_fields)
_DESCRIPTIONS = {
    "type": "Which field type it is.",
    "id": "The stable id: the first name. Needed only after a rename.",
    "name": "What expressions and the API call it.",
    "label": "What people see: a text, or texts by language.",
    "help": "One or two sentences for the person who fills it in.",
    "required": "A record cannot be stored without it.",
    "unique": "No two live records have the same value; text compares folded.",
    "indexed": "Gets a typed column with an index of its own: fast to filter, sort and group by.",
    "searchable": "Its words are found by the search over all modules.",
    "personal": "`personal` or `special`: data about a person.",
    "read_only": "Only the engine and imports write it.",
    "archived": "Retired: hidden and no longer written; its data stays.",
    "default": 'A value for new records, or `{"expression": "..."}`.',
    "takes_from": "Where existing records get a value from when the field is added or its type changes.",
    "required_when": "A condition over the record that makes it required.",
    "visible_when": "A condition over the record; where it does not hold, forms leave the field out.",
    "read_only_when": "A condition over the record that forbids a change.",
}


def shared_settings() -> str:
    """The settings that all types have."""
    schema = Field.model_json_schema()
    for name, one in schema["properties"].items():
        one["description"] = _DESCRIPTIONS[name]
    schema["required"] = ["type", "name", "label"]
    return settings_table(schema)


def text() -> str:
    """An overview of all types, then a section for each."""
    rows = []
    for each in FIELD_TYPES:
        field = example_of(each)
        rows.append(
            (
                f"[`{field.type}`](#{field.type})",
                _summary(each),
                str(each.kind) if not each.computed else "its result's",
            )
        )
    return "\n\n".join(
        [table(("type", "what it holds", "value kind"), rows), *(_section(each) for each in FIELD_TYPES)]
    )


def example_of(each: type[Field]) -> Field:
    """A field of a type with no more settings than it needs."""
    tag = each.model_fields["type"].default
    return field_adapter.validate_python({"type": tag, "name": "thing", "label": "Thing", **_NEEDED.get(tag, {})})


def _section(each: type[Field]) -> str:
    field = example_of(each)
    lines = [
        f"## {field.type}",
        _summary(each),
        f"Stored and answered as: `{json.dumps(field.example(), ensure_ascii=False)}`",
    ]
    if each.attributes:
        parts = ", ".join(f"`.{name}` ({kind})" for name, kind in each.attributes.items())
        lines.append(f"Expressions may read its parts: {parts}.")
    lines.append(" ".join(_facts(each)))
    settings = settings_table(each.model_json_schema(), without=_SHARED)
    return "\n\n".join([*lines, settings] if settings else lines)


def _facts(each: type[Field]) -> list[str]:
    def can(setting: str) -> bool:
        made = example_of(each).model_copy(update={setting: True})
        return not any(problem.path == f"/{setting}" for problem in made.check_settings())

    able = [word for word in ("indexed", "unique") if can(word)]
    found = [f"Can be {' and '.join(able)}." if able else "Cannot be indexed or unique."]
    if each.computed:
        found.append("Computed by the engine and never written.")
    if each.beside:
        found.append("Stored beside the record's row, so that it does not slow lists down.")
    return found


def _summary(each: type[Field]) -> str:
    return (each.__doc__ or "").strip().splitlines()[0]

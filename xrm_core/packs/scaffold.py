"""A new pack to start from: small, right, and with one example of everything."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from xrm_core.definitions.names import LONGEST_NAME
from xrm_core.fields.base import NAME_PATTERN
from xrm_core.kernel.errors import Conflict, Invalid
from xrm_core.kernel.problem import Problem


def scaffold(parent: Path, name: str, label: str | None = None) -> list[Path]:
    """Write the files of a pack called `name` into a folder of that name below `parent`; the files written."""
    if not _is_name(name):
        message = f"'{name}' is no name: lower-case letters, digits and underscores, at most {LONGEST_NAME}."
        raise Invalid(Problem("name", "", message, "For example room_booking."))
    root = parent / name
    if root.exists() and any(root.iterdir()):
        raise Conflict(Problem("exists", "", f"{root} is not empty.", "Choose another name or folder."))
    title = label or name.replace("_", " ").capitalize()
    files: dict[str, str] = {
        "pack.json": _json(_manifest(name, title)),
        "README.md": f"# {title}\n\nWhat this pack is for, and what it brings.\n\nCheck it: `xrm pack check {name}`\n",
        "CHANGELOG.md": "# Changes\n\n## 0.1.0\n\nThe first version.\n",
        "modules/items.json": _json(_ITEMS),
        "modules/visits.json": _json(_VISITS),
        "roles/item_keeper.json": _json(_ROLE),
        "scenarios/a_visit.json": _json(_SCENARIO),
        "sample_data/items.csv": "key,name,status,bought_on\nfirst,First item,active,today-30\nsecond,Second item,resting,today-5\n",
        "sample_data/visits.csv": "key,item,on,stage,minutes\n1,first,today-10,done,45\n2,second,today+3,planned,\n",
    }
    written = []
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        written.append(target)
    return written


def _is_name(name: str) -> bool:
    return re.fullmatch(NAME_PATTERN, name) is not None


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _manifest(name: str, label: str) -> dict[str, Any]:
    return {
        "name": name,
        "version": "0.1.0",
        "label": label,
        "description": "What this pack is for, in one sentence.",
        "core": ">=0.1",
        "languages": ["en"],
    }


_ITEMS: dict[str, Any] = {
    "name": "items",
    "label": "Item",
    "label_plural": "Items",
    "icon": "box",
    "order": 10,
    "title": "{{ name }}",
    "fields": [
        {"name": "name", "type": "text", "label": "Name", "required": True, "indexed": True, "searchable": True},
        {
            "name": "status",
            "type": "select",
            "label": "Status",
            "options": [
                {"name": "active", "label": "Active", "hue": "green"},
                {"name": "resting", "label": "Resting", "hue": "gray"},
            ],
            "default": "active",
            "indexed": True,
        },
        {"name": "bought_on", "type": "date", "label": "Bought on"},
        {"name": "age", "type": "formula", "label": "Age in days", "formula": "days_between(bought_on, today())"},
        {
            "name": "minutes",
            "type": "rollup",
            "label": "Minutes",
            "link": "visits",
            "function": "sum",
            "field": "minutes",
        },
    ],
    "layout": {
        "sections": [{"name": "main", "label": "Item", "fields": ["name", "status", "bought_on", "age", "minutes"]}],
        "quick_create": ["name", "status"],
    },
    "views": [
        {
            "name": "all",
            "label": "All items",
            "columns": ["name", "status", "minutes"],
            "sort": ["name"],
            "default": True,
        }
    ],
}

_VISITS: dict[str, Any] = {
    "name": "visits",
    "label": "Visit",
    "label_plural": "Visits",
    "icon": "calendar",
    "order": 20,
    "title": "{{ item.name }} on {{ on }}",
    "fields": [
        {"name": "on", "type": "date", "label": "On", "required": True, "indexed": True},
        {"name": "minutes", "type": "integer", "label": "Minutes", "min": 0},
    ],
    "links": [
        {
            "name": "item",
            "label": "Item",
            "to": ["items"],
            "required": True,
            "on_delete": "restrict",
            "inverse": {"name": "visits", "label": "Visits"},
        }
    ],
    "pipelines": [
        {
            "name": "visit",
            "label": "Stage",
            "stages": [
                {"name": "planned", "label": "Planned"},
                {"name": "done", "label": "Done", "category": "won", "requires": ["minutes"]},
                {"name": "cancelled", "label": "Cancelled", "category": "lost"},
            ],
        }
    ],
    "layout": {"sections": [{"name": "main", "label": "Visit", "fields": ["item", "on", "minutes"]}]},
    "views": [
        {"name": "board", "label": "Board", "layout": "board", "card_fields": ["item", "on"], "default": True},
        {"name": "open", "label": "Still to come", "filter": "stage == 'planned' and on >= today()", "sort": ["on"]},
    ],
}

_ROLE: dict[str, Any] = {
    "name": "item_keeper",
    "label": "Item keeper",
    "modules": {
        "items": {"see": "all", "create": True, "edit": "all", "archive": "all"},
        "visits": {"see": "all", "create": True, "edit": "own", "archive": "own"},
    },
}

_SCENARIO: dict[str, Any] = {
    "name": "a_visit",
    "label": "A visit is done and counted",
    "now": "2026-03-02T09:00:00Z",
    "given": [
        {"module": "items", "key": "first", "values": {"name": "First item", "bought_on": "2026-02-01"}},
        {"module": "visits", "key": "visit", "values": {"item": "@first", "on": "2026-03-10"}},
    ],
    "steps": [
        {"do": "expect", "key": "first", "values": {"age": 29, "minutes": 0}},
        {"do": "wait", "days": 8},
        {"do": "refused", "step": {"do": "move", "key": "visit", "stage": "done"}, "at": ["minutes"]},
        {"do": "update", "key": "visit", "values": {"minutes": 45}},
        {"do": "move", "key": "visit", "stage": "done"},
        {"do": "expect", "key": "first", "values": {"age": 37, "minutes": 45}},
    ],
}

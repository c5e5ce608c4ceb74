"""A small family of packs: one in three versions, and two that extend it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from xrm_core.packs.layout import PackContents
from xrm_core.packs.read import read_pack

BOOKS: dict[str, Any] = {
    "name": "books",
    "label": "Book",
    "label_plural": "Books",
    "title": "{{ name }}",
    "fields": [
        {"name": "name", "type": "text", "label": "Name", "required": True},
        {"name": "pages", "type": "integer", "label": "Pages", "indexed": True},
        {
            "name": "state",
            "type": "select",
            "label": "State",
            "options": [{"name": n, "label": n.title()} for n in ("new", "used", "worn", "lost")],
        },
        {
            "name": "topics",
            "type": "multi_select",
            "label": "Topics",
            "options": [{"name": n, "label": n.title()} for n in ("art", "craft", "law")],
        },
        {"name": "thick", "type": "formula", "label": "Thick", "formula": "pages > 500"},
        {"name": "shelf", "type": "text", "label": "Shelf"},
    ],
    "links": [{"name": "author", "label": "Author", "to": ["authors"], "inverse": {"name": "books", "label": "Books"}}],
    "pipelines": [
        {
            "name": "lending",
            "label": "Lending",
            "stages": [
                {"name": "ordered", "label": "Ordered"},
                {"name": "arrived", "label": "Arrived"},
                {"name": "on_shelf", "label": "On the shelf"},
                {"name": "gone", "label": "Gone", "category": "lost"},
            ],
        }
    ],
    "layout": {
        "sections": [
            {"name": "main", "label": "Main", "fields": ["name", "pages", "state"]},
            {"name": "more", "label": "More", "fields": ["topics", "shelf"]},
        ]
    },
    "views": [{"name": "all", "label": "All", "columns": ["name", "state"], "filter": "state != 'lost'"}],
}
AUTHORS: dict[str, Any] = {
    "name": "authors",
    "label": "Author",
    "label_plural": "Authors",
    "title": "{{ name }}",
    "fields": [
        {"name": "name", "type": "text", "label": "Name", "required": True},
        {"name": "worn_books", "type": "rollup", "label": "Worn", "link": "books", "function": "count",
         "where": "state == 'worn'"},
        {"name": "in_stock", "type": "rollup", "label": "In", "link": "books", "function": "count",
         "where": "stage == 'on_shelf'"},
    ],
}  # fmt: skip


def library(version: str = "1.0.0") -> dict[str, Any]:
    """The files of the pack `library`."""
    books, authors = copy.deepcopy(BOOKS), copy.deepcopy(AUTHORS)
    files: dict[str, Any] = {"modules/books.json": books, "modules/authors.json": authors}
    if version >= "1.1.0":
        # A field is renamed, an option gets another name, two fields are new.
        books["fields"][1] |= {"id": "pages", "name": "page_count"}
        books["fields"][4]["formula"] = "page_count > 500"
        books["layout"]["sections"][0]["fields"][1] = "page_count"
        books["fields"][2]["options"][1] = {"id": "used", "name": "second_hand", "label": "Second hand"}
        books["fields"].append({"name": "isbn", "type": "text", "label": "ISBN", "unique": True})
        books["layout"]["sections"][1]["fields"].append("isbn")
        books["views"][0]["label"] = "All books"
    if version >= "2.0.0":
        # An option is split, one is dropped, a stage is merged into another, a field becomes a number.
        options = books["fields"][2]["options"]
        books["fields"][2]["options"] = [
            options[0],
            options[1],
            {"name": "scuffed", "label": "Scuffed"},
            {"name": "torn", "label": "Torn"},
        ]
        authors["fields"][1]["where"] = "state == 'torn' or state == 'scuffed'"
        books["views"][0]["filter"] = "stage != 'gone'"
        del books["pipelines"][0]["stages"][1]
        books["fields"][5]["type"] = "integer"
        files["migrations/to_2.json"] = {
            "version": "2.0.0",
            "conversions": [
                {"module": "books", "field": "state", "map": {"worn": "torn"}, "when": "page_count > 500"},
                {"module": "books", "field": "state", "map": {"worn": "scuffed"}},
                {"module": "books", "map": {"arrived": "on_shelf"}},
            ],
        }
    files["pack.json"] = {"name": "library", "version": version, "label": "Library"}
    return files


def fines() -> dict[str, Any]:
    """The files of a pack that adds money to books."""
    return {
        "pack.json": {"name": "fines", "version": "1.0.0", "label": "Fines", "requires": {"library": ">=1,<3"}},
        "modules/fines.json": {
            "name": "fines", "label": "Fine", "label_plural": "Fines", "title": "{{ book.name }}",
            "fields": [{"name": "amount", "type": "money", "label": "Amount"}],
            "links": [{"name": "book", "label": "Book", "to": ["books"], "inverse": {"name": "fines", "label": "Fines"}}],
        },
        "extensions/books.json": {
            "module": "books",
            "fields": [
                {"name": "daily_fine", "type": "money", "label": "Fine a day"},
                {"name": "fined", "type": "rollup", "label": "Fined", "link": "fines", "function": "sum", "field": "amount"},
                {"name": "heavy", "type": "formula", "label": "Heavy", "formula": "pages > 900"},
            ],
            "options": {"state": [{"name": "replaced", "label": "Replaced"}]},
            "stages": {"lending": [{"name": "overdue", "label": "Overdue", "maps_to": "on_shelf"}]},
            "views": [{"name": "overdue", "label": "Overdue", "filter": "stage == 'overdue'"}],
            "layout": {
                "sections": [
                    {"name": "main", "label": "Main", "fields": ["daily_fine"]},
                    {"name": "fines", "label": "Fines", "fields": ["fined", "fines"]},
                ],
                "facts": ["fined"],
            },
        },
    }  # fmt: skip


def events() -> dict[str, Any]:
    """The files of a pack that adds readings to books."""
    return {
        "pack.json": {"name": "events", "version": "1.0.0", "label": "Events", "requires": {"library": ">=1"}},
        "modules/readings.json": {
            "name": "readings", "label": "Reading", "label_plural": "Readings", "title": "{{ book.name }}",
            "fields": [{"name": "held_on", "type": "date", "label": "Held on"}],
            "links": [
                {"name": "book", "label": "Book", "to": ["books"], "inverse": {"name": "readings", "label": "Readings"}}
            ],
        },
        "extensions/books.json": {
            "module": "books",
            "fields": [{"name": "audience", "type": "integer", "label": "Audience"}],
            "options": {"state": [{"name": "signed", "label": "Signed"}]},
            "layout": {"sections": [{"name": "main", "label": "Main", "fields": ["audience"]}]},
        },
        "extensions/authors.json": {
            "module": "authors",
            "fields": [{"name": "reads", "type": "boolean", "label": "Reads"}],
            "rules": [{"name": "who", "kind": "validation", "check": "is_not_empty(name)", "message": "Who?"}],
        },
    }  # fmt: skip


def contents(root: Path, files: dict[str, Any]) -> PackContents:
    """The pack of these files, read from a folder below `root`."""
    manifest = files["pack.json"]
    folder = root / f"{manifest['name']}-{manifest['version']}"
    for name, value in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value))
    found, problems = read_pack(folder)
    assert found is not None and problems == [], problems
    return found

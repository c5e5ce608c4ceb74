"""Packs over REST: listed, planned, installed once."""

from __future__ import annotations

import json
from pathlib import Path

from tests.api.conftest import Api, ok, refused


def shelve(api: Api) -> Path:
    pack = api.process.packs[-1] / "library"
    (pack / "modules").mkdir(parents=True)
    (pack / "pack.json").write_text(json.dumps({"name": "library", "version": "1.0.0", "label": "Library"}))
    books = {
        "name": "books", "label": "Book", "label_plural": "Books", "icon": "book", "title": "{{ name }}",
        "fields": [{"name": "name", "type": "text", "label": "Name", "required": True}],
    }  # fmt: skip
    (pack / "modules" / "books.json").write_text(json.dumps(books))
    return pack


async def test_a_pack_is_planned_and_installed_from_the_shelf(api: Api) -> None:
    shelve(api)
    listed = {one["name"]: one for one in ok(await api.viewer.get("/packs"))["data"]}
    assert listed["library"]["modules"] == ["books"] and listed["library"]["installed"] is None
    plan = ok(await api.admin.post("/packs/library/plan"))
    assert plan["ok"] and any("books" in change["path"] for change in plan["changes"])
    refused(await api.member.post("/packs/library/install"), 403)
    done = await api.admin.post("/packs/library/install", headers={"Idempotency-Key": "pack-1"})
    assert ok(done)["version"] == "1.0.0"
    again = await api.admin.post("/packs/library/install", headers={"Idempotency-Key": "pack-1"})
    assert ok(again) == ok(done)
    refused(await api.admin.post("/packs/library/install"), 409)
    ok(await api.member.post("/records/books", json={"name": "First"}), 201)
    listed = {one["name"]: one for one in ok(await api.viewer.get("/packs"))["data"]}
    assert listed["library"]["installed"] == "1.0.0"
    refused(await api.admin.post("/packs/nothing/plan"), 404)


async def test_a_broken_pack_is_refused_with_file_and_place(api: Api) -> None:
    pack = shelve(api)
    (pack / "modules" / "books.json").write_text('{"name": "books", "label": 3}')
    found = refused(await api.admin.post("/packs/library/install"), 422)
    assert all(problem["path"].startswith("modules/books.json") for problem in found)

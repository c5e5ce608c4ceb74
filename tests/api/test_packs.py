"""Packs over REST: listed, planned, installed once."""

from __future__ import annotations

import json
from pathlib import Path

from tests.api.conftest import Api, ok, refused
from xrm_core.packs.archive import packed


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


async def test_a_pack_is_upgraded_taken_back_and_taken_away(api: Api) -> None:
    pack = shelve(api)
    ok(await api.admin.post("/packs/library/install"))
    book = ok(await api.member.post("/records/books", json={"name": "First"}), 201)["id"]
    ok(await api.admin.patch("/modules/books", json={"label": "Volume"}))
    data = json.loads((pack / "modules" / "books.json").read_text())
    data["label"] = "Tome"
    data["fields"].append({"name": "pages", "type": "integer", "label": "Pages"})
    (pack / "modules" / "books.json").write_text(json.dumps(data))
    (pack / "pack.json").write_text(json.dumps({"name": "library", "version": "1.1.0", "label": "Library"}))

    plan = ok(await api.admin.post("/packs/library/plan"))
    assert plan["kind"] == "upgrade" and not plan["ok"] and [p["code"] for p in plan["problems"]] == ["undecided"]
    (conflict,) = plan["conflicts"]
    assert (conflict["base"], conflict["theirs"], conflict["mine"]) == ("Book", "Tome", "Volume")
    refused(await api.admin.post("/packs/library/upgrade"), 422)
    refused(await api.admin.post("/packs/library/upgrade", json={"decisions": [{"path": 1}]}), 422)
    refused(await api.admin.post("/packs/library/upgrade", json={"otherwise": "yours"}), 422)
    refused(await api.admin.post("/packs/library/plan", json={"action": "upgade"}), 422)
    refused(await api.member.post("/packs/library/upgrade"), 403)
    decisions = {"decisions": [{"path": conflict["path"], "choice": "theirs"}]}
    done = ok(await api.admin.post("/packs/library/upgrade", json=decisions, headers={"Idempotency-Key": "up"}))
    assert (done["kind"], done["version"]) == ("upgrade", "1.1.0")
    ok(await api.member.patch(f"/records/books/{book}", json={"pages": 3}))
    refused(await api.admin.post("/packs/library/upgrade"), 409)

    ok(await api.admin.post("/packs/library/rollback"))
    found = ok(await api.member.get(f"/records/books/{book}"))
    assert "pages" not in found and found["name"] == "First"
    assert ok(await api.admin.get("/modules/books"))["label"] == "Volume"
    ok(await api.admin.post("/packs/library/uninstall"))
    refused(await api.member.get(f"/records/books/{book}"), 404)
    kinds = [step["kind"] for step in ok(await api.admin.get("/packs/library/history"))["data"]]
    assert kinds == ["uninstall", "rollback", "upgrade", "install"]
    ok(await api.admin.post("/packs/library/install"))
    assert ok(await api.member.get(f"/records/books/{book}"))["name"] == "First"
    refused(await api.admin.post("/packs/nothing/uninstall"), 409)


async def test_a_pack_comes_as_a_zip_file(api: Api) -> None:
    def zipped(files: dict[str, bytes]) -> dict[str, tuple[str, bytes, str]]:
        return {"file": ("library.zip", packed(files), "application/zip")}

    books = {"name": "books", "label": "Book", "label_plural": "Books", "title": "{{ name }}",
             "fields": [{"name": "name", "type": "text", "label": "Name"}]}  # fmt: skip
    manifest = {"name": "library", "version": "1.0.0", "label": "Library"}
    files = {"pack.json": json.dumps(manifest).encode(), "modules/books.json": json.dumps(books).encode()}
    refused(await api.member.post("/packs", files=zipped(files)), 403)
    assert ok(await api.admin.post("/packs", files=zipped(files)), 201) == {"pack": "library", "version": "1.0.0"}
    ok(await api.admin.post("/packs/library/install"))
    manifest["version"] = "1.0.1"
    files["pack.json"] = json.dumps(manifest).encode()
    ok(await api.admin.post("/packs", files=zipped(files)), 201)
    assert ok(await api.admin.post("/packs/library/upgrade"))["version"] == "1.0.1"
    for wrong, code in (
        ({"../pack.json": b"{}"}, "path"),
        ({"pack.json": b"\xff"}, "encoding"),
        ({"pack.json": b"{}", "run.py": b""}, "required"),
        ({**files, "modules/books.json": b'{"name": 3}'}, "name"),
    ):
        found = refused(await api.admin.post("/packs", files=zipped(wrong)), 422)
        assert found, code
    shelf = api.process.packs[-1]
    assert [place.name for place in shelf.iterdir()] == ["library"] and not (shelf.parent / "pack.json").exists()


async def test_an_upgrade_that_breaks_a_scenario_here_is_refused_first(api: Api) -> None:
    pack = shelve(api)
    ok(await api.admin.post("/packs/library/install"))
    required = {"name": "shelf", "type": "text", "label": "Shelf", "required": True}
    ok(await api.admin.post("/modules/books/fields", json=required), 201)
    scenario = {
        "name": "a_book", "label": "A book", "now": "2026-03-31T09:30:00Z",
        "steps": [{"do": "create", "module": "books", "values": {"name": "Atlas"}}],
    }  # fmt: skip
    (pack / "scenarios").mkdir()
    (pack / "scenarios" / "a_book.json").write_text(json.dumps(scenario))
    (pack / "pack.json").write_text(json.dumps({"name": "library", "version": "1.1.0", "label": "Library"}))
    found = refused(await api.admin.post("/packs/library/upgrade"), 422)
    assert [(one["code"], one["path"]) for one in found] == [("scenario", "/scenarios/a_book/steps/0")]
    assert "Shelf is needed" in found[0]["message"]
    assert ok(await api.admin.post("/packs/library/upgrade", json={"test": False}))["version"] == "1.1.0"

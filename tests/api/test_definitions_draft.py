"""Drafts over REST: they survive, are undone, reviewed, brought up to date and published."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import Api, ok, refused

DRAFT = "/definitions/draft"


async def do(api: Api, *operations: dict[str, Any], **more: Any) -> Any:
    return ok(await api.admin.post(f"{DRAFT}/operations", json={"operations": list(operations), **more}))


async def test_a_draft_survives_and_is_undone_step_by_step(api: Api) -> None:
    empty = ok(await api.admin.get(DRAFT))
    assert empty["operations"] == [] and empty["version"] == 0 and empty["problems"] == []
    added = {"op": "add", "path": "module/companies/fields", "data": {"type": "text", "label": "Née"}, "index": 1}
    first = await do(api, added)
    assert first["version"] == 1 and [c["path"] for c in first["changes"]] == ["module/companies/fields/nee"]
    second = await do(api, {"op": "rename", "path": "module/companies/fields/nee", "name": "born"}, module="companies")
    assert second["module"]["fields"][1]["name"] == "born" and second["undo"] == 2
    assert ok(await api.admin.get(DRAFT))["operations"] == [added, second["operations"][1]]
    undone = ok(await api.admin.post(f"{DRAFT}/undo"))
    assert undone["undo"] == 1 and undone["redo"] == 1
    assert ok(await api.admin.get(f"{DRAFT}/modules/companies"))["fields"][1]["name"] == "nee"
    ok(await api.admin.post(f"{DRAFT}/redo"))
    assert ok(await api.admin.get(f"{DRAFT}/modules/companies"))["fields"][1]["name"] == "born"
    assert refused(await api.admin.post(f"{DRAFT}/redo"), 409)[0]["code"] == "nothing"
    assert "born" not in [f["name"] for f in ok(await api.admin.get("/modules/companies"))["fields"]]
    assert ok(await api.admin.delete(DRAFT)) == {"discarded": True}
    assert ok(await api.admin.get(DRAFT))["version"] == 0
    refused(await api.member.get(DRAFT), 403)


async def test_operations_are_done_all_or_none(api: Api) -> None:
    good = {"op": "set", "path": "module/companies/fields/name", "pointer": "/label/de", "value": "Firmenname"}
    problems = refused(
        await api.admin.post(
            f"{DRAFT}/operations",
            json={
                "operations": [
                    good,
                    {"op": "set", "path": "module/companies/fields/nope", "pointer": "/label", "value": "x"},
                ]
            },
        ),
        404,
    )
    assert problems[0]["path"].startswith("/operations/1")
    assert ok(await api.admin.get(DRAFT))["version"] == 0
    for wrong in (
        {"op": "nothing"}, {"op": "add", "path": "module/companies/fields"}, {"op": "patch", "path": 3, "changes": {}}, "x",
        {"op": "add", "path": "nowhere", "data": {}}, {"op": "add", "path": "module/companies/layout/nope", "data": {}},
    ):  # fmt: skip
        assert (await api.admin.post(f"{DRAFT}/operations", json={"operations": [wrong]})).status_code in (404, 422)
    assert (await do(api, good))["version"] == 1
    stale = await api.admin.post(f"{DRAFT}/operations", json={"operations": [good], "version": 7})
    assert refused(stale, 409)[0]["code"] == "draft_changed"


async def test_problems_are_shown_at_their_place_and_keep_from_publishing(api: Api) -> None:
    data = {"type": "formula", "label": "Twice", "formula": "hours * towels"}
    draft = await do(api, {"op": "add", "path": "module/tickets/fields", "data": data})
    problem = draft["problems"][0]
    assert problem["node"] == "module/tickets/fields/twice" and problem["setting"] == "formula"
    assert "towels" in problem["message"] and "column 9" in problem["message"]
    review = ok(await api.admin.get(f"{DRAFT}/plan"))
    assert not review["ok"] and review["problems"][0]["node"] == "module/tickets/fields/twice"
    refused(await api.admin.post(f"{DRAFT}/publish"), 422)
    fixed = {"op": "set", "path": "module/tickets/fields/twice", "pointer": "/formula", "value": "hours * 2"}
    assert (await do(api, fixed))["problems"] == []
    done = ok(await api.admin.post(f"{DRAFT}/publish", json={"summary": "Twice"}))
    assert done["changed"] and ok(await api.admin.get(DRAFT))["version"] == 0
    history = ok(await api.admin.get("/definitions/history"))["data"]
    assert history[0]["summary"] == "Twice" and history[0]["number"] == done["version"]


async def test_everything_a_module_is_made_of_can_be_changed(api: Api) -> None:
    draft = await do(
        api,
        {"op": "add", "path": "module", "data": {"label": "Trainer", "label_plural": "Trainers", "title": "{{ name }}"}},
        {"op": "add", "path": "module/trainers/fields", "data": {"type": "text", "label": "Name"}},
        {"op": "add", "path": "module/trainers/fields", "data": {"type": "select", "label": "Level", "options": [
            {"name": "a", "label": "A"}, {"name": "b", "label": "B"}]}},
        {"op": "add", "path": "module/trainers/fields/level/options", "data": {"label": "Very good"}, "index": 0},
        {"op": "move", "path": "module/trainers/fields/level/options/b", "index": 0},
        {"op": "archive", "path": "module/trainers/fields/level/options/a"},
        {"op": "add", "path": "module/trainers/links", "data": {"label": "Company", "to": ["companies"],
            "inverse": {"name": "trainers", "label": "Trainers"}}},
        {"op": "add", "path": "module/trainers/pipelines", "data": {"name": "way", "label": "Way", "stages": [
            {"name": "new", "label": "New"}]}},
        {"op": "add", "path": "module/trainers/pipelines/way/stages", "data": {"label": "Done", "category": "won"}},
        {"op": "set", "path": "module/trainers/pipelines/way/stages/done", "pointer": "/probability", "value": 90},
        {"op": "add", "path": "module/trainers/rules", "data": {"name": "named", "kind": "validation", "check": "name != ''"}},
        {"op": "add", "path": "module/trainers/views", "data": {"label": "All", "columns": ["name", "level"]}},
        {"op": "add", "path": "module/trainers/layout/sections", "data": {"label": "Main", "fields": ["name"]}},
        {"op": "patch", "path": "module/trainers/layout", "changes": {"quick_create": ["name", "level"]}},
        {"op": "add", "path": "module/trainers/layout/sections", "data": {"label": "More", "fields": ["level"]}, "index": 0},
        {"op": "move", "path": "module/trainers/layout/sections/main", "index": 0},
        {"op": "add", "path": "role", "data": {"name": "coach", "label": "Coach", "modules": {"trainers": {"see": "own"}}}},
        {"op": "rename", "path": "module/trainers/fields/level", "name": "grade"},
        {"op": "rename", "path": "module/trainers", "name": "coaches"},
        module="trainers",
    )  # fmt: skip
    assert draft["problems"] == []
    module = draft["module"]
    assert [option["name"] for option in module["fields"][1]["options"]] == ["b", "very_good"]
    assert module["views"][0]["columns"] == ["name", "grade"] and module["layout"]["quick_create"] == ["name", "grade"]
    assert [section["name"] for section in module["layout"]["sections"]] == ["main", "more"]
    assert [stage["name"] for stage in module["pipelines"][0]["stages"]] == ["new", "done"]
    ok(await api.admin.post(f"{DRAFT}/publish"))
    made = ok(await api.member.post("/records/coaches", json={"name": "Ann", "grade": "b"}), 201)
    assert made["stage"] == "new"
    shown = ok(await api.admin.get(f"{DRAFT}/modules"))["data"]
    assert {one["name"]: one["state"] for one in shown}["coaches"] == "same"
    uses = ok(await api.admin.get(f"{DRAFT}/uses", params={"path": "module/coaches/fields/grade"}))["data"]
    assert {use["kind"] for use in uses} == {"view", "layout"}


async def test_who_published_meanwhile_is_told_and_both_are_merged(api: Api) -> None:
    await do(
        api,
        {"op": "set", "path": "module/companies/fields/name", "pointer": "/label", "value": "Firm"},
        {"op": "add", "path": "module/companies/fields", "data": {"type": "text", "label": "Fax"}},
    )
    ok(await api.admin.patch("/modules/companies/fields/name", json={"label": "Trading name", "help": "As registered"}))
    draft = ok(await api.admin.get(DRAFT))
    assert draft["base_version"] < draft["current_version"] and draft["behind"][0]["number"] == draft["current_version"]
    problem = refused(await api.admin.post(f"{DRAFT}/publish"), 409)[0]
    assert problem["code"] == "changed_meanwhile" and problem["path"] == "/module/companies/fields/name/label"
    seen = ok(await api.admin.post(f"{DRAFT}/rebase", json={"plan": True}))
    conflict = seen["conflicts"][0]
    assert conflict["mine"] == "Firm" and conflict["theirs"] == "Trading name" and not conflict["decided"]
    assert refused(await api.admin.post(f"{DRAFT}/rebase"), 409)[0]["code"] == "undecided"
    decided = {"decisions": [{"path": conflict["path"], "choice": "mine"}]}
    merged = ok(await api.admin.post(f"{DRAFT}/rebase", json=decided))
    assert merged["behind"] == [] and merged["base_version"] == merged["current_version"]
    assert {c["path"] for c in merged["changes"]} == {
        "module/companies/fields/name/label", "module/companies/fields/fax"
    }  # fmt: skip
    ok(await api.admin.post(f"{DRAFT}/publish"))
    name = ok(await api.admin.get("/modules/companies"))["fields"][0]
    assert name["label"] in ("Firm", {"en": "Firm"}) and name["help"] == "As registered"


async def test_a_merge_that_cannot_be_replayed_is_one_operation(api: Api) -> None:
    label = {"op": "set", "path": "module/companies/fields/name", "pointer": "/label", "value": "Firm"}
    await do(api, label, {"op": "archive", "path": "module/companies/fields/notes"})
    ok(await api.admin.patch("/modules/companies/fields/name", json={"label": "Trading name"}))
    path = ok(await api.admin.post(f"{DRAFT}/rebase", json={"plan": True}))["conflicts"][0]["path"]
    merged = ok(await api.admin.post(f"{DRAFT}/rebase", json={"decisions": [{"path": path, "choice": "theirs"}]}))
    assert [operation["op"] for operation in merged["operations"]] == ["merged"]
    more = await do(api, {"op": "set", "path": "module/companies/fields/name", "pointer": "/help", "value": "x"})
    assert more["undo"] == 2
    undone = ok(await api.admin.post(f"{DRAFT}/undo"))
    assert [c["path"] for c in undone["changes"]] == ["module/companies/fields/notes/archived"]


async def test_what_is_archived_is_erased_with_the_count_typed_in(api: Api, make: Any) -> None:
    path = "module/companies/fields/employees"
    one = await make("companies", name="Acme", employees=7, notes="kept")
    await make("companies", name="Beta")
    refused(await api.admin.get("/definitions/erase", params={"path": path}), 409)
    await do(api, {"op": "archive", "path": path}, {"op": "archive", "path": "module/companies/fields/notes"})
    review = ok(await api.admin.get(f"{DRAFT}/plan"))
    change = next(c for c in review["changes"] if c["path"] == f"{path}/archived")
    assert change["effect"] == "destructive" and change["records"] == 1
    ok(await api.admin.post(f"{DRAFT}/publish"))
    seen = ok(await api.admin.get("/definitions/erase", params={"path": path}))
    assert seen["records"] == 1 and seen["name"] == "employees"
    for count in (0, 2, "1", None, True):
        assert (await api.admin.post("/definitions/erase", json={"path": path, "count": count})).status_code in (409, 422)
    refused(await api.member.post("/definitions/erase", json={"path": path, "count": 1}), 403)
    ok(await api.admin.post("/definitions/erase", json={"path": path, "count": 1}))
    history = ok(await api.admin.get(f"/records/companies/{one['id']}/history"))
    assert "employees" not in str(history) and "7" not in [str(v) for v in one if v == 7]
    back = {"op": "restore", "path": "module/companies/fields/notes"}
    await do(api, back)
    ok(await api.admin.post(f"{DRAFT}/publish"))
    assert ok(await api.admin.get(f"/records/companies/{one['id']}"))["notes"] == "kept"
    gone = {"op": "restore", "path": path}
    refused(await api.admin.post(f"{DRAFT}/operations", json={"operations": [gone]}), 404)
    assert ok(await api.admin.get("/definitions/work"))["data"] == []


async def test_a_module_is_archived_restored_and_erased(api: Api, make: Any) -> None:
    await make("tickets", subject="A")
    await do(api, {"op": "archive", "path": "module/tickets"})
    ok(await api.admin.post(f"{DRAFT}/publish"))
    refused(await api.admin.get("/records/tickets"), 404)
    await do(api, {"op": "restore", "path": "module/tickets"})
    ok(await api.admin.post(f"{DRAFT}/publish"))
    assert len(ok(await api.admin.get("/records/tickets"))["data"]) == 1
    ok(await api.admin.delete("/modules/tickets"))
    ok(await api.admin.post("/definitions/erase", json={"path": "module/tickets", "count": 1}))
    assert "tickets" not in [one["name"] for one in ok(await api.admin.get(f"{DRAFT}/modules"))["data"]]
    assert ok(await api.admin.get("/search", params={"q": "A"}))["data"] == []


async def test_what_people_saved_for_themselves_follows_new_names(api: Api, make: Any) -> None:
    await make("companies", name="Acme", employees=7)
    look = {
        "layout": "list", "filter": "employees > 5", "sort": ["-employees"], "columns": ["name", "employees"],
        "widths": {"employees": 90}, "pinned": ["employees"], "color": [{"when": "employees > 100", "hue": "red"}],
    }  # fmt: skip
    saved = ok(await api.member.post("/views", json={"module": "companies", "name": "Big", "definition": look}), 201)
    query = "filter=employees+%3E+5&sort=-employees&view=all"
    await api.member.put("/me/state/companies", json={"query": query})
    await do(api, {"op": "rename", "path": "module/companies/fields/employees", "name": "people"})
    ok(await api.admin.post(f"{DRAFT}/publish"))
    now = ok(await api.member.get(f"/views/{saved['id']}"))["definition"]
    assert now["filter"] == "people > 5" and now["sort"] == ["-people"] and now["columns"] == ["name", "people"]
    assert now["widths"] == {"people": 90} and now["color"][0]["when"] == "people > 100"
    assert [one["name"] for one in ok(await api.member.get("/records/companies", params={"filter": now["filter"]}))["data"]]
    state = str(ok(await api.member.get("/me/state")))
    assert "people" in state and "employees" not in state

"""What nobody should be able to publish: each is refused with the reason at its place, and nothing half of it is there."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import Api, ok, refused

FIELD = {"type": "text", "label": "Some"}
CASES: list[tuple[str, list[dict[str, Any]], str, str]] = [
    ("reserved word", [{"op": "add", "path": "module/companies/fields", "data": {**FIELD, "name": "owner"}}], "owner", "name"),
    ("reserved constant", [{"op": "rename", "path": "module/companies/fields/name", "name": "true"}], "true", "name"),
    ("reserved module", [{"op": "rename", "path": "module/companies", "name": "none"}], "none", "name"),
    ("taken by a field", [{"op": "add", "path": "module/companies/fields", "data": {**FIELD, "name": "name"}}], "name", "name"),
    ("taken by an inverse", [{"op": "rename", "path": "module/companies/fields/notes", "name": "tickets"}], "tickets", ""),
    ("taken by a module", [{"op": "add", "path": "module", "data": {"name": "companies", "label": "C", "label_plural": "C"}}], "companies", "name"),
    ("no name at all", [{"op": "rename", "path": "module/companies/fields/name", "name": "Größe"}], "lower-case", "name"),
    ("cycle of one", [{"op": "add", "path": "module/companies/fields", "data": {
        "name": "x", "label": "X", "type": "formula", "formula": "x + 1"}}], "x", "fields/"),
    ("cycle of two", [
        {"op": "add", "path": "module/companies/fields", "data": {"name": "x", "label": "X", "type": "formula", "formula": "employees"}},
        {"op": "add", "path": "module/companies/fields", "data": {"name": "y", "label": "Y", "type": "formula", "formula": "x + 1"}},
        {"op": "set", "path": "module/companies/fields/x", "pointer": "/formula", "value": "y + 1"}], "x", "fields/"),
    ("formula over nothing", [{"op": "add", "path": "module/companies/fields", "data": {
        "name": "x", "label": "X", "type": "formula", "formula": "employees * salary"}}], "salary", "formula"),
    ("link to nowhere", [{"op": "add", "path": "module/tickets/links", "data": {
        "label": "To", "to": ["nowhere"]}}], "nowhere", "to"),
    ("link to an archived module", [
        {"op": "add", "path": "module", "data": {"name": "rooms", "label": "R", "label_plural": "Rs", "title": "{{ id }}"}},
        {"op": "add", "path": "module/tickets/links", "data": {"label": "Room", "to": ["rooms"]}},
        {"op": "set", "path": "module/rooms", "pointer": "/archived", "value": True}], "rooms", "to"),
    ("pattern that backtracks", [{"op": "add", "path": "module/companies/fields", "data": {**FIELD, "pattern": "(a+)+$"}}], "pattern", "pattern"),
    ("pattern of no language", [{"op": "add", "path": "module/companies/fields", "data": {**FIELD, "pattern": "[a-"}}], "pattern", "pattern"),
    ("pattern that looks back", [{"op": "add", "path": "module/companies/fields", "data": {**FIELD, "pattern": r"(a)\1"}}], "pattern", "pattern"),
    ("label of 10,000", [{"op": "set", "path": "module/companies/fields/name", "pointer": "/label", "value": "x" * 10_000}], "200", "label"),
    ("label of nothing", [{"op": "set", "path": "module/companies/fields/name", "pointer": "/label", "value": "  "}], "text", "label"),
    ("label with a control character", [{"op": "set", "path": "module/companies/fields/name", "pointer": "/label", "value": "a\x00b"}], "control", "label"),
    ("option twice", [{"op": "patch", "path": "module/companies/fields/tags", "changes": {
        "options": [{"name": "a", "label": "A"}, {"name": "A", "label": "B"}]}}], "a", "options"),
    ("select of nothing", [{"op": "retype", "path": "module/companies/fields/name", "type": "select"}], "needed", "options"),
    ("layout of nothing", [{"op": "patch", "path": "module/companies/layout", "changes": {"quick_create": ["nope"]}}], "nope", "quick_create"),
    ("view over nothing", [{"op": "add", "path": "module/companies/views", "data": {"label": "V", "columns": ["nope"]}}], "nope", "columns"),
    ("stage that asks for nothing", [{"op": "set", "path": "module/tickets/pipelines/handling/stages/doing",
        "pointer": "/requires", "value": ["nope"]}], "nope", "requires"),
    ("no stages", [{"op": "patch", "path": "module/tickets/pipelines/handling", "changes": {"stages": []}}], "", "stages"),
    ("role over nothing", [{"op": "add", "path": "role", "data": {"name": "r", "label": "R", "modules": {"nope": {"see": "all"}}}}], "nope", "modules"),
    ("a field that others use", [{"op": "archive", "path": "module/tickets/fields/hours"}], "hours", "requires"),
    ("values from nowhere", [{"op": "add", "path": "module/companies/fields", "data": {
        **FIELD, "takes_from": {"expression": "nothing + 1"}}}], "nothing", "expression"),
]  # fmt: skip


async def test_each_is_refused_with_the_reason_at_the_place(api: Api) -> None:
    before = ok(await api.admin.get("/definitions/history"))["data"][0]["hash"]
    for name, operations, words, place in CASES:
        answer = await api.admin.post("/definitions/draft/operations", json={"operations": operations})
        if answer.status_code == 200:
            # Right as JSON, wrong in what it means: kept in the draft, shown where it is, not published.
            problems = ok(await api.admin.get("/definitions/draft/plan"))["problems"]
            refused(await api.admin.post("/definitions/draft/publish"), 422)
        else:
            assert answer.status_code in (409, 422), (name, answer.text)
            problems = answer.json()["problems"]
        assert problems, name
        told = [f"{p['message']} {p['path']} {p.get('hint', '')}".lower() for p in problems]
        assert any(words.lower() in text for text in told), (name, problems)
        assert any(place in p["path"] for p in problems), (name, problems)
        await api.admin.delete("/definitions/draft")
    assert ok(await api.admin.get("/definitions/history"))["data"][0]["hash"] == before


async def test_names_in_any_script_are_taken(api: Api, make: Any) -> None:
    labels = ["عربي ← 日本語 😀", "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "‮RTL‬ mark", "a" * 200, "{{ 7*7 }}"]
    operations = [
        {"op": "add", "path": "module/companies/fields", "data": {"type": "select", "label": label, "help": label,
         "options": [{"name": "one", "label": label.replace("|", " ")}]}}
        for label in labels
    ]  # fmt: skip
    draft = ok(await api.admin.post("/definitions/draft/operations", json={"operations": operations}))
    assert draft["problems"] == []
    ok(await api.admin.post("/definitions/draft/publish"))
    fields = ok(await api.admin.get("/modules/companies"))["fields"][-len(labels) :]
    assert [field["label"] for field in fields] == labels
    assert len({field["name"] for field in fields}) == len(labels)
    record = await make("companies", name="Acme", **{field["name"]: "one" for field in fields})
    assert all(record[field["name"]] == "one" for field in fields)

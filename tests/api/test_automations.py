"""Automations by REST: made, tried, switched on, their runs, what was expected and what fired."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import Api, ok, refused
from xrm_core.automation import arming, runner

THANKS: dict[str, Any] = {
    "name": "thanks", "label": {"en": "Thanks", "de": "Dank"}, "module": "tickets",
    "triggers": [{"kind": "stage_entered", "stages": ["done"]}, {"kind": "button"}],
    "steps": [{"do": "update", "values": {"closed_because": "'thanked'"}}, {"do": "notify", "to": ["owner"], "text": "{{ subject }} is done"}],
}  # fmt: skip


async def work(api: Api) -> None:
    await arming.bring_up_to_date(api.process.units, api.workspace)
    await runner.run_due(api.process.units, api.workspace)


async def test_from_draft_to_runs(api: Api) -> None:
    admin = api.admin
    ok(await admin.post("/automations", json=THANKS), 201)
    found = ok(await admin.get("/automations/thanks?language=de"))
    assert found["state"] == "draft" and found["sentence"].startswith("Wenn Stufe Done erreicht wird oder wenn jemand")
    ticket = ok(await admin.post("/records/tickets", json={"subject": "Lamp"}), 201)
    tried = ok(await admin.post("/automations/thanks/test", json={"record": ticket["id"]}))
    assert [step["state"] for step in tried["steps"]] == ["done", "done"]
    assert "closed_because" not in ok(await admin.get(f"/records/tickets/{ticket['id']}"))
    ok(await admin.patch("/automations/thanks", json={"state": "on"}))
    ok(await admin.post(f"/records/tickets/{ticket['id']}/move", json={"stage": "done"}))
    await work(api)
    assert ok(await admin.get(f"/records/tickets/{ticket['id']}"))["closed_because"] == "thanked"
    runs = ok(await admin.get("/automations/thanks/runs?steps=true"))["data"]
    assert [(run["state"], run["record"]["title"], [step["step"] for step in run["steps"]]) for run in runs] == [
        ("done", "Lamp", ["update", "notify"])]  # fmt: skip
    one = ok(await admin.get(f"/automations/thanks/runs/{runs[0]['id']}"))
    assert one["steps"][1]["result"]["text"] == "Lamp is done"
    log = ok(await admin.get("/automation-log"))["data"]
    assert [(entry["automation"], entry["expected"], entry["done"], entry["overdue"]) for entry in log] == [("thanks", 1, 1, 0)]
    back = ok(await admin.post("/automations/thanks/backtest", json={"months": 1}))
    assert (back["fired"], back["exact"]) == (1, True)
    started = ok(await admin.post("/automations/thanks/start", json={"record": ticket["id"]}), 202)
    assert started["state"] == "due"
    ok(await admin.delete("/automations/thanks"))
    refused(await admin.get("/automations/thanks"), 404)


async def test_what_cannot_be_is_refused_with_its_place(api: Api) -> None:
    admin = api.admin
    wrong = {**THANKS, "steps": [{"do": "mail", "to": ["owner"], "subject": "{{ sub }}", "text": "x"}]}
    problems = refused(await admin.post("/automations", json=wrong), 422)
    assert [problem["path"] for problem in problems] == ["/automations/thanks/steps/0/subject"]
    loop = {**THANKS, "name": "loop", "triggers": [{"kind": "changed", "fields": ["closed_because"]}]}
    assert refused(await admin.post("/automations", json=loop), 422)[0]["code"] == "loop"
    refused(await admin.post("/automations/nothing/test", json={}), 404)
    assert refused(await admin.post("/automations", json={**THANKS, "steps": [{"do": "dance"}]}), 422)[0]["code"] == "unknown_type"
    assert refused(await admin.post("/automations/thanks/backtest", json={"months": "six"}), 422)[0]["code"] == "type"

"""The pages about automations: as sentences, switched on, what ran, what it would have done."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx

from tests.web.test_pages_http import Client, web
from xrm_core.automation import runner
from xrm_core.catalog import Catalogs
from xrm_core.kernel.clock import FixedClock
from xrm_core.records.unit import Units
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import Workspace

__all__ = ["web"]
RUSH = {
    "name": "rush", "label": {"en": "Hurry up", "de": "Beeilung"}, "module": "orders", "triggers": [{"kind": "created"}],
    "when": "rush", "steps": [{"do": "update", "values": {"subject": "{{ subject }}!"}}],
}  # fmt: skip


def csrf(text: str) -> str:
    found = re.search(r'name="_csrf" value="([^"]+)"', text)
    assert found is not None
    return found[1]


async def post(client: Client, url: str, token: str, **data: str) -> httpx.Response:
    return await client.post(url, data={"_csrf": token, **data})


async def test_from_a_draft_to_its_runs(web: Client, database: Database, workspace: Workspace, clock: FixedClock) -> None:
    empty = (await web.get("/automations")).text
    assert "There are no automations yet." in empty
    token = csrf(empty)
    made = await web.post("/api/v1/automations", json=RUSH, headers={"X-CSRF-Token": token})
    assert made.status_code == 201, made.text
    listed = (await web.get("/automations")).text
    assert "Hurry up" in listed and "When a record is created and Rush is yes" in listed and "Draft" in listed
    tried = (await web.get("/automations/rush?past=2")).text
    assert "It would have run 3 times" in tried
    assert (await post(web, "/automations/rush/state", token, state="on")).headers["location"] == "/automations/rush"
    clock.move(timedelta(minutes=1))
    created = await web.post("/api/v1/records/orders", json={"subject": "Lamp", "rush": True}, headers={"X-CSRF-Token": token})
    assert created.status_code == 201, created.text
    await runner.run_due(Units(database, Catalogs(database), clock), workspace)
    shown = (await web.get("/automations/rush")).text
    assert "Lamp!" in shown and "Pause" in shown
    assert (await post(web, "/automations/rush/state", "wrong", state="paused")).status_code == 403
    assert (await web.get("/automations/nothing")).status_code == 404

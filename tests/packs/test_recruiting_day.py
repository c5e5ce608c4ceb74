"""The day of somebody who works with the recruiting pack: what there is to do, and all about a client in one call."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import orjson

from xrm_core.catalog import Catalogs
from xrm_core.kernel.actor import SYSTEM, Actor
from xrm_core.kernel.clock import FixedClock
from xrm_core.packs.install import install
from xrm_core.packs.sample import load
from xrm_core.packs.validate import check_folder
from xrm_core.records import read
from xrm_core.records.brief import brief
from xrm_core.records.query import RecordQuery
from xrm_core.records.today import today
from xrm_core.records.unit import Units
from xrm_core.storage import members
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import Workspace

PACK = Path(__file__).parents[2] / "module_packs" / "recruiting"


async def test_a_client_is_told_in_one_call_and_the_day_in_another(
    database: Database, workspace: Workspace, clock: FixedClock
) -> None:
    units = Units(database, Catalogs(database), clock)
    contents, problems = check_folder(PACK)
    assert contents is not None and not problems
    await install(units, workspace, SYSTEM, contents)
    await load(units, workspace, contents)
    async with units.begin(workspace, SYSTEM) as unit:
        busy = await read.find(unit, RecordQuery("clients", filter="open_jobs > 0 and placements_count > 2", sort=("-outstanding",), limit=5))
        best: dict[str, int] = {}
        for row in busy.rows:
            identifier = UUID(orjson.loads(row)["id"])
            started = time.thread_time()
            panels = {one["name"]: one for one in orjson.loads(await brief(unit, "clients", identifier))["panels"]}
            assert time.thread_time() - started < 1
            assert list(panels) == [
                "open_jobs", "jobs_by_stage", "last_placements", "unpaid_invoices", "fee_terms", "satisfaction", "account",
                "last_notes", "last_contact",
            ]  # fmt: skip
            jobs = await read.find(unit, RecordQuery("job_orders", filter=f"client == '{identifier}' and stage not in ['placed', 'closed']"))
            assert panels["open_jobs"]["count"]["value"] == len(jobs.rows) == sum(g["count"] for g in panels["jobs_by_stage"]["groups"])
            placed = await read.related(unit, "clients", identifier, "placements", sort=("-start_date",), filter="stage != 'cancelled'", limit=5)
            assert [one["id"] for one in panels["last_placements"]["data"]] == [orjson.loads(one)["id"] for one in placed.rows]
            for name, panel in panels.items():
                filled = any(value is not None for value in panel["facts"].values()) if panel["kind"] == "facts" else panel["count"]["value"]
                best[name] = best.get(name, 0) + bool(filled)
        assert all(best.values()), f"panels that say something for none of the clients: {best}"
        found = await read.find(unit, RecordQuery("tasks", filter="status == 'open'", sort=("due_at",), limit=1))
        task = orjson.loads(found.rows[0])
        async with database.writing() as connection:
            (someone,) = [m for m in await members.members(connection, workspace.schema) if str(m.id) == task["assignee"]]
    clock.move(timedelta(days=1))
    actor = Actor(someone.id, someone.name, ("member",))
    async with units.begin(workspace, actor) as unit:
        day = await today(unit)
    assert [entry["module"] for entry in day["tasks"]] == ["tasks"] and day["tasks"][0]["count"]["value"] > 0
    assert [entry["module"] for entry in day["events"]] == ["interviews"]
    attention = {entry["view"]: entry["count"]["value"] for entry in day["attention"]}
    assert set(attention) == {"overdue_check_in", "outcome_missing", "guarantee_ending"} and attention["overdue_check_in"] > 0

"""Exports of other systems: bundles of files with links between them, in the recruiting workspace; what does not fit is told by row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from argon2 import PasswordHasher

from tests.importing.conftest import problems_of
from tests.importing.shared import FOLDER
from xrm_core.access.callers import Doorkeeper
from xrm_core.access.passwords import Passwords
from xrm_core.access.users import Users
from xrm_core.catalog import Catalogs
from xrm_core.importing.bundle import BundleDone, read_bundle, run_bundle, undo_any
from xrm_core.kernel.actor import SYSTEM, Actor
from xrm_core.kernel.clock import FixedClock
from xrm_core.kernel.errors import Invalid
from xrm_core.packs.install import install
from xrm_core.packs.validate import check_folder
from xrm_core.records import read
from xrm_core.records.query import RecordQuery
from xrm_core.records.unit import Units
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import Workspace

ROOT = Path(__file__).resolve().parents[2]
BUNDLES = ROOT / "docs" / "how-to" / "bundles"
OWN = Path(__file__).parent / "data" / "hiring_system"


class Office:
    """The recruiting workspace with one administrator."""

    def __init__(self, units: Units, workspace: Workspace, users: Users, actor: Actor) -> None:
        self.units, self.workspace, self.users, self.actor = units, workspace, users, actor

    async def bundle(self, name: str, folder: Path, *, dry: bool = False, errors: Path | None = None) -> BundleDone:
        wanted = read_bundle(BUNDLES / name, folder)
        return await run_bundle(self.units, self.workspace, self.actor, wanted, users=self.users, dry=dry, errors=errors)

    async def find(self, module: str) -> dict[str, dict[str, Any]]:
        listed = await self.units.run(
            self.workspace, SYSTEM, lambda unit: read.find(unit, RecordQuery(module, limit=1000))
        )
        rows = [orjson.loads(row) for row in listed.rows]
        return {row["title"]: row for row in rows}


@pytest.fixture
async def office(database: Database, workspace: Workspace, clock: FixedClock) -> Office:
    units = Units(database, Catalogs(database), clock)
    contents, problems = check_folder(ROOT / "module_packs" / "recruiting")
    assert contents is not None and not problems
    await install(units, workspace, SYSTEM, contents)
    users = Users(Doorkeeper(database, clock), Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)))
    made = await users.create(workspace, email="admin@office.example", name="Ada Admin", roles=["admin"])
    return Office(units, workspace, users, Actor(made.member.id, "Ada Admin", ("admin",)))


def told(done: BundleDone) -> dict[str, list[tuple[int, str, str]]]:
    return {one.name: problems_of(one.outcome) for one in done.files if one.outcome.rows}


async def test_an_export_with_its_links(office: Office, tmp_path: Path) -> None:
    expected = {
        "user.csv": [(3, "", "required")],
        "user_email": [(3, "user_id", "unresolved")],
        "candidate.csv": [(3, "recruiter_id", "unresolved")],
        "email_address": [(4, "candidate_id", "unresolved")],
        "job.csv": [(4, "name", "required")],
        "application.csv": [(4, "candidate_id", "unresolved"), (5, "job_application.job_id", "required")],
    }
    tried = await office.bundle("greenhouse.json", OWN, dry=True)
    assert told(tried) == expected
    assert not await office.find("candidates") and len(await office.users.list(office.workspace)) == 1
    done = await office.bundle("greenhouse.json", OWN, errors=tmp_path / "errors")
    assert told(done) == expected
    assert {one.name: one.outcome.counts["created"] for one in done.files if one.module} == {
        one.name: one.outcome.counts["created"] for one in tried.files if one.module
    }
    people = await office.find("candidates")
    petra, quentin, rosa = people["Petra Example"], people["Quentin Sample"], people["Rosa Muster"]
    assert petra["email"] == "petra@mail.example" and petra["current_employer"] == "Old Works"
    assert petra["created_at"].startswith("2024-02-01T22:52:04")
    ursula = await office.users.by_email(office.workspace, "ursula@hiring.example")
    assert str(ursula.id) in json.dumps(petra["recruiter_owner"]) and ursula.roles == ("recruiter",)
    assert str(office.actor.user_id) in json.dumps(quentin["recruiter_owner"]) and quentin["phone"] == "+12125550123"
    assert rosa["linkedin_url"].endswith("rosa-muster-example") and rosa["submissions_count"] == 0
    jobs = await office.find("job_orders")
    assert len(jobs) == 2 and all(job["client"]["title"] == "Our own company" for job in jobs.values())
    gardener = jobs["Head gardener - Our own company"]
    assert gardener["stage"] == "sourcing" and gardener["opened_on"] == "2024-01-10" and gardener["submissions_count"] == 1
    assert jobs["Cook - Our own company"]["close_reason"] == "other"
    submissions = await office.find("submissions")
    assert set(submissions) == {"Petra Example - Head gardener", "Quentin Sample - Cook"}
    assert submissions["Petra Example - Head gardener"]["source"]["title"] == "Friends of the house"
    assert submissions["Quentin Sample - Cook"]["stage"] == "rejected"
    left_out = (tmp_path / "errors" / "application-left-out.csv").read_text(encoding="utf-8-sig")
    assert left_out.splitlines()[1].startswith("803,") and "candidate_id: " in left_out
    # The same export once more changes nothing but what it says.
    again = await office.bundle("greenhouse.json", OWN)
    assert sum(one.outcome.counts["created"] for one in again.files) == 0
    undone = await undo_any(office.units, office.workspace, office.actor, done.id)
    assert undone.erased == 2 + 1 + 3 + 2 + 2 and not undone.kept
    assert not await office.find("candidates") and not await office.find("submissions")


async def test_accounts_become_clients(office: Office) -> None:
    done = await office.bundle("salesforce-accounts.json", OWN)
    assert {(row, column) for row, column, _ in told(done)["insertAccountCsv.csv"]} >= {(3, "PHONE")}
    clients = await office.find("clients")
    assert set(clients) == {"Harbour Foods", "Lake House"}
    assert clients["Lake House"]["phone"] == "+14155550102" and clients["Lake House"]["lifecycle"] == "client"


async def test_exports_that_others_wrote(office: Office) -> None:
    """The same bundles over real exports, where they lie beside the checkout."""
    if (FOLDER / "greenhouse_seeds").is_dir():
        done = await office.bundle("greenhouse.json", FOLDER / "greenhouse_seeds")
        people, jobs = await office.find("candidates"), await office.find("job_orders")
        assert set(people) == {"Spongebob Squarepants", "Patrick Star"} and people["Patrick Star"]["current_employer"] == "nowhere"
        assert {job["client"]["title"] for job in jobs.values()} == {"Our own company"} and len(jobs) == 2
        # The tables of this export were cut independently of each other: every reference that leads nowhere is told.
        assert [row for row, column, _ in told(done)["application.csv"] if column == "candidate_id"] == [2, 3]
        assert [row for row, _, _ in told(done)["email_address"]] == [2, 3]
    if (FOLDER / "salesforce_csv").is_dir():
        done = await office.bundle("salesforce-accounts.json", FOLDER / "salesforce_csv")
        assert done.files[0].outcome.counts["created"] == 100, told(done)
        assert (await office.find("clients"))["account insert #42"]["phone"] == "+14155550042"


@pytest.mark.parametrize(
    ("bundle", "path"),
    [
        ({}, "/files"),
        ({"files": [{"file": "user.csv"}]}, "/files/0/module"),
        ({"files": [{"file": "nothing.csv", "module": "sources"}]}, "/files/0/file"),
        ({"files": [{"file": "source.csv", "module": "sources", "columns": 1}]}, "/files/0/columns"),
        ({"files": [{"file": "source.csv", "module": "sources", "join": [{"file": "user.csv"}]}]}, "/files/0/join/0/on"),
        ({"files": [{"file": "source.csv", "module": "sources", "join": [{"file": "user.csv", "on": {"x": "id"}}]}]}, "/files/0/join/0/on"),
        ({"files": [{"file": "source.csv", "module": "sources", "copy": {"a": "b"}}]}, "/files/0/copy"),
        ({"fils": []}, "/fils"),
    ],
)  # fmt: skip
def test_a_wrong_bundle_is_refused_with_its_place(tmp_path: Path, bundle: object, path: str) -> None:
    file = tmp_path / "bundle.json"
    file.write_text(json.dumps(bundle))
    with pytest.raises(Invalid) as caught:
        read_bundle(file, OWN)
    assert path in [problem.path for problem in caught.value.problems]
    file.write_text("{")
    with pytest.raises(Invalid, match="line 1"):
        read_bundle(file, OWN)


async def test_a_mapping_that_does_not_fit_is_told_before_anything_is_imported(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "bundle.json"
    files = [
        {"file": "source.csv", "module": "sources", "columns": {"name": "name"}},
        {"file": "user.csv", "module": "candidates", "columns": {"first_name": "nothing"}},
        {"file": "user.csv", "module": "unknown", "columns": {"first_name": "name"}},
    ]
    file.write_text(json.dumps({"files": files}))
    with pytest.raises(Invalid) as caught:
        await run_bundle(office.units, office.workspace, office.actor, read_bundle(file, OWN), users=office.users)
    assert {problem.path for problem in caught.value.problems} == {"/files/1/columns/first_name", "/files/2"}
    assert not await office.find("sources")

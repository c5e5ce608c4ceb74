"""The OpenAPI document thrown at the application: whatever it describes, and whatever breaks it, is never a 5xx."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import schemathesis
import uvicorn
from argon2 import PasswordHasher
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode

from tests.api.conftest import COMPANIES, PASSWORD, TICKETS
from xrm_core.access.passwords import Passwords
from xrm_core.app import Application, assemble
from xrm_core.cli.serving import listen, uvicorn_config
from xrm_core.settings import Settings
from xrm_core.storage.database import Database, Limits
from xrm_core.storage.workspaces import create_workspace, drop_workspace

EXAMPLES = 6


@dataclass
class Live:
    """A served application: its address, a token of an administrator, and one record per module."""

    address: str
    headers: dict[str, str]
    records: dict[str, str]
    document: dict[str, Any]


class _Thread(threading.Thread):
    """Runs the application in an event loop of its own, like a server process would."""

    def __init__(self, dsn: str, data_dir: str) -> None:
        super().__init__(daemon=True)
        self.dsn, self.data_dir = dsn, data_dir
        self.ready = threading.Event()
        self.port, self.secret, self.error = 0, "", None

    def run(self) -> None:
        try:
            asyncio.run(self.main())
        except BaseException as error:  # told to the test that waits
            self.error = error
            self.ready.set()

    async def main(self) -> None:
        async with Database(self.dsn, Limits(readers=4, writers=4)) as database:
            chosen = Settings.load({"XRM_DATA_DIR": self.data_dir, "XRM_FILE_LIMIT_MB": "1"})
            passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
            process = assemble(chosen, database, passwords=passwords)
            workspace = await create_workspace(database, slug="contract", name="Contract", now=process.clock.now())
            made = await process.users.create(workspace, email="root@example.com", roles=["admin"], password=PASSWORD)
            _, self.secret = await process.tokens.create(workspace, made.member.id, "contract")
            listener = listen("127.0.0.1", 0)
            self.port = listener.getsockname()[1]
            self.server = uvicorn.Server(uvicorn_config(Application(process)))
            serving = asyncio.create_task(self.server.serve(sockets=[listener]))
            while not self.server.started:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            self.ready.set()
            await serving
            await drop_workspace(database, workspace)
            async with database.control() as connection:
                await connection.execute("delete from xrm_control.account where email = 'root@example.com'")


@pytest.fixture(scope="module")
def live(database_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    thread = _Thread(database_dsn, str(tmp_path_factory.mktemp("contract")))
    thread.start()
    assert thread.ready.wait(60) and thread.error is None, thread.error
    address = f"http://127.0.0.1:{thread.port}"
    headers = {"Authorization": f"Bearer {thread.secret}"}
    with httpx.Client(base_url=f"{address}/api/v1", headers=headers) as client:
        records = {}
        for module in (COMPANIES, TICKETS):
            assert client.post("/modules", json=module).status_code == 201
        for name, values in (("companies", {"name": "Acme"}), ("tickets", {"subject": "Broken"})):
            records[name] = client.post(f"/records/{name}", json=values).json()["id"]
        document = client.get(f"{address}/api/openapi.json").json()
    yield Live(address, headers, records, document)
    thread.server.should_exit = True
    thread.join(30)


def test_nothing_the_document_describes_or_forbids_breaks_the_server(live: Live) -> None:
    schema = schemathesis.openapi.from_dict(live.document)
    broken: list[str] = []
    tried = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        module = operation.path.split("/")[2] if operation.path.startswith("/records/") else ""
        known = {"id": live.records[module]} if "{id}" in operation.path and module in live.records else None
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @settings(
                max_examples=EXAMPLES,
                derandomize=True,
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(mode, path_parameters=dict(known) if known else None))
            def throw(case: Any) -> None:
                nonlocal tried
                response = case.call(base_url=f"{live.address}/api/v1", headers=live.headers)
                tried += 1
                if response.status_code >= 500:
                    broken.append(f"{case.method} {case.formatted_path}: {response.status_code} {response.text[:300]}")
                elif response.status_code >= 400:
                    kind = response.headers["content-type"][0]
                    assert kind == "application/problem+json", (case.method, case.formatted_path, kind)

            try:
                throw()
            except Exception as error:
                if type(error).__name__ not in ("Unsatisfiable", "SkipTest", "Skipped"):
                    raise
    assert not broken, "\n".join(dict.fromkeys(broken))
    assert tried > 300

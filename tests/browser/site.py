"""The whole product on a free port: database, API and pages, with a workspace made for the browser tests."""

from __future__ import annotations

import asyncio
import socket
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from argon2 import PasswordHasher

from xrm_core.access.passwords import Passwords
from xrm_core.app import Application, Process, assemble
from xrm_core.kernel.clock import ShiftedClock
from xrm_core.records import jobs
from xrm_core.settings import Settings
from xrm_core.storage.database import Database, Limits
from xrm_core.storage.workspaces import Workspace, create_workspace, drop_workspace

PASSWORD = "a long pass phrase"
START = datetime(2026, 3, 31, 9, 30, tzinfo=UTC)

SUPPLIERS: dict[str, Any] = {
    "name": "suppliers", "label": {"en": "Supplier", "de": "Lieferant"}, "label_plural": {"en": "Suppliers", "de": "Lieferanten"},
    "icon": "building-2", "title": "{{ name }}", "order": 10, "shortcut": "s",
    "fields": [
        {"name": "name", "type": "text", "label": "Name", "required": True, "indexed": True, "searchable": True},
        {"name": "email", "type": "email", "label": "E-mail", "unique": True},
        {"name": "founded", "type": "date", "label": "Founded", "indexed": True},
    ],
}  # fmt: skip
COUNTED: list[dict[str, Any]] = [
    {"name": "orders_count", "type": "rollup", "label": "Orders", "link": "orders", "function": "count"},
    {"name": "orders_value", "type": "rollup", "label": "Order value", "link": "orders", "function": "sum", "field": "value"},
]  # fmt: skip
"""Fields of suppliers that count their orders; added when there are orders."""
ORDERS: dict[str, Any] = {
    "name": "orders", "label": {"en": "Order", "de": "Auftrag"}, "label_plural": {"en": "Orders", "de": "Aufträge"},
    "icon": "package", "title": "{{ subject }}", "order": 20, "shortcut": "o",
    "fields": [
        {"name": "subject", "type": "text", "label": "Subject", "required": True, "indexed": True, "searchable": True},
        {"name": "number", "type": "auto_number", "label": "Number", "prefix": "OR-"},
        {"name": "value", "type": "money", "label": "Value", "indexed": True, "currency": "EUR"},
        {"name": "rate", "type": "money_rate", "label": "Rate"},
        {"name": "pieces", "type": "integer", "label": "Pieces", "min": 0},
        {"name": "weight", "type": "decimal", "label": "Weight", "scale": 3},
        {"name": "share", "type": "percent", "label": "Share"},
        {"name": "rush", "type": "boolean", "label": "Rush"},
        {"name": "due", "type": "date", "label": "Due", "indexed": True},
        {"name": "call_at", "type": "datetime", "label": "Call at"},
        {"name": "terms", "type": "duration", "label": "Terms"},
        {"name": "period", "type": "date_range", "label": "Period"},
        {"name": "status", "type": "select", "label": "Status", "indexed": True, "default": "active",
         "options": [{"name": "active", "label": "Active", "hue": "green"}, {"name": "paused", "label": "Paused", "hue": "amber"}]},
        {"name": "tags", "type": "multi_select", "label": "Tags", "open": True,
         "options": [{"name": "steel", "label": "Steel"}, {"name": "paper", "label": "Paper"}]},
        {"name": "contact", "type": "person_name", "label": "Contact"},
        {"name": "mail", "type": "email", "label": "Mail"},
        {"name": "phone", "type": "phone", "label": "Phone"},
        {"name": "site", "type": "url", "label": "Web page"},
        {"name": "place", "type": "address", "label": "Place"},
        {"name": "agent", "type": "user", "label": "Agent"},
        {"name": "rating", "type": "rating", "label": "Rating"},
        {"name": "extra", "type": "json", "label": "Extra"},
        {"name": "remarks", "type": "long_text", "label": "Remarks"},
        {"name": "notes", "type": "rich_text", "label": "Notes"},
        {"name": "papers", "type": "file", "label": "Papers"},
        {"name": "double", "type": "formula", "label": "Twice the pieces", "formula": "pieces * 2"},
    ],
    "links": [
        {"name": "supplier", "label": "Supplier", "to": ["suppliers"], "on_delete": "restrict",
         "inverse": {"name": "orders", "label": "Orders"}},
        {"name": "others", "label": "Other suppliers", "to": ["suppliers"], "many": True,
         "inverse": {"name": "shared_orders", "label": "Shared orders"}},
    ],
    "pipelines": [
        {"name": "handling", "label": "Stage", "field": "stage", "stages": [
            {"name": "draft", "label": "Draft", "category": "open"},
            {"name": "sent", "label": "Sent", "category": "open", "requires": ["due"]},
            {"name": "done", "label": "Done", "category": "won"},
            {"name": "dropped", "label": "Dropped", "category": "lost",
             "reasons": [{"name": "price", "label": "Price"}, {"name": "late", "label": "Too late"}]}]},
    ],
    "views": [
        {"name": "all", "label": "All orders", "layout": "list", "default": True, "sort": ["subject"],
         "columns": ["subject", "stage", "status", "supplier", "supplier.email", "value", "due", "tags", "owner"]},
        {"name": "pipeline", "label": "Pipeline", "layout": "board", "card_fields": ["supplier", "value"], "sum": "value"},
        {"name": "rushed", "label": "Rush", "layout": "list", "filter": "rush == true", "columns": ["subject", "due"]},
    ],
}  # fmt: skip


@dataclass
class Site:
    """A running product; `url` is its address. Everything happens on the loop of its own thread."""

    dsn: str
    home: Path
    url: str = ""
    process: Process | None = None
    _ready: threading.Event = field(default_factory=threading.Event)
    _stop: asyncio.Event | None = None
    _loop: asyncio.AbstractEventLoop | None = None
    _thread: threading.Thread | None = None
    _error: BaseException | None = None

    def start(self) -> Site:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), daemon=True)
        self._thread.start()
        assert self._ready.wait(60), "the site did not start"
        if self._error is not None:
            raise self._error
        return self

    def stop(self) -> None:
        assert self._loop is not None and self._stop is not None and self._thread is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)

    async def _main(self) -> None:
        try:
            await self._serve()
        except BaseException as error:
            self._error = error
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        settings = Settings.load({"XRM_DATA_DIR": str(self.home), "XRM_FILE_LIMIT_MB": "1", "XRM_BODY_LIMIT_MB": "2"})
        hasher = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        async with Database(self.dsn, Limits(readers=4, writers=4)) as database:
            process = assemble(settings, database, ShiftedClock(START), hasher)
            workspace = await create_workspace(
                database, slug="site", name="North Quay", now=START, time_zone="Europe/Berlin"
            )
            people = {}
            for role in ("admin", "member", "viewer"):
                made = await process.users.create(
                    workspace, email=f"{role}@example.com", name=f"{role.title()} Desk", roles=[role], password=PASSWORD
                )
                people[role] = made.member.id
            _, token = await process.tokens.create(workspace, people["admin"], "site")
            sock = socket.socket()
            sock.bind(("127.0.0.1", 0))
            config = uvicorn.Config(Application(process), log_level="warning", lifespan="off", ws="none")
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve(sockets=[sock]))
            self.process, self.url = process, f"http://127.0.0.1:{sock.getsockname()[1]}"
            async with httpx.AsyncClient(
                base_url=f"{self.url}/api/v1", headers={"Authorization": f"Bearer {token}"}
            ) as api:
                await _fill(api)
            self.token = token
            self.workspace = workspace
            self._ready.set()
            await self._stop.wait()
            server.should_exit = True
            await serving
            await drop_workspace(database, workspace)
            async with database.control() as connection:
                await connection.execute("delete from xrm_control.account")

    def work(self) -> None:
        """What a worker would do: the jobs that wait."""
        assert self._loop is not None and self.process is not None and self.workspace is not None
        asyncio.run_coroutine_threadsafe(jobs.run_due(self.process.units, self.workspace), self._loop).result(120)

    def api(self, method: str, path: str, **more: Any) -> Any:
        """One request of an administrator."""
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        answer = httpx.request(method, f"{self.url}/api/v1{path}", headers=headers, timeout=20, **more)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    token: str = ""
    workspace: Workspace | None = None


async def _fill(api: httpx.AsyncClient) -> None:
    """Modules, twelve suppliers, 120 orders."""
    for module in (SUPPLIERS, ORDERS):
        await _ok(api.post("/modules", json=module))
    for one in COUNTED:
        await _ok(api.post("/modules/suppliers/fields", json=one))
    await _ok(api.patch("/modules/suppliers", json={"layout": {"facts": [one["name"] for one in COUNTED]}}))
    names = [
        "Harbour Freight",
        "Oak Lane Printing",
        "Blue Ridge Ceramics",
        "Ferrous & Daughters",
        "Łódź Optyka",
        "Kiln & Co",
    ]
    suppliers = [{"name": name, "email": f"office{i}@example.com"} for i, name in enumerate(names)]
    made = await _ok(api.post("/records/suppliers/batch", json={"create": suppliers}))
    found = (await _ok(api.get("/records/suppliers", params={"sort": "created_at"})))["data"]
    assert len(found) == len(names), made
    orders = [
        {
            "subject": f"Order {i:03} {'steel' if i % 3 else 'paper'}",
            "supplier": found[i % 6]["id"],
            "value": {"amount": str(1000 + i), "currency": "EUR"},
            "due": f"2026-0{4 + i % 5}-{1 + i % 28:02}",
            "rush": i % 10 == 0,
            "tags": ["steel"] if i % 3 else ["paper"],
            "status": "paused" if i % 4 == 0 else "active",
            "stage": ("draft", "sent", "done")[i % 3],
        }
        for i in range(120)
    ]
    await _ok(api.post("/records/orders/batch", json={"create": orders}))


async def _ok(request: Any) -> Any:
    answer: httpx.Response = await request
    assert answer.is_success, answer.text
    return answer.json()

"""The composition root: from settings to an ASGI application with its database, API and pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litestar import Litestar, Request, Response, Router
from litestar.exceptions import HTTPException

from xrm_core.access.callers import Doorkeeper
from xrm_core.access.passwords import Passwords
from xrm_core.access.sessions import Sessions
from xrm_core.access.tokens import Tokens
from xrm_core.access.users import Users
from xrm_core.api import problems, routes
from xrm_core.api.hub import Hub
from xrm_core.api.services import KEY, Services
from xrm_core.api.shell import Receive, Scope, Send, Shell
from xrm_core.api.telemetry import Telemetry
from xrm_core.automation.match import Matching
from xrm_core.catalog import Catalogs
from xrm_core.kernel.clock import Clock, SystemClock
from xrm_core.kernel.errors import XrmError
from xrm_core.kernel.problem import SPOKEN
from xrm_core.messaging.office import Office, kept_key, read_smtp_url
from xrm_core.records.unit import Units
from xrm_core.settings import Settings
from xrm_core.storage import embedded
from xrm_core.storage.database import Database, Dsns, Limits
from xrm_core.web.problems import EXCEPTION_HANDLERS as PAGES
from xrm_core.web.routes import pages
from xrm_core.web.sentences import for_header

PACKS = Path(__file__).resolve().parent.parent / "module_packs"
"""The packs that come with the product: beside the package, both in a checkout and when installed."""


@dataclass(frozen=True, slots=True)
class Process:
    """What one process works with."""

    settings: Settings
    database: Database
    catalogs: Catalogs
    units: Units
    users: Users
    tokens: Tokens
    clock: Clock
    packs: tuple[Path, ...]
    services: Services


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Database]:
    """The open database: the server that the settings name, or the embedded one, which is started if needed."""
    limits = Limits(readers=settings.pool_size, writers=settings.pool_size, prepare=settings.prepare)
    if settings.database_url:
        dsns = Dsns.of(
            settings.database_url, settings["ddl_database_url"] or None, settings["control_database_url"] or None
        )
        async with Database(dsns, limits) as database:
            yield database
        return
    dsn = await asyncio.to_thread(embedded.start, settings.data_dir)
    try:
        async with Database(dsn, limits) as database:
            yield database
    finally:
        await asyncio.to_thread(embedded.leave, settings.data_dir)


def assemble(
    settings: Settings, database: Database, clock: Clock | None = None, passwords: Passwords | None = None
) -> Process:
    """The parts of a process around an open database."""
    clock = clock or SystemClock()
    catalogs = Catalogs(database)
    units = Units(database, catalogs, clock, Matching())
    doorkeeper = Doorkeeper(database, clock, session_days=settings.session_days)
    passwords = passwords or Passwords()
    users, tokens, packs = Users(doorkeeper, passwords), Tokens(doorkeeper), pack_dirs(settings)
    services = Services(
        database=database,
        units=units,
        doorkeeper=doorkeeper,
        sessions=Sessions(doorkeeper, passwords),
        tokens=tokens,
        users=users,
        clock=clock,
        telemetry=Telemetry(),
        hub=Hub(database, clock),
        office=office_of(settings),
        packs=packs,
        file_limit=settings.file_limit,
    )
    return Process(settings, database, catalogs, units, users, tokens, clock, packs, services)


def office_of(settings: Settings) -> Office:
    """What messages need to know of the installation; a wrong mail server's address counts as none."""
    server, _ = read_smtp_url(settings["smtp_url"])
    directory = settings.data_dir or embedded.default_data_dir()
    return Office(
        key=lambda: kept_key(settings["secret_key"], directory),
        public_url=settings.public_url,
        smtp=server,
        smtp_from=settings["mail_from"],
        private_hosts=settings.private_hosts,
        mail_limit=settings.mail_limit,
    )


def pack_dirs(settings: Settings) -> tuple[Path, ...]:
    """Where packs are looked for: what came with the product, and `packs` in the data directory."""
    own = (settings.data_dir or embedded.default_data_dir()) / "packs"
    return (PACKS, own)


def _either(kind: type[Exception]) -> Any:
    """Errors before any route was found: a problem document below /api, a page elsewhere."""

    def handle(request: Request[Any, Any, Any], error: Any) -> Response[Any]:
        is_api = request.scope["path"].startswith("/api/")
        chosen = problems.EXCEPTION_HANDLERS if is_api else PAGES
        found: Response[Any] = chosen[kind](request, error)
        return found

    return handle


_HANDLERS: dict[int | type[Exception], Any] = {kind: _either(kind) for kind in (XrmError, HTTPException, Exception)}


class Application:
    """The ASGI application: gives every request the services of the process, then goes through the shell."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.litestar = Litestar(
            route_handlers=[
                Router("/api/v1", route_handlers=routes.HANDLERS, exception_handlers=problems.EXCEPTION_HANDLERS),
                Router(
                    "/api/v1",
                    route_handlers=routes.UPLOADS,
                    request_max_body_size=process.settings.file_limit + routes.UPLOAD_ROOM,
                    exception_handlers=problems.EXCEPTION_HANDLERS,
                ),
                Router("/api", route_handlers=routes.DOCUMENTS, exception_handlers=problems.EXCEPTION_HANDLERS),
                Router("/", route_handlers=routes.OPERATIONS, exception_handlers=problems.EXCEPTION_HANDLERS),
                pages(),
            ],
            exception_handlers=_HANDLERS,
            request_max_body_size=process.settings.body_limit,
            openapi_config=None,
            logging_config=None,
            debug=False,
        )
        self._shell = Shell(self.litestar, process.services.telemetry)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[KEY] = self.process.services
        # Programs that ask for no language are answered in English; pages know their reader's.
        wanted = next((value for name, value in scope.get("headers", ()) if name == b"accept-language"), b"")
        SPOKEN.set(for_header(wanted.decode("latin-1")) if wanted else None)
        await self._shell(scope, receive, send)

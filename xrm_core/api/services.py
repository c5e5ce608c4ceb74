"""What the handlers of one process work with; put into every request's scope by the application."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from litestar import Request

from xrm_core.access.attempts import GuestBrakes
from xrm_core.access.callers import Caller, Doorkeeper
from xrm_core.access.sessions import Sessions
from xrm_core.access.tokens import Tokens
from xrm_core.access.users import Users
from xrm_core.api.hub import Hub
from xrm_core.api.telemetry import Telemetry
from xrm_core.kernel.clock import Clock
from xrm_core.messaging.office import Office
from xrm_core.records.unit import Units
from xrm_core.storage.database import Database

KEY = "xrm_services"
Req: TypeAlias = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Services:
    """One object of each kind per process."""

    database: Database
    units: Units
    doorkeeper: Doorkeeper
    sessions: Sessions
    tokens: Tokens
    users: Users
    clock: Clock
    telemetry: Telemetry
    hub: Hub
    office: Office
    packs: tuple[Path, ...] = ()
    """Directories that hold packs."""
    file_limit: int = 50 * 1024 * 1024
    """Bytes of an uploaded file."""
    guest_brakes: GuestBrakes = field(default_factory=GuestBrakes)


def services_of(request: Req) -> Services:
    """The services of the process."""
    return services_in(request.scope)


def services_in(scope: Mapping[str, Any]) -> Services:
    """The services of the process, from an ASGI scope."""
    found = scope[KEY]
    assert isinstance(found, Services)
    return found


async def caller_of(request: Req) -> Caller:
    """Who sent the request; raises Unauthenticated. What changes something needs the session's CSRF token, or a bearer token."""
    changes = request.method not in ("GET", "HEAD", "OPTIONS")
    return await services_of(request).doorkeeper.caller(request.scope["headers"], changes=changes)

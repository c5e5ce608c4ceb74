"""What page handlers work with, and the visit: one signed-in person's request for a page."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias, cast
from uuid import UUID

from litestar import Request

from xrm_core.access.attempts import GuestBrakes
from xrm_core.access.callers import Caller, Doorkeeper
from xrm_core.access.sessions import Sessions
from xrm_core.access.users import Users
from xrm_core.kernel.problem import SPOKEN
from xrm_core.messaging.office import Office
from xrm_core.records import personal
from xrm_core.records.unit import Unit, Units
from xrm_core.storage import notifications
from xrm_core.web import formats, i18n
from xrm_core.web.formatters import Reader
from xrm_core.web.pages import UserView
from xrm_core.web.render import new_nonce
from xrm_core.web.sentences import speaker

ADMIN = "admin"
KEY = "xrm_services"
"""Where the application puts the services of the process in a request's scope."""
VISIT = "xrm_visit"
Req: TypeAlias = Request[Any, Any, Any]
MANY = 100
"""How far unread notifications are counted."""
_REMEMBERED = 5.0
_people: dict[UUID, tuple[float, dict[str, UserView]]] = {}
_managers: dict[UUID, tuple[str, ...]] = {}


class Nudged(Protocol):
    """What tells open pages that something was written."""

    def nudge(self, workspace_id: UUID) -> None: ...


class Services(Protocol):
    """The part of a process's services that pages need."""

    @property
    def units(self) -> Units: ...
    @property
    def doorkeeper(self) -> Doorkeeper: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def users(self) -> Users: ...
    @property
    def file_limit(self) -> int: ...
    @property
    def packs(self) -> tuple[Path, ...]: ...
    @property
    def office(self) -> Office: ...
    @property
    def guest_brakes(self) -> GuestBrakes: ...
    @property
    def hub(self) -> Nudged: ...


def services_of(request: Req) -> Services:
    """The services of the process."""
    return cast(Services, request.scope[KEY])  # type: ignore[literal-required]


@dataclass(slots=True)
class Visit:
    """A page request: who, in which unit of work, in which language."""

    request: Req
    caller: Caller
    unit: Unit
    users: Mapping[str, UserView]
    locale: str
    nonce: str = field(default_factory=new_nonce)
    favourites: list[dict[str, Any]] = field(default_factory=list)
    unread: int = 0

    @property
    def reader(self) -> Reader:
        """For whom values are formatted."""
        locale = formats.with_formats(self.locale, self.caller.preferences.get("formats"))
        return Reader(locale, self.zone, self.unit.now, self.users)

    @property
    def zone(self) -> str:
        """The time zone in which times are shown: the visitor's own, else the workspace's."""
        return self.caller.preferences.get("time_zone") or self.unit.zone

    def t(self, text: str, **values: Any) -> str:
        """A text of the interface in the visitor's language, with `{names}` filled in."""
        found = i18n.translator(self.locale)(text)
        return found.format(**values) if values else found

    def plural(self, one: str, many: str, count: int) -> str:
        """The same with a count, which fills `{count}`."""
        return i18n.plural_translator(self.locale)(one, many, count).format(count=count)


async def caller_of(request: Req) -> Caller:
    """Who sent the request; raises Unauthenticated. Forms prove themselves with `form_of`."""
    return await services_of(request).doorkeeper.caller(request.scope["headers"], changes=False)


@asynccontextmanager
async def visit(request: Req, caller: Caller | None = None) -> AsyncIterator[Visit]:
    """The visit of whoever is signed in."""
    caller = caller or await caller_of(request)
    services = services_of(request)
    users = await people(services, caller)
    async with services.units.begin(caller.workspace, caller.actor) as unit:
        found = Visit(request, caller, unit, users, locale_of(request, caller))
        SPOKEN.set(speaker(found.locale))
        request.scope[VISIT] = found  # type: ignore[literal-required]
        if request.headers.get("hx-request") != "true" and unit.actor.user_id is not None:
            found.favourites = await personal.favourites(unit)
            connection = await unit.writer()
            found.unread = await notifications.unread(connection, unit.schema, caller.account_id, unit.now, MANY)
        yield found


def locale_of(request: Req, caller: Caller | None) -> str:
    """The language somebody chose, else the browser's, else English."""
    wanted = (caller.preferences.get("language") or caller.locale) if caller is not None else None
    if wanted and (wanted.split("-")[0] in i18n.languages() or wanted == i18n.PSEUDO):
        return wanted
    return i18n.negotiate(request.headers.get("accept-language", ""))


def managers(caller: Caller) -> tuple[str, ...]:
    """The names of those who give rights, as far as they were looked up by `people`."""
    return _managers.get(caller.workspace.id, ())


async def people(services: Services, caller: Caller) -> dict[str, UserView]:
    """Everybody in the workspace by id, remembered for a few seconds."""
    now = time.monotonic()
    kept = _people.get(caller.workspace.id)
    if kept is not None and now - kept[0] < _REMEMBERED:
        return kept[1]
    members = await services.users.list(caller.workspace)
    found = {str(member.id): UserView(str(member.id), member.name, member.email) for member in members}
    if len(_people) > 1000:
        _people.clear()
        _managers.clear()
    _managers[caller.workspace.id] = tuple(
        member.name for member in members if ADMIN in member.roles and member.disabled_at is None
    )
    _people[caller.workspace.id] = (now, found)
    return found

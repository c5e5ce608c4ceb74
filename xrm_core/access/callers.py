"""The door: who sends a request, found from a session cookie or a bearer token, remembered for a few seconds."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from http.cookies import CookieError, SimpleCookie
from typing import Any
from uuid import UUID

from xrm_core.kernel.actor import Actor
from xrm_core.kernel.clock import Clock
from xrm_core.kernel.errors import Forbidden, Unauthenticated
from xrm_core.kernel.problem import Problem
from xrm_core.storage import accounts, members
from xrm_core.storage.accounts import Account
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import Workspace, workspace_by_id

COOKIE = "xrm_session"
CSRF_HEADER = b"x-csrf-token"
_REMEMBERED = 5.0
_MOST = 10_000
_TOUCH_EVERY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who is signed in, in one workspace."""

    workspace: Workspace
    actor: Actor
    account_id: UUID
    email: str
    name: str
    locale: str | None = None
    theme: str | None = None
    preferences: dict[str, Any] = field(default_factory=dict)
    csrf: str | None = None
    """What forms and scripts of the browser session must send back; None for tokens."""
    session_id: bytes | None = None
    token_id: UUID | None = None

    def require_csrf(self, given: str | None) -> None:
        """Raises Forbidden unless `given` is the CSRF token of the session."""
        if self.csrf is not None and not hmac.compare_digest(self.csrf.encode(), (given or "").encode()):
            raise Forbidden(
                Problem(
                    "csrf",
                    "/headers/X-CSRF-Token",
                    "The request does not come from a page of this session.",
                    "Load the page again.",
                )
            )


class Doorkeeper:
    """Finds callers; what it found is trusted for a few seconds, or until `forget`."""

    def __init__(self, database: Database, clock: Clock, *, session_days: int = 14) -> None:
        self.database = database
        self.clock = clock
        self.session_life = timedelta(days=session_days)
        self._known: dict[bytes, tuple[float, Caller]] = {}

    async def caller(self, headers: Iterable[tuple[bytes, bytes]], *, changes: bool) -> Caller:
        """The caller of a request with these raw headers; one with a cookie who `changes` something must prove the page is ours."""
        authorization = cookie = csrf = None
        for name, value in headers:
            if name == b"authorization":
                authorization = value
            elif name == b"cookie":
                cookie = value if cookie is None else cookie + b"; " + value
            elif name == CSRF_HEADER:
                csrf = value
        if authorization is not None:
            return await self.by_token(_bearer(authorization))
        secret = session_secret(cookie)
        if secret is None:
            raise Unauthenticated(
                Problem("unauthenticated", "", "Nobody is signed in.", "Send Authorization: Bearer TOKEN.")
            )
        found = await self.by_session(secret)
        if changes:
            found.require_csrf(csrf.decode("latin-1") if csrf is not None else None)
        return found

    async def by_session(self, secret: str) -> Caller:
        """The caller of a browser session."""
        digest = digest_of(secret)
        found = self._recall(digest)
        if found is not None:
            return found
        now = self.clock.now()
        async with self.database.control() as connection:
            row = await accounts.session(connection, digest, now)
            if row is None:
                raise Unauthenticated(Problem("session", "", "The session has ended.", "Sign in again."))
            session, account = row
            if now - session.last_seen_at > _TOUCH_EVERY:
                await accounts.touch_session(connection, digest, now, now + self.session_life)
        caller = await self._caller(account, session.workspace_id, "human", csrf=session.csrf, session_id=digest)
        return self._remember(digest, caller)

    async def by_token(self, secret: str) -> Caller:
        """The caller of an API token."""
        digest = digest_of(secret)
        found = self._recall(digest)
        if found is not None:
            return found
        now = self.clock.now()
        async with self.database.control() as connection:
            row = await accounts.token(connection, digest, now)
            if row is None:
                raise Unauthenticated(
                    Problem("token", "", "The token is not valid.", "It may have been revoked or have expired.")
                )
            token, account = row
            if token.last_used_at is None or now - token.last_used_at > _TOUCH_EVERY:
                await accounts.touch_token(connection, token.id, now)
        return self._remember(digest, await self._caller(account, token.workspace_id, "api", token_id=token.id))

    def forget(self, account_id: UUID | None = None) -> None:
        """Ask the database again about everybody, or about one account."""
        if account_id is None:
            self._known.clear()
        else:
            self._known = {key: known for key, known in self._known.items() if known[1].account_id != account_id}

    async def _caller(self, account: Account, workspace_id: UUID | None, kind: Any, **more: Any) -> Caller:
        workspace = await workspace_by_id(self.database, workspace_id) if workspace_id else None
        if workspace is None or workspace.archived_at is not None:
            raise Unauthenticated(Problem("workspace", "", "The workspace is gone.", "Sign in again."))
        async with self.database.writing() as connection:
            member = await members.member(connection, workspace.schema, account.id)
        if member is None or member.disabled_at is not None:
            raise Unauthenticated(
                Problem("member", "", "This account has no access to the workspace.", "Ask an administrator.")
            )
        actor = Actor(user_id=account.id, name=member.name, roles=member.roles, kind=kind, teams=member.teams)
        return Caller(
            workspace, actor, account.id, account.email, member.name, account.locale, account.theme,
            {**account.settings, **member.settings}, **more,
        )  # fmt: skip

    def _recall(self, digest: bytes) -> Caller | None:
        known = self._known.get(digest)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        return None

    def _remember(self, digest: bytes, caller: Caller) -> Caller:
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[digest] = (time.monotonic() + _REMEMBERED, caller)
        return caller


def digest_of(secret: str) -> bytes:
    """What is stored of a secret: it is random and long, so a plain hash is enough."""
    return hashlib.sha256(secret.encode()).digest()


def session_secret(cookie: bytes | None) -> str | None:
    """The session's secret out of a Cookie header."""
    if cookie is None or COOKIE.encode() not in cookie:
        return None
    try:
        jar = SimpleCookie(cookie.decode("latin-1"))
    except CookieError:
        return None
    morsel = jar.get(COOKIE)
    return morsel.value if morsel is not None and morsel.value else None


def _bearer(header: bytes) -> str:
    scheme, _, secret = header.decode("latin-1").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Unauthenticated(
            Problem(
                "authorization",
                "/headers/Authorization",
                "The header is not Bearer and a token.",
                "Send Authorization: Bearer TOKEN.",
            )
        )
    return secret.strip()

"""Browser sessions: signing in and out; a cookie holds a random secret of which only the hash is stored."""

from __future__ import annotations

import secrets

from xrm_core.access.attempts import Attempts
from xrm_core.access.callers import COOKIE, Caller, Doorkeeper, digest_of
from xrm_core.access.passwords import Passwords
from xrm_core.access.users import normal_email
from xrm_core.kernel.errors import Invalid, Unauthenticated
from xrm_core.kernel.problem import Problem
from xrm_core.storage import accounts
from xrm_core.storage.accounts import Session

_WINDOW = 900.0


class Sessions:
    """Signs people in and out."""

    def __init__(self, doorkeeper: Doorkeeper, passwords: Passwords) -> None:
        self.doorkeeper = doorkeeper
        self.passwords = passwords
        self.per_account = Attempts(10, _WINDOW)
        self.per_address = Attempts(100, _WINDOW)

    async def sign_in(
        self, email: str, password: str, *, address: str = "", agent: str = "", workspace: str | None = None
    ) -> tuple[str, Caller]:
        """The secret for the cookie, and who is signed in; `workspace` is a slug, by default the first that the account belongs to."""
        known_as = _forgiving(email)
        self.per_address.make(address)
        self.per_account.make(known_as)
        database = self.doorkeeper.database
        async with database.control() as connection:
            account = await accounts.account_by_email(connection, known_as)
        stored = account.password_hash if account is not None and account.disabled_at is None else None
        if not await self.passwords.verify(stored, password) or account is None or stored is None:
            raise Unauthenticated(
                Problem(
                    "credentials", "", "The e-mail address or the password is not right.", "Check both and try again."
                )
            )
        self.per_account.succeeded(known_as)
        fresh = await self.passwords.hash(password) if self.passwords.outdated(stored) else None
        now = self.doorkeeper.clock.now()
        secret = secrets.token_urlsafe(32)
        async with database.control_transaction() as connection:
            if fresh is not None:
                await accounts.set_password(connection, account.id, fresh, now)
            workspace_id = await accounts.home(connection, account.id, workspace)
            if workspace_id is None:
                raise Unauthenticated(
                    Problem("workspace", "", "This account has no access to the workspace.", "Ask an administrator.")
                )
            await accounts.note_login(connection, account.id, now)
            session = Session(
                digest_of(secret),
                account.id,
                workspace_id,
                secrets.token_urlsafe(24),
                now,
                now,
                now + self.doorkeeper.session_life,
            )
            await accounts.add_session(connection, session, address[:100] or None, agent[:300] or None)
        return secret, await self.doorkeeper.by_session(secret)

    async def sign_out(self, caller: Caller) -> None:
        """End the caller's session."""
        if caller.session_id is not None:
            async with self.doorkeeper.database.control() as connection:
                await accounts.end_session(connection, caller.session_id)
        self.doorkeeper.forget(caller.account_id)


def cookie_header(secret: str, *, secure: bool, days: int = 14) -> str:
    """The Set-Cookie header of a new session."""
    return f"{COOKIE}={secret}; Path=/; Max-Age={days * 86400}; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"


def no_cookie_header(*, secure: bool) -> str:
    """The Set-Cookie header that removes the session's cookie."""
    return f"{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"


def _forgiving(email: str) -> str:
    # An address that is none belongs to nobody; the answer must be the same.
    try:
        return normal_email(email)
    except Invalid:
        return email.strip().casefold()[:320]

"""API tokens: made for a user and one workspace, shown once, stored as a hash, acting with the user's roles."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from xrm_core.access.callers import Doorkeeper, digest_of
from xrm_core.kernel.errors import Invalid, NotFound
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.problem import Problem
from xrm_core.storage import accounts
from xrm_core.storage.accounts import Token
from xrm_core.storage.workspaces import Workspace

PREFIX = "xrm_"
"""Lets scanners for leaked secrets recognise a token."""


class Tokens:
    """Makes, lists and revokes tokens."""

    def __init__(self, doorkeeper: Doorkeeper) -> None:
        self.doorkeeper = doorkeeper

    async def create(
        self, workspace: Workspace, account_id: UUID, name: str, expires_at: datetime | None = None
    ) -> tuple[Token, str]:
        """The token and its secret, which nobody can see again."""
        name = name.strip()
        now = self.doorkeeper.clock.now()
        problems = []
        if not 1 <= len(name) <= 100 or not name.isprintable():
            problems.append(
                Problem("name", "/name", "A token's name has 1 to 100 characters.", "Say what the token is for.")
            )
        if expires_at is not None and expires_at <= now:
            problems.append(Problem("expired", "/expires_at", "This is in the past."))
        if problems:
            raise Invalid(problems)
        secret = PREFIX + secrets.token_urlsafe(32)
        token = Token(new_id(), account_id, workspace.id, name, now, None, expires_at, None)
        async with self.doorkeeper.database.control() as connection:
            await accounts.add_token(connection, token, digest_of(secret))
        return token, secret

    async def list(self, workspace: Workspace, account_id: UUID | None = None) -> Sequence[Token]:
        """The tokens of a workspace, or those of one account in it."""
        async with self.doorkeeper.database.control() as connection:
            return await accounts.tokens(connection, workspace.id, account_id)

    async def revoke(self, workspace: Workspace, token_id: UUID, account_id: UUID | None = None) -> None:
        """Make a token worthless, at once in this process and within seconds in others."""
        found = {token.id: token for token in await self.list(workspace, account_id)}
        if token_id not in found:
            raise NotFound(Problem("not_found", "", "There is no such token."))
        async with self.doorkeeper.database.control() as connection:
            await accounts.revoke_token(connection, token_id, self.doorkeeper.clock.now())
        self.doorkeeper.forget(found[token_id].account_id)

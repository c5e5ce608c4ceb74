"""Rows of the control schema about people: accounts, memberships, browser sessions and API tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from xrm_core.storage.database import Connection


@dataclass(frozen=True, slots=True)
class Account:
    """A person who can sign in, to any number of workspaces."""

    id: UUID
    email: str
    name: str
    password_hash: str | None
    locale: str | None
    theme: str | None
    settings: dict[str, Any]
    created_at: datetime
    last_login_at: datetime | None
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Session:
    """A browser session; its id is the hash of what the cookie holds."""

    id: bytes
    account_id: UUID
    workspace_id: UUID | None
    csrf: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Token:
    """An API token; only its hash is stored."""

    id: UUID
    account_id: UUID
    workspace_id: UUID
    name: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


_ACCOUNT = "id, email, name, password_hash, locale, theme, settings, created_at, last_login_at, disabled_at"
_SESSION = "id, account_id, workspace_id, csrf, created_at, last_seen_at, expires_at"
_TOKEN = "id, account_id, workspace_id, name, created_at, last_used_at, expires_at, revoked_at"


async def add_account(
    connection: Connection,
    account_id: UUID,
    email: str,
    name: str,
    password_hash: str | None,
    now: datetime,
    locale: str | None = None,
) -> bool:
    """Store a new account; False when the address is taken."""
    cursor = await connection.execute(
        "insert into xrm_control.account (id, email, name, password_hash, locale, created_at, updated_at)"
        " values (%s, %s, %s, %s, %s, %s, %s) on conflict (email) do nothing",
        [account_id, email, name, password_hash, locale, now, now],
    )
    return cursor.rowcount == 1


async def account_by_email(connection: Connection, email: str) -> Account | None:
    """The account with this (normalised) address."""
    cursor = await connection.execute(f"select {_ACCOUNT} from xrm_control.account where email = %s", [email])
    row = await cursor.fetchone()
    return Account(*row) if row else None


async def account_by_id(connection: Connection, account_id: UUID) -> Account | None:
    """The account with this id."""
    cursor = await connection.execute(f"select {_ACCOUNT} from xrm_control.account where id = %s", [account_id])
    row = await cursor.fetchone()
    return Account(*row) if row else None


async def set_password(connection: Connection, account_id: UUID, password_hash: str, now: datetime) -> None:
    """Store a new password hash."""
    await connection.execute(
        "update xrm_control.account set password_hash = %s, updated_at = %s where id = %s",
        [password_hash, now, account_id],
    )


async def set_preferences(
    connection: Connection,
    account_id: UUID,
    *,
    name: str,
    locale: str | None,
    theme: str | None,
    settings: dict[str, Any],
    now: datetime,
) -> None:
    """Store what a person chose for themselves."""
    await connection.execute(
        "update xrm_control.account set name = %s, locale = %s, theme = %s, settings = %s::jsonb, updated_at = %s where id = %s",
        [name, locale, theme, _json(settings), now, account_id],
    )


async def note_login(connection: Connection, account_id: UUID, now: datetime) -> None:
    """Remember when the account last signed in."""
    await connection.execute("update xrm_control.account set last_login_at = %s where id = %s", [now, account_id])


async def join(connection: Connection, account_id: UUID, workspace_id: UUID, now: datetime) -> None:
    """Let the account into a workspace."""
    await connection.execute(
        "insert into xrm_control.membership (workspace_id, account_id, created_at) values (%s, %s, %s) on conflict do nothing",
        [workspace_id, account_id, now],
    )


async def home(connection: Connection, account_id: UUID, slug: str | None = None) -> UUID | None:
    """The workspace that the account signs in to: the one called `slug`, else its first; None without access."""
    cursor = await connection.execute(
        "select w.id from xrm_control.membership m join xrm_control.workspace w on w.id = m.workspace_id"
        " where m.account_id = %s and w.archived_at is null and (%s::text is null or w.slug = %s) order by w.id limit 1",
        [account_id, slug, slug],
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def workspace_ids(connection: Connection, account_id: UUID) -> list[UUID]:
    """The live workspaces that the account belongs to, oldest first."""
    cursor = await connection.execute(
        "select w.id from xrm_control.membership m join xrm_control.workspace w on w.id = m.workspace_id"
        " where m.account_id = %s and w.archived_at is null order by w.id",
        [account_id],
    )
    return [row[0] for row in await cursor.fetchall()]


async def add_session(connection: Connection, session: Session, address: str | None, agent: str | None) -> None:
    """Store a new session."""
    await connection.execute(
        f"insert into xrm_control.session ({_SESSION}, address, agent) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            session.id, session.account_id, session.workspace_id, session.csrf, session.created_at,
            session.last_seen_at, session.expires_at, address, agent,
        ],
    )  # fmt: skip


async def session(connection: Connection, session_id: bytes, now: datetime) -> tuple[Session, Account] | None:
    """A session that has not expired, with its account unless that is disabled."""
    session_columns = ", ".join(f"s.{name}" for name in _SESSION.split(", "))
    account_columns = ", ".join(f"a.{name}" for name in _ACCOUNT.split(", "))
    cursor = await connection.execute(
        f"select {session_columns}, {account_columns} from xrm_control.session s join xrm_control.account a on a.id = s.account_id"
        " where s.id = %s and s.expires_at > %s and a.disabled_at is null",
        [session_id, now],
    )
    row = await cursor.fetchone()
    return (Session(bytes(row[0]), *row[1:7]), Account(*row[7:])) if row else None


async def touch_session(connection: Connection, session_id: bytes, seen: datetime, expires: datetime) -> None:
    """Let the session live on."""
    await connection.execute(
        "update xrm_control.session set last_seen_at = %s, expires_at = %s where id = %s", [seen, expires, session_id]
    )


async def end_session(connection: Connection, session_id: bytes) -> None:
    """Sign one browser out."""
    await connection.execute("delete from xrm_control.session where id = %s", [session_id])


async def end_sessions(connection: Connection, account_id: UUID, *, but: bytes | None = None) -> None:
    """Sign all browsers of an account out, except one."""
    await connection.execute(
        "delete from xrm_control.session where account_id = %s and id <> %s",
        [account_id, but if but is not None else b""],
    )


async def forget_sessions(connection: Connection, now: datetime) -> int:
    """Remove expired sessions; how many there were."""
    cursor = await connection.execute("delete from xrm_control.session where expires_at <= %s", [now])
    return cursor.rowcount


async def add_token(connection: Connection, token: Token, digest: bytes) -> None:
    """Store a new token."""
    await connection.execute(
        "insert into xrm_control.token (id, account_id, workspace_id, name, hash, created_at, expires_at)"
        " values (%s, %s, %s, %s, %s, %s, %s)",
        [token.id, token.account_id, token.workspace_id, token.name, digest, token.created_at, token.expires_at],
    )


async def token(connection: Connection, digest: bytes, now: datetime) -> tuple[Token, Account] | None:
    """A token that is neither revoked nor expired, with its account unless that is disabled."""
    token_columns = ", ".join(f"t.{name}" for name in _TOKEN.split(", "))
    account_columns = ", ".join(f"a.{name}" for name in _ACCOUNT.split(", "))
    cursor = await connection.execute(
        f"select {token_columns}, {account_columns} from xrm_control.token t join xrm_control.account a on a.id = t.account_id"
        " where t.hash = %s and t.revoked_at is null and (t.expires_at is null or t.expires_at > %s) and a.disabled_at is null",
        [digest, now],
    )
    row = await cursor.fetchone()
    return (Token(*row[:8]), Account(*row[8:])) if row else None


async def touch_token(connection: Connection, token_id: UUID, now: datetime) -> None:
    """Remember when the token was last used."""
    await connection.execute("update xrm_control.token set last_used_at = %s where id = %s", [now, token_id])


async def tokens(connection: Connection, workspace_id: UUID, account_id: UUID | None = None) -> Sequence[Token]:
    """The tokens of a workspace that are not revoked, or those of one account."""
    cursor = await connection.execute(
        f"select {_TOKEN} from xrm_control.token where workspace_id = %s and revoked_at is null"
        " and (%s::uuid is null or account_id = %s) order by id",
        [workspace_id, account_id, account_id],
    )
    return [Token(*row) for row in await cursor.fetchall()]


async def revoke_token(connection: Connection, token_id: UUID, now: datetime) -> None:
    """Make a token worthless."""
    await connection.execute(
        "update xrm_control.token set revoked_at = %s where id = %s and revoked_at is null", [now, token_id]
    )


async def get_setting(connection: Connection, key: str) -> Any:
    """A value kept for the whole installation; None when there is none."""
    cursor = await connection.execute("select value from xrm_control.setting where key = %s", [key])
    row = await cursor.fetchone()
    return row[0] if row else None


async def set_setting(connection: Connection, key: str, value: Any) -> None:
    """Keep a value for the whole installation."""
    await connection.execute(
        "insert into xrm_control.setting (key, value) values (%s, %s::jsonb) on conflict (key) do update set value = excluded.value",
        [key, _json(value)],
    )


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()

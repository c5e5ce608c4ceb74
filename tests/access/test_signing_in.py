"""Passwords, sessions, tokens and users, on a real database."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from tests.access.conftest import CHEAP, House
from tests.support.recording import Recording
from xrm_core.access.attempts import Attempts, TooManyAttempts
from xrm_core.access.callers import COOKIE, session_secret
from xrm_core.access.passwords import Passwords, check_password, make_password
from xrm_core.access.sessions import cookie_header
from xrm_core.access.users import normal_email
from xrm_core.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from xrm_core.storage import accounts

PASSWORD = "a long pass phrase"


def cookie(secret: str) -> list[tuple[bytes, bytes]]:
    return [(b"cookie", f"other=1; {COOKIE}={secret}".encode())]


async def test_passwords_are_verified_and_never_stored_in_the_open() -> None:
    passwords = Passwords(PasswordHasher(**CHEAP))
    stored = await passwords.hash(PASSWORD)
    assert PASSWORD not in stored and stored.startswith("$argon2id$")
    assert await passwords.verify(stored, PASSWORD)
    assert not await passwords.verify(stored, PASSWORD + "x")
    assert not await passwords.verify("no hash at all", PASSWORD)
    assert not await passwords.verify(None, PASSWORD)
    assert not passwords.outdated(stored)
    assert Passwords().outdated(stored)


def test_chosen_passwords_are_checked_and_made_up_ones_pass() -> None:
    for bad in ("short", "x" * 300, "aaaaaaaaaaaa", "admin@example.com", 12345678, None):
        assert check_password(bad, email="admin@example.com"), bad
    made = {make_password() for _ in range(50)}
    assert len(made) == 50
    assert not any(check_password(password) for password in made)


async def test_sign_in_gives_a_session_that_slides_and_ends(house: House) -> None:
    await house.users.create(house.workspace, email="Ada@Example.com", name="Ada", roles=["admin"], password=PASSWORD)
    secret, caller = await house.sessions.sign_in(" ada@example.COM ", PASSWORD, address="10.0.0.1", agent="test")
    assert caller.actor.name == "Ada" and caller.actor.roles == ("admin",) and caller.actor.kind == "human"
    assert caller.workspace.id == house.workspace.id and caller.csrf
    async with house.database.control() as connection:
        cursor = await connection.execute("select id from xrm_control.session")
        assert bytes((await cursor.fetchall())[0][0]) == hashlib.sha256(secret.encode()).digest()

    house.clock.move(timedelta(days=10))
    house.doorkeeper.forget()
    assert (await house.doorkeeper.caller(cookie(secret), changes=False)).account_id == caller.account_id
    house.clock.move(timedelta(days=10))  # 20 days after signing in, 10 after the last use
    house.doorkeeper.forget()
    await house.doorkeeper.caller(cookie(secret), changes=False)
    house.clock.move(timedelta(days=15))
    house.doorkeeper.forget()
    with pytest.raises(Unauthenticated):
        await house.doorkeeper.caller(cookie(secret), changes=False)


async def test_a_session_changes_things_only_with_its_csrf_token(house: House) -> None:
    await house.users.create(house.workspace, email="ada@example.com", roles=["admin"], password=PASSWORD)
    secret, caller = await house.sessions.sign_in("ada@example.com", PASSWORD)
    assert caller.csrf is not None
    for headers in (cookie(secret), [*cookie(secret), (b"x-csrf-token", b"guess")]):
        with pytest.raises(Forbidden):
            await house.doorkeeper.caller(headers, changes=True)
    await house.doorkeeper.caller([*cookie(secret), (b"x-csrf-token", caller.csrf.encode())], changes=True)


async def test_sign_out_ends_the_session_at_once(house: House) -> None:
    await house.users.create(house.workspace, email="ada@example.com", roles=["admin"], password=PASSWORD)
    secret, caller = await house.sessions.sign_in("ada@example.com", PASSWORD)
    await house.sessions.sign_out(caller)
    with pytest.raises(Unauthenticated):
        await house.doorkeeper.caller(cookie(secret), changes=False)


async def test_wrong_passwords_and_unknown_accounts_are_refused_alike_and_slowed_down(house: House) -> None:
    await house.users.create(house.workspace, email="ada@example.com", roles=["admin"], password=PASSWORD)
    said = set()
    for email in ("ada@example.com", "nobody@example.com", "not an address"):
        with pytest.raises(Unauthenticated) as refused:
            await house.sessions.sign_in(email, "wrong password", address="10.0.0.1")
        said.add(str(refused.value))
    assert len(said) == 1
    for email in ("ada@example.com", "nobody@example.com"):
        for _ in range(9):
            with pytest.raises(Unauthenticated):
                await house.sessions.sign_in(email, "wrong password", address="10.0.0.1")
        with pytest.raises(TooManyAttempts) as slowed:
            await house.sessions.sign_in(email, PASSWORD, address="10.0.0.1")
        assert slowed.value.status == 429 and slowed.value.retry_after > 0


def test_attempts_are_forgotten_with_time() -> None:
    now = 0.0
    attempts = Attempts(2, 60, lambda: now)
    attempts.make("a")
    attempts.make("a")
    with pytest.raises(TooManyAttempts):
        attempts.make("a")
    attempts.make("b")
    now = 61.0
    attempts.make("a")
    attempts.succeeded("a")
    attempts.make("a")
    attempts.make("a")


async def test_an_old_hash_is_renewed_at_sign_in(house: House) -> None:
    made = await house.users.create(house.workspace, email="ada@example.com", roles=["admin"], password=PASSWORD)
    weak = PasswordHasher(time_cost=1, memory_cost=16, parallelism=1).hash(PASSWORD)
    async with house.database.control() as connection:
        await accounts.set_password(connection, made.member.id, weak, house.clock.now())
    await house.sessions.sign_in("ada@example.com", PASSWORD)
    async with house.database.control() as connection:
        account = await accounts.account_by_id(connection, made.member.id)
    assert (
        account is not None
        and account.password_hash is not None
        and not house.passwords.outdated(account.password_hash)
    )


async def test_tokens_act_for_their_user_until_revoked_or_expired(house: House) -> None:
    made = await house.users.create(
        house.workspace, email="ada@example.com", name="Ada", roles=["viewer"], password=PASSWORD
    )
    token, secret = await house.tokens.create(house.workspace, made.member.id, "Nightly export")
    assert secret.startswith("xrm_") and len(secret) > 40
    headers = [(b"authorization", f"Bearer {secret}".encode())]
    caller = await house.doorkeeper.caller(headers, changes=True)
    assert caller.actor.kind == "api" and caller.actor.roles == ("viewer",) and caller.token_id == token.id
    assert [one.name for one in await house.tokens.list(house.workspace)] == ["Nightly export"]

    await house.tokens.revoke(house.workspace, token.id)
    with pytest.raises(Unauthenticated):
        await house.doorkeeper.caller(headers, changes=False)
    with pytest.raises(NotFound):
        await house.tokens.revoke(house.workspace, token.id)

    _, secret = await house.tokens.create(
        house.workspace, made.member.id, "Short", house.clock.now() + timedelta(hours=1)
    )
    house.clock.move(timedelta(hours=2))
    with pytest.raises(Unauthenticated):
        await house.doorkeeper.by_token(secret)
    with pytest.raises(Invalid):
        await house.tokens.create(house.workspace, made.member.id, "", house.clock.now() - timedelta(hours=1))


async def test_authentication_costs_no_statement_when_it_was_done_a_moment_ago(
    house: House, statements: Recording
) -> None:
    made = await house.users.create(house.workspace, email="ada@example.com", roles=["admin"], password=PASSWORD)
    _, secret = await house.tokens.create(house.workspace, made.member.id, "bench")
    headers = [(b"authorization", f"bearer {secret}".encode())]
    await house.doorkeeper.caller(headers, changes=False)
    with statements.counting() as sent:
        await house.doorkeeper.caller(headers, changes=False)
    assert sent.count == 0


@pytest.mark.parametrize(
    "headers",
    [[], [(b"authorization", b"Basic abc")], [(b"authorization", b"Bearer")], [(b"authorization", b"Bearer xrm_\xff\x00")],
     [(b"cookie", b"xrm_session=")], [(b"cookie", b"xrm_session=zzz")], [(b"cookie", b"\xff; xrm_session")]],
)  # fmt: skip
async def test_whoever_is_not_known_stays_outside(house: House, headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(Unauthenticated):
        await house.doorkeeper.caller(headers, changes=False)


async def test_disabled_users_are_out_at_once_and_the_last_administrator_stays(house: House) -> None:
    first = await house.users.create(house.workspace, email="ada@example.com", roles=["admin"], password=PASSWORD)
    second = await house.users.create(house.workspace, email="bob@example.com", roles=["member", "viewer"])
    assert second.password is not None and not second.existed
    secret, _ = await house.sessions.sign_in("bob@example.com", second.password)
    await house.users.update(house.workspace, second.member.id, disabled=True)
    with pytest.raises(Unauthenticated):
        await house.doorkeeper.by_session(secret)
    for change in ({"roles": ["member"]}, {"disabled": True}):
        with pytest.raises(Conflict):
            await house.users.update(house.workspace, first.member.id, **change)  # type: ignore[arg-type]
    await house.users.update(house.workspace, second.member.id, disabled=False, roles=["admin"], name="Bob")
    changed = await house.users.update(house.workspace, first.member.id, roles=["member"])
    assert changed.roles == ("member",)
    assert {member.email for member in await house.users.list(house.workspace)} == {
        "ada@example.com",
        "bob@example.com",
    }


async def test_new_users_are_checked(house: House) -> None:
    with pytest.raises(Invalid) as refused:
        await house.users.create(house.workspace, email="nonsense", roles=["admni"], password="short")
    assert {problem.path for problem in refused.value.problems} == {"/email", "/roles/0", "/password"}
    assert any("admin" in problem.hint for problem in refused.value.problems)
    await house.users.create(house.workspace, email="ada@example.com", roles=["admin"])
    with pytest.raises(Conflict):
        await house.users.create(house.workspace, email="ADA@example.com", roles=["admin"])


async def test_a_new_password_ends_the_other_sessions(house: House) -> None:
    made = await house.users.create(house.workspace, email="ada@example.com", roles=["admin"], password=PASSWORD)
    here, caller = await house.sessions.sign_in("ada@example.com", PASSWORD)
    there, _ = await house.sessions.sign_in("ada@example.com", PASSWORD)
    with pytest.raises(Unauthenticated):
        await house.users.change_password(made.member.id, "wrong", "another phrase", but=caller.session_id)
    await house.users.change_password(made.member.id, PASSWORD, "another phrase", but=caller.session_id)
    await house.doorkeeper.by_session(here)
    with pytest.raises(Unauthenticated):
        await house.doorkeeper.by_session(there)
    await house.sessions.sign_in("ada@example.com", "another phrase")


def test_cookies_and_addresses() -> None:
    assert session_secret(b"a=b; xrm_session=abc; c=d") == "abc"
    assert session_secret(b"a=b") is None
    assert "Secure" in cookie_header("x", secure=True) and "HttpOnly" in cookie_header("x", secure=False)
    assert normal_email(" Ada@EXAMPLE.com ") == "ada@example.com"

"""The judge itself: it finds what is wrong, and leaves in peace what is right."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.judge import Judge
from tests.support.sql_rules import broken_rules
from xrm_core.storage.workspaces import Workspace

BAD_TEXTS = [
    ("R1", "select id from person"),
    ("R1", "select * from ws_a.person"),
    ("R1", "with p as (select id from ws_a.person) select p.id from p, q"),
    ("R2", "set timezone to 'Europe/Berlin'"),
    ("R2", "select set_config('timezone', 'UTC', true)"),
    ("R3", "create table ws_a.t (id serial primary key)"),
    ("R3", "create table ws_a.t (id int generated always as identity primary key)"),
    ("R3", "create table ws_a.t (id uuid)"),
    ("R3", "create table ws_a.t as select 1 as n"),
    ("R3", "select nextval('ws_a.s')"),
    ("R3", "select t.xmin from ws_a.t t"),
    ("R3", "select txid_current()"),
    ("R4", "create trigger t before insert on ws_a.t execute function xrm.f()"),
    ("R4", "create materialized view ws_a.v as select 1"),
    ("R4", "create table ws_a.t (id uuid primary key) inherits (ws_a.u)"),
    ("R5", "merge into ws_a.t using ws_a.u on t.id = u.id when matched then delete"),
    ("R6", "select 1; select 2"),
    ("R7", "notify jobs"),
    ("R7", "listen jobs"),
    ("R7", "select pg_notify('jobs', '')"),
    ("R8", "lock table ws_a.t"),
    ("R8", "select pg_try_advisory_xact_lock(1)"),
    ("R9", "begin isolation level serializable"),
    ("R10", "select 1 from ws_a.t join ws_b.t u on u.id = t.id"),
    ("R10", "select 1 from ws_a.t join xrm_control.account a on a.id = t.owner"),
    ("R12", f"create index {'x' * 49} on ws_a.t (id)"),
]
GOOD_TEXTS = [
    "select t.id from ws_a.t t where t.id = $1::uuid",
    "with x as (select t.id from ws_a.t t) select x.id from x",
    "select x.* from (select t.id from ws_a.t t) x",
    "set local lock_timeout to 200",
    "begin isolation level repeatable read",
    "create table ws_a.t (id uuid primary key, n int)",
    "create table ws_a.t (a uuid, b uuid, primary key (a, b))",
    "create index concurrently i on ws_a.t (n, id)",
    "select count(*) from ws_a.t",
    "select 1 from jsonb_to_recordset($1::jsonb) as u(id uuid)",
    "insert into xrm_control.account (id) values ($1)",
]
BAD_WRITES = [
    "update ws.counter set value = (random() * 10)::bigint",
    "update ws.member set name = to_char(created_at, 'YYYY')",
    "update ws.outbox set run_at = run_at + interval '1 hour'",
    "update ws.outbox set run_at = now() + attempts * interval '1 minute'",
    "delete from ws.outbox where (payload ->> 'due')::timestamptz < now()",
    "update ws.outbox set run_at = case when attempts > 1 then now() else run_at end",
    "update ws.setting set value = to_jsonb(key)",
    "update ws.setting set value = jsonb_build_object('k', key)",
    "insert into ws.outbox (id, run_at, kind, payload) values (gen_random_uuid(), now(), 'a', '{}')"
    " on conflict (id) do update set run_at = now()",
    "insert into ws.counter (name, value) values ('a', (select count(*) from ws.member))",
    "with d as (delete from ws.lock where until < clock_timestamp() returning name) select name from d",
    "merge into ws.counter c using ws.setting s on s.key = c.name when matched then delete",
]
GOOD_WRITES = [
    "update ws.counter set value = value + 1 where name = $1",
    "update ws.outbox set run_at = now() + interval '1 hour' where id = $1",
    "update ws.setting set value = jsonb_strip_nulls(value || $1::jsonb)",
    "insert into ws.counter (name, value) values ('a', 1) on conflict (name) do update set value = excluded.value",
    "insert into ws.counter (name, value) select 'a', count(*) from ws.member",
    "with s as (select id, run_at + interval '1 hour' as later from ws.outbox for update)"
    " update ws.outbox o set run_at = s.later from s where s.id = o.id",
    "update ws.event t set version = u.n from jsonb_to_recordset($1::jsonb) as u(id uuid, n int) where u.id = t.id",
    "delete from ws.idempotency where created_at < $1::timestamptz",
]


@pytest.mark.parametrize(("rule", "text"), BAD_TEXTS)
def test_a_bad_statement_is_found(rule: str, text: str) -> None:
    assert [found.split(":")[0] for found in broken_rules(text)].count(rule) >= 1


@pytest.mark.parametrize("text", GOOD_TEXTS)
def test_a_good_statement_passes(text: str) -> None:
    assert broken_rules(text) == ()


@pytest.mark.parametrize("text", BAD_WRITES)
async def test_a_bad_write_is_found(judge: Judge, workspace: Workspace, text: str) -> None:
    assert judge.analyse(text.replace("ws.", f"{workspace.schema}."))


@pytest.mark.parametrize("text", GOOD_WRITES)
async def test_a_good_write_passes(judge: Judge, workspace: Workspace, text: str) -> None:
    assert judge.analyse(text.replace("ws.", f"{workspace.schema}.")) == []


@pytest.mark.parametrize(
    "statement",
    [
        "create table ws_guard.t (id uuid)",
        "create table ws_guard.t (id uuid primary key references public.outside)",
        "create table ws_guard.t (id bigserial primary key)",
        "create table ws_guard.t (id int generated always as identity primary key)",
        "create materialized view ws_guard.t as select 1 as n",
        f"create table ws_guard.{'t' * 49} (id uuid primary key)",
        "create table ws_guard.t (id uuid primary key) inherits (public.outside)",
    ],
)
def test_the_guard_refuses(database_dsn: str, statement: str) -> None:
    with psycopg.connect(database_dsn) as connection:  # never committed
        connection.execute("create schema ws_guard")
        connection.execute("create table public.outside (id uuid primary key)")
        with pytest.raises(psycopg.errors.RaiseException, match="^R"):
            connection.execute(statement)
        connection.rollback()

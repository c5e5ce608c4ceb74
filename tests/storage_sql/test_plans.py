"""Compiled conditions can use the indexes of promoted columns, and contain nothing that may not touch a column."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.expressions.scopes import JOBS
from tests.expressions.test_evaluate import test_values
from tests.storage_sql.world import MOMENT, SCHEMA, Tables
from xrm_core.expressions import check, parse
from xrm_core.kernel.errors import Invalid
from xrm_core.storage.sql import Sql, compile_condition, compile_order, compile_term

Connection = psycopg.Connection[Any]
INDEXES = {
    "p_name": "(p_name, id)",
    "p_status": "(p_status, id)",
    "p_positions": "(p_positions, id)",
    "p_fee": "(p_fee, id)",
    "p_pay": "(p_pay, id)",
    "p_start": "(p_start, id)",
    "p_seen_at": "(p_seen_at, id)",
    "p_customer": "(p_customer, id)",
    "p_skills": "using gin (p_skills)",
    "created_at": "(created_at, id)",
    "owner": "(owner, id)",
}


@pytest.fixture(scope="module")
def indexed(connection: Connection) -> Iterator[Connection]:
    for column, body in INDEXES.items():
        connection.execute(f"create index plan_{column} on {SCHEMA}.jobs {body}")
    connection.execute(f"create index plan_words on {SCHEMA}.jobs using gin (p_name xrm.gin_trgm_ops)")
    connection.execute(f"analyze {SCHEMA}.jobs")
    connection.execute("set enable_seqscan = off")
    connection.execute("set enable_indexonlyscan = off")
    yield connection
    connection.execute("reset enable_seqscan")
    connection.execute("reset enable_indexonlyscan")


def condition(source: str) -> tuple[Sql, Tables]:
    node, problems = parse(source)
    assert node is not None, problems
    typed, problems = check(node, JOBS, source)
    assert typed is not None, problems
    context = Tables("jobs", True)
    return compile_condition(typed, context), context


@pytest.mark.parametrize(
    ("source", "column"),
    [
        ("name == 'Acme'", "p_name"),
        ("name == none", "p_name"),
        ("name in ['a', 'b']", "p_name"),
        ("name >= 'm'", "p_name"),
        ("starts_with(name, 'ac')", "p_name"),
        ("contains(name, 'gmbh')", "words"),
        ("ends_with(name, 'gmbh')", "words"),
        ("status == 'open' and urgent", "p_status"),
        ("status in ['open', 'closed'] and not urgent", "p_status"),
        ("positions > 100", "p_positions"),
        ("between(positions, 100, 200)", "p_positions"),
        ("fee > 50000000", "p_fee"),
        ("fee >= money(50000000, 'EUR')", "p_fee"),
        ("start < today() - days(300)", "p_start"),
        ("start == today()", "p_start"),
        ("within(start, 'next_7_days')", "p_start"),
        ("seen_at == today()", "p_seen_at"),
        ("created_at >= '2026-03-29'", "created_at"),
        ("within(created_at, 'tomorrow')", "created_at"),
        ("created_at > now() - hours(1)", "created_at"),
        ("owner == me", "owner"),
        ("customer == '00000000-0000-4000-8000-000000000000'", "p_customer"),
        ("customer == none", "p_customer"),
        ("has_any(skills, ['rust'])", "p_skills"),
        ("has_all(skills, ['rust', 'go'])", "p_skills"),
        ("contains(skills, 'rust')", "p_skills"),
        ("'rust' in skills", "p_skills"),
    ],
)
def test_uses_the_index(indexed: Connection, source: str, column: str) -> None:
    where, context = condition(source)
    text = f"explain select t.id from {SCHEMA}.jobs t{''.join(context.text)} where {where.text}"
    plan = "\n".join(row[0] for row in indexed.execute(text, where.bound(MOMENT)))  # type: ignore[arg-type]
    assert "Index Cond" in plan and f"plan_{column} " in plan.replace("\n", " "), plan


def test_time_is_bound_at_execution() -> None:
    where, _ = condition("start == today() and owner == me and name == 'x'")
    again, _ = condition("start == today() and owner == me and name == 'x'")
    assert where.text == again.text
    assert where.bound(MOMENT) == [MOMENT.today, MOMENT.me, "x"]


def test_a_condition_of_nothing() -> None:
    assert condition("true")[0] == Sql("(true)")
    assert condition("false and urgent")[0].text == "(false) and (t.p_urgent)"


def test_order() -> None:
    node, _ = parse("upper(customer.code)")
    assert node is not None
    typed, _ = check(node, JOBS)
    assert typed is not None
    assert compile_order(typed, Tables("jobs", False)).text.endswith('collate "C"')


def _sources() -> list[str]:
    (mark,) = (mark for mark in getattr(test_values, "pytestmark") if mark.name == "parametrize")  # noqa: B009
    linked = ("customer.", "tasks", "about.")
    return [source for source, _ in mark.args[1] if not any(word in source for word in linked)]


@pytest.mark.parametrize("source", _sources())
def test_only_immutable_functions_touch_columns(connection: Connection, source: str) -> None:
    """PostgreSQL itself refuses anything else in an index."""
    node, _ = parse(source)
    assert node is not None
    typed, _ = check(node, JOBS)
    assert typed is not None
    for promoted in (True, False):
        for part in compile_term(typed, Tables("jobs", promoted)).columns():
            with connection.transaction(force_rollback=True), psycopg.ClientCursor(connection) as cursor:
                body = cursor.mogrify(part.text.replace("t.", ""), part.bound(MOMENT))  # type: ignore[arg-type]
                cursor.execute(f"create index on {SCHEMA}.jobs (({body}))")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "shape",
    [
        "fee if {} == fee else -fee",
        "coalesce({}, fee) + fee",
        "fee if {} in [fee, money(1, 'EUR')] else fee * 2",
        "fee if between({}, fee, fee) else fee",
        "fee if date_of(seen_at if {} > fee else now()) == today() else fee",
        "fee if starts_with(currency({}), 'E') else fee * 2",
    ],
)
def test_nested_expressions_do_not_explode(connection: Connection, shape: str) -> None:
    nested = "fee"
    for _ in range(7):
        nested = shape.format(f"({nested})")
    node, problems = parse(nested)
    assert node is not None, problems
    typed, problems = check(node, JOBS)
    assert typed is not None, problems
    began = time.perf_counter()
    try:
        term = compile_term(typed, Tables("jobs", False))
    except Invalid as refused:
        assert refused.problems[0].code == "too_complex"
    else:
        text = f"select {term.sql.text} from {SCHEMA}.jobs t"
        connection.execute(text, term.sql.bound(MOMENT))  # type: ignore[arg-type]
    assert time.perf_counter() - began < 5

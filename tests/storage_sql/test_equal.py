"""Expressions give the same answers in Python and in SQL, whether columns are promoted or not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.expressions.scopes import JOBS
from tests.expressions.test_evaluate import test_values
from tests.storage_sql.generate import anything, expression
from tests.storage_sql.world import MOMENT, MOMENTS, SCHEMA, Tables, World
from xrm_core.expressions import Now, Typed, check, compile, compile_condition, parse, print_node
from xrm_core.expressions import tree as n
from xrm_core.expressions.arithmetic import OPERATIONS
from xrm_core.expressions.functions import FUNCTIONS, REWRITTEN
from xrm_core.expressions.values import Duration, Money, Rate
from xrm_core.kernel.kinds import Kind
from xrm_core.storage.sql import compile_condition as sql_condition
from xrm_core.storage.sql import compile_term
from xrm_core.storage.sql.operations import NEVER_ON_RECORDS, SQL_FUNCTIONS, SQL_OPERATIONS

Connection = psycopg.Connection[Any]


def same(kind: Kind | None, found: Any) -> Any:
    """A value in a form in which Python's and SQL's can be compared."""
    if isinstance(found, UUID):
        return str(found)
    if isinstance(found, Decimal):
        return found.normalize() + 0
    if isinstance(found, (Money, Rate, Duration)):
        return tuple(same(None, part) for part in found)
    if isinstance(found, int) and not isinstance(found, bool):
        return Decimal(found)
    return found


def answers(connection: Connection, typed: Typed, moment: Now, promoted: bool) -> tuple[dict[str, Any], set[str]]:
    """What SQL says: the value for every record, and the records that meet it as a condition."""
    context = Tables("jobs", promoted)
    term = compile_term(typed, context)
    columns = term.columns()
    text = f"select t.id, {', '.join(column.text for column in columns)} from {SCHEMA}.jobs t{''.join(context.text)}"
    params = [param for column in columns for param in column.bound(moment)]
    values: dict[str, Any] = {}
    for key, first, *rest in connection.execute(text, params).fetchall():  # type: ignore[arg-type]
        values[str(key)] = (
            None if first is None else (tuple(same(None, v) for v in (first, *rest)) if rest else same(None, first))
        )
    chosen: set[str] = set()
    if typed.type.kind is Kind.BOOLEAN:
        context = Tables("jobs", promoted)
        where = sql_condition(typed, context)
        text = f"select t.id from {SCHEMA}.jobs t{''.join(context.text)} where {where.text}"
        chosen = {str(row[0]) for row in connection.execute(text, where.bound(moment))}  # type: ignore[arg-type]
    return values, chosen


def hold_equal(connection: Connection, world: World, node: n.Node, moment: Now = MOMENT) -> None:
    world.moment = moment
    typed, problems = check(node, JOBS)
    assert typed is not None, (print_node(node), problems)
    compute = compile(typed)
    expected = {job.values["id"]: same(None, compute(job)) for job in world.records["jobs"]}
    meets = compile_condition(typed)
    wanted = {job.values["id"] for job in world.records["jobs"] if meets(job)}
    for promoted in (True, False):
        values, chosen = answers(connection, typed, moment, promoted)
        different = {key: (expected[key], values[key]) for key in expected if expected[key] != values[key]}
        assert not different, f"{print_node(node)}: Python, SQL = {next(iter(different.items()))} (promoted={promoted})"
        if typed.type.kind is Kind.BOOLEAN:
            assert chosen == wanted, f"{print_node(node)} as a condition (promoted={promoted})"


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**63), depth=st.integers(1, 4), moment=st.sampled_from(MOMENTS))
def test_generated_expressions(connection: Connection, world: World, seed: int, depth: int, moment: Now) -> None:
    node = expression(seed, depth)
    # What is generated makes sense, except that a bare none or a written text sometimes meets another.
    assume(check(node, JOBS)[0] is not None)
    hold_equal(connection, world, node, moment)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**63), depth=st.integers(1, 3), moment=st.sampled_from(MOMENTS))
def test_generated_conditions(connection: Connection, world: World, seed: int, depth: int, moment: Now) -> None:
    node = expression(seed, depth, Kind.BOOLEAN)
    assume(check(node, JOBS)[0] is not None)
    hold_equal(connection, world, node, moment)


@settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**63), depth=st.integers(1, 3))
def test_whatever_passes_the_checker_has_one_answer(
    connection: Connection, world: World, seed: int, depth: int
) -> None:
    node = anything(seed, depth)
    typed, problems = check(node, JOBS)
    assert (typed is None) == bool(problems)
    if typed is not None and typed.type.kind is not Kind.OBJECT:
        hold_equal(connection, world, node)


def _written() -> list[str]:
    (mark,) = (mark for mark in getattr(test_values, "pytestmark") if mark.name == "parametrize")  # noqa: B009
    return [source for source, _ in mark.args[1]]


@pytest.mark.parametrize("source", _written())
def test_written_expressions(connection: Connection, world: World, source: str) -> None:
    node, problems = parse(source)
    assert node is not None, problems
    hold_equal(connection, world, node)


def test_every_function_has_both_implementations() -> None:
    assert set(SQL_FUNCTIONS) | NEVER_ON_RECORDS == set(FUNCTIONS) - REWRITTEN
    assert set(SQL_OPERATIONS) == set(OPERATIONS)

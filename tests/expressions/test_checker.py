"""The checker finds every slip at once, with the column and a hint."""

from __future__ import annotations

import time
from datetime import date

import pytest

from tests.expressions.scopes import CUSTOMERS, JOBS
from xrm_core.expressions import Values, check, check_condition, compile, parse, reads
from xrm_core.kernel.problem import Problem


def problems_of(source: str) -> list[Problem]:
    node, problems = parse(source)
    assert node is not None, problems
    typed, problems = check(node, JOBS, source)
    assert (typed is None) == bool(problems)
    return problems


@pytest.mark.parametrize(
    ("source", "place", "code", "hint"),
    [
        ("nmae == 'x'", "column 1", "unknown_name", "name"),
        ("customer.nam == 'x'", "column 1", "unknown_name", "name"),
        ("1 + name.first", "column 5", "unknown_name", ""),
        ("contain(name, 'x')", "column 1", "unknown_function", "contains"),
        ("lower()", "column 1", "arguments", "lower(text: text)"),
        ("round(score, 2, 3)", "column 1", "arguments", "round("),
        ("start + 3", "column 1", "type", "days(n)"),
        ("name + 1", "column 1", "type", "concat"),
        ("fee + 1", "column 1", "type", "money(100"),
        ("seen_at - seen_at", "column 1", "type", "hours_between"),
        ("name == 3", "column 1", "type", ""),
        ("start == 'soon'", "column 1", "type", "2026-01-31"),
        ("customer == 'Acme'", "column 1", "type", "its id"),
        ("skills == ['a']", "column 1", "type", "has_any"),
        ("urgent < true", "column 1", "type", "=="),
        ("status == 'opne'", "column 1", "unknown_option", "open"),
        ("status in ['open', 'x']", "column 1", "unknown_option", "closed"),
        ("'a' in name", "column 8", "type", "contains"),
        ("tasks", "column 1", "many_records", "any(tasks"),
        ("tasks.name == 'x'", "column 1", "many_records", "count(tasks"),
        ("any(customer, name == 'x')", "column 5", "type", "any(link"),
        ("any(tasks, nam == 'x')", "column 12", "unknown_name", "name"),
        ("sum(tasks, name)", "column 12", "type", "sum("),
        ("count(tasks, hours)", "column 14", "not_a_condition", "Compare"),
        ("name and urgent", "column 1", "not_a_condition", "Compare"),
        ("days(1.5)", "column 6", "type", "round(x)"),
        ("within(start, 'next_weak')", "column 15", "unknown_span", "next_week"),
        ("within(start, name)", "column 15", "unknown_span", "this_week"),
        ("about.name == 'x'", "column 1", "unknown_name", ""),
        ("extra.a == 1", "column 1", "unknown_name", ""),
        ("period.stop == start", "column 1", "unknown_name", "start"),
        ("[1, 'a']", "column 5", "type", ""),
        ("name if urgent else 1", "column 21", "type", "one kind"),
        ("-name", "column 1", "type", ""),
        ("min(start, 1)", "column 1", "type", ""),
    ],
)
def test_refuses(source: str, place: str, code: str, hint: str) -> None:
    first = problems_of(source)[0]
    assert first.code == code
    assert first.message.startswith(place + ":")
    assert hint in first.hint


def test_all_problems_at_once() -> None:
    assert [p.message[:10] for p in problems_of("a1 == 1 and b1 == 2 or contains(c1, d1)")] == [
        "column 1: ",
        "column 13:",
        "column 33:",
        "column 37:",
    ]


def test_polymorphic_links_show_what_all_records_have() -> None:
    assert not problems_of("about.title == 'x' and about.module == 'jobs' and about == none")


def test_a_filter_must_be_a_condition() -> None:
    node, _ = parse("score + 1")
    assert node is not None
    assert check_condition(node, JOBS)[1][0].code == "not_a_condition"


def test_reads() -> None:
    node, _ = parse(
        "customer.parent.code == 'x' and any(tasks, due < today()) and owner == me and period.start != none"
    )
    assert node is not None
    typed, problems = check(node, JOBS)
    assert typed is not None, problems
    found = reads(typed)
    assert found.paths == {
        ("customer", "parent", "code_1"),
        ("tasks", "due"),
        ("owner",),
        ("period", "start"),
    }
    assert found.over == {("tasks",)}
    assert found.uses_today and found.uses_me and not found.uses_now and not found.constant


def test_paths_over_several_to_many_links() -> None:
    node, _ = parse("count(jobs.tasks, done) > 1")
    assert node is not None
    typed, problems = check(node, CUSTOMERS)
    assert typed is not None, problems
    assert reads(typed).over == {("jobs", "tasks")}


def test_nested_links_are_limited() -> None:
    nested = "urgent"
    for _ in range(3):
        nested = f"any(tasks, any(job.tasks, job.{nested}))" if nested == "urgent" else f"any(customer.jobs, {nested})"
    assert problems_of(nested)[0].code == "too_complex"


@pytest.mark.parametrize(
    "shape",
    [
        "add({}, days(1))",
        "add(start, days(1 if {} == start else 2))",
        "start if between({}, start, end) else end",
        "end if {} in [start, end] else start",
        "coalesce({}, start)",
        "min({}, end) + days(1)",
        "date_of(seen_at if {} == today() else now())",
        "start if starts_with(concat({}), concat(today())) else end",
    ],
)
def test_nesting_costs_no_more_than_its_size(shape: str) -> None:
    nested = "start"
    for _ in range(9):
        nested = shape.format(f"({nested})")
    node, problems = parse(nested)
    assert node is not None, problems
    began = time.perf_counter()
    typed, problems = check(node, JOBS)
    assert typed is not None, problems
    reads(typed)
    compile(typed)(Values({("start",): date(2026, 1, 1), ("end_1",): date(2026, 1, 2)}))
    assert time.perf_counter() - began < 0.5

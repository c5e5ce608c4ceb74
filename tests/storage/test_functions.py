"""The SQL functions answer like their Python twins, for every input, and never raise."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xrm_core.kernel import dates
from xrm_core.kernel.text import FOLD_TABLE, fold
from xrm_core.storage.functions import FUNCTIONS

FIT = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
COUNTS = st.integers(-4_000_000, 4_000_000) | st.integers(-40, 40) | st.integers(-(10**20), 10**20)
BROKEN = st.from_regex(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z)?\Z") | TEXTS


@pytest.fixture(scope="module")
def sql(database_dsn: str) -> Iterator[Any]:
    with psycopg.connect(database_dsn, autocommit=True, options="-c search_path= -c timezone=UTC") as connection:

        def ask(expression: str, *values: object) -> Any:
            row = connection.execute(f"select {expression}", values).fetchone()
            assert row is not None
            return row[0]

        yield ask


@FIT
@given(text=TEXTS)
def test_fold(sql: Any, text: str) -> None:
    assert sql("xrm.fold(%s::text)", text) == fold(text)


def test_fold_of_every_character(sql: Any) -> None:
    every = "".join(chr(code) for code in range(1, 0x20000) if unicodedata.category(chr(code)) != "Cs")
    folded = fold(every)
    assert len(folded) == len(every)
    assert sql("xrm.fold(%s::text)", every) == folded
    assert fold(folded) == folded
    assert all(len(chr(code)) == 1 for code in FOLD_TABLE.values())


def _date(text: str) -> date | None:
    if len(text) != 10 or not text.isascii():
        return None
    try:
        return date.fromisoformat(text) if text[4] == text[7] == "-" else None
    except ValueError:
        return None


def _instant(text: str) -> datetime | None:
    if len(text) != 27 or not text.isascii() or text[10] != "T" or text[26] != "Z":
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        return None


@FIT
@given(text=st.dates().map(date.isoformat) | BROKEN)
def test_iso_date(sql: Any, text: str) -> None:
    assert sql("xrm.iso_date(%s::text)", text) == _date(text)


@FIT
@given(text=st.datetimes().map(lambda at: at.isoformat(timespec="microseconds") + "Z") | BROKEN)
def test_iso_instant(sql: Any, text: str) -> None:
    assert sql("xrm.iso_instant(%s::text)", text) == _instant(text)


@pytest.mark.parametrize(
    "text", ["2024-02-30", "2023-02-29", "1900-02-29", "0000-01-01", "2024-13-01", "2024-1-01", ""]
)
def test_days_that_are_not_there(sql: Any, text: str) -> None:
    assert sql("xrm.iso_date(%s::text)", text) is None


@FIT
@given(text=st.decimals(allow_nan=False, allow_infinity=False, places=6).map(str) | TEXTS)
def test_to_number(sql: Any, text: str) -> None:
    plain = (
        text.isascii() and text.removeprefix("-").replace(".", "", 1).isdigit() and text[-1] != "." and "-." not in text
    )
    expected = Decimal(text) if plain and not text.startswith(".") else None
    assert sql("xrm.to_number(%s::text)", text) == expected


@FIT
@given(text=st.uuids().map(str) | TEXTS)
def test_to_uuid(sql: Any, text: str) -> None:
    try:
        expected = UUID(text) if len(text) == 36 and text.isascii() else None
    except ValueError:
        expected = None
    assert sql("xrm.to_uuid(%s::text)", text) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@FIT
@given(value=JSON)
def test_text_list(sql: Any, value: Any) -> None:
    expected = [item for item in value if isinstance(item, str)] if isinstance(value, list) else None
    assert sql("xrm.text_list(%s::jsonb)", json.dumps(value)) == expected


@FIT
@given(day=st.dates(), count=COUNTS)
def test_date_arithmetic(sql: Any, day: date, count: int) -> None:
    assert sql("xrm.add_days(%s::date, %s::numeric)", day, count) == dates.add_days(day, count)
    assert sql("xrm.add_months(%s::date, %s::numeric)", day, count) == dates.add_months(day, count)
    assert sql("xrm.add_business_days(%s::date, %s::numeric)", day, count) == dates.add_business_days(day, count)


@FIT
@given(start=st.dates(), end=st.dates())
def test_business_days_between(sql: Any, start: date, end: date) -> None:
    assert sql("xrm.business_days_between(%s::date, %s::date)", start, end) == dates.business_days_between(start, end)


@FIT
@given(at=st.datetimes(timezones=st.just(UTC)), seconds=st.decimals(-(10**12), 10**12, places=6))
def test_add_seconds(sql: Any, at: datetime, seconds: Decimal) -> None:
    try:
        expected = at + timedelta(microseconds=int(seconds * 1_000_000))
    except OverflowError:
        expected = None
    assert sql("xrm.add_seconds(%s::timestamptz, %s::numeric)", at, seconds) == expected


@FIT
@given(day=st.dates(date(2, 1, 1), date(9990, 1, 1)), count=st.integers(-500, 500))
def test_business_days_lead_there_and_back(day: date, count: int) -> None:
    reached = dates.add_business_days(day, count)
    assert reached is not None
    assert dates.business_days_between(day, reached) == count
    assert count == 0 or reached.weekday() < 5
    counted = sum(1 for n in range(1, (reached - day).days + 1) if (day + timedelta(days=n)).weekday() < 5)
    assert count <= 0 or counted == count


def test_all_functions_take_nulls(sql: Any) -> None:
    for head in FUNCTIONS:
        name, arguments = head.split(" returns ")[0].rstrip(")").split("(")
        nulls = ", ".join(f"null::{argument.split()[1]}" for argument in arguments.split(", "))
        assert sql(f"xrm.{name}({nulls})") is None


def test_functions_are_immutable_and_parallel_safe(sql: Any) -> None:
    wrong = "count(*) from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace"
    condition = "where n.nspname = 'xrm' and p.probin is null and (p.provolatile <> 'i' or p.proparallel <> 's')"
    assert sql(f"{wrong} {condition}") == 0
    assert sql(f"{wrong} where n.nspname = 'xrm' and p.probin is null") == len(FUNCTIONS)

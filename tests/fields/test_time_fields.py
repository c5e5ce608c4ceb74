"""date, datetime, duration, date_range."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fields.shared import BERLIN, HERE, US, make, problem, text_problem
from xrm_core.fields import ParseContext

NOWHERE = ParseContext(region="")
FRENCH = ParseContext(region="FR", language="fr")


@pytest.mark.parametrize(
    ("text", "context"),
    [
        ("2026-03-31", HERE),
        ("2026-3-31", HERE),
        ("20260331", HERE),
        ("2026/03/31", US),
        ("31.3.2026", US),
        ("31.03.2026", BERLIN),
        ("31/3/2026", HERE),
        ("3/31/2026", US),
        ("31-03-2026", BERLIN),
        ("31/03/2026", NOWHERE),
        ("03/31/2026", NOWHERE),
        ("31 March 2026", HERE),
        ("31st Mar 2026", HERE),
        ("March 31, 2026", US),
        ("31-Mar-2026", HERE),
        ("31. März 2026", BERLIN),
        ("31. Mrz 2026", BERLIN),
        ("31 mars 2026", FRENCH),
        ("2026-03-31 00:00:00", HERE),
        ("2026-03-31T00:00:00.000Z", HERE),
    ],
)
def test_typed_dates(text: str, context: ParseContext) -> None:
    assert make("date").parse_text(text, context) == "2026-03-31"


def test_dates_are_never_guessed() -> None:
    field = make("date")
    assert field.parse_text("3/4/2026", HERE) == "2026-04-03"
    assert field.parse_text("3/4/2026", US) == "2026-03-04"
    assert text_problem(field, "3/4/2026", NOWHERE).code == "ambiguous"
    assert text_problem(field, "3/4/2026", ParseContext(region="CA")).code == "ambiguous"
    assert field.parse_text("4/4/2026", NOWHERE) == "2026-04-04"
    assert text_problem(field, "3/4/26").message == "The century is not clear."
    assert "month/day/year" in text_problem(field, "31/3/2026", US).message
    assert text_problem(field, "2026-03-31 14:30").code == "date"
    assert text_problem(field, "30.2.2026").message == "There is no day 2026-02-30."


def test_date() -> None:
    field = make("date", min="2000-01-01", max="2099-12-31")
    assert problem(field, "1999-12-31").code == "too_early"
    assert problem(field, "2100-01-01").code == "too_late"
    for raw in (
        "10000-01-01",
        "0000-01-01",
        "2024-W01-1",
        "20240101",
        "2024-02-30",
        "2024-1-1",
        "２024-01-01",
        20240101,
        None,
    ):
        assert problem(make("date"), raw).code in ("date", "type")
    assert field.project("2026-03-31") == date(2026, 3, 31)
    assert [found.path for found in make("date", min="soon").check_settings()] == ["/min"]
    assert [found.path for found in make("date", min="2026-01-02", max="2026-01-01").check_settings()] == ["/max"]


def test_datetime_in_json_names_its_zone() -> None:
    field = make("datetime")
    assert field.parse("2026-03-31T14:30:00+02:00", BERLIN) == "2026-03-31T12:30:00.000000Z"
    assert field.parse("2026-03-31T14:30Z", HERE) == "2026-03-31T14:30:00.000000Z"
    assert field.parse("2026-03-31T14:30:00.1234567Z", HERE) == "2026-03-31T14:30:00.123456Z"
    assert problem(field, "2026-03-31T14:30:00").message == "It is not said in which time zone this is."
    for raw in ("2026-02-30T00:00:00Z", "9999-12-31T23:59:59-01:00", "2026-03-31", 1711893000, "2026-03-31T25:00:00Z"):
        assert problem(field, raw).code in ("datetime", "type")
    assert field.project("2026-03-31T14:30:00.000000Z") == datetime(2026, 3, 31, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-15 14:30",
        "2026-01-15T14:30",
        "15.1.2026 14:30",
        "15.01.2026, 14:30 Uhr",
        "15 January 2026 at 2:30 pm",
        "2026-01-15 14:30:00",
        "2026-01-15 13:30Z",
        "2026-01-15 13:30 UTC",
        "2026-01-15 19:00 +05:30",
    ],
)
def test_typed_times_are_local(text: str) -> None:
    assert make("datetime").parse_text(text, BERLIN) == "2026-01-15T13:30:00.000000Z"


def test_a_day_alone_begins_at_midnight() -> None:
    field = make("datetime")
    assert field.parse_text("2026-01-15", BERLIN) == "2026-01-14T23:00:00.000000Z"
    # In Beirut the clocks went forward at midnight of that day.
    assert field.parse_text("2022-03-27", ParseContext(zone="Asia/Beirut")) == "2022-03-26T22:00:00.000000Z"


def test_times_that_the_clocks_leave_out_or_repeat() -> None:
    field = make("datetime")
    gap = text_problem(field, "2024-03-31 02:30", BERLIN)
    assert gap.code == "time_gap" and "02:30 does not exist on 2024-03-31 in Europe/Berlin" in gap.message
    twice = text_problem(field, "2024-10-27 02:30", BERLIN)
    assert twice.code == "time_twice" and "+02:00" in twice.hint and "+01:00" in twice.hint
    assert field.parse_text("2024-10-27 02:30 +02:00", BERLIN) == "2024-10-27T00:30:00.000000Z"
    assert field.format("2024-10-27T01:30:00.000000Z", BERLIN) == "2024-10-27 02:30 +01:00"
    assert field.format("2024-10-27T02:30:00.000000Z", BERLIN) == "2024-10-27 03:30"


@given(
    st.datetimes(timezones=st.just(UTC)),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
def test_any_moment_is_read_back_from_its_text(moment: datetime, zone: str) -> None:
    field, context = make("datetime"), ParseContext(zone=zone)
    stored = field.parse(moment.isoformat(), context)
    assert field.parse_text(field.format(stored, context), context) == stored


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1)),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Tokyo"]),
)
def test_any_local_time_is_one_moment_or_explained(local: datetime, zone: str) -> None:
    field, context = make("datetime"), ParseContext(zone=zone)
    local = local.replace(second=0, microsecond=0)
    try:
        stored = field.parse_text(local.isoformat(" "), context)
    except Exception as error:
        assert type(error).__name__ == "Rejected" and local.month in (3, 4, 10, 11)
        return
    assert abs(datetime.fromisoformat(stored).replace(tzinfo=None) - local) <= timedelta(hours=14)


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("90 days", 90, "days"),
        ("1 day", 1, "days"),
        ("3 months", 3, "months"),
        ("10 business days", 10, "business_days"),
        ("10 Arbeitstage", 10, "business_days"),
        ("P3M", 3, "months"),
        ("P90D", 90, "days"),
        ("P2W", 14, "days"),
        ("P1Y", 12, "months"),
        ("2 weeks", 14, "days"),
        ("1 Jahr", 12, "months"),
        ("8h", 8, "hours"),
        ("PT8H", 8, "hours"),
        ("-5 days", -5, "days"),
    ],
)
def test_durations(text: str, value: int, unit: str) -> None:
    field = make("duration", units=["hours", "days", "months", "business_days"])
    assert field.parse_text(text, HERE) == {"value": value, "unit": unit} == field.parse(text, HERE)


def test_duration() -> None:
    field = make("duration")
    assert problem(field, {"value": 1, "unit": "hours"}).path == "/unit"
    assert problem(field, {"value": 1.5, "unit": "days"}).path == "/value"
    assert problem(field, {"value": 10**9, "unit": "days"}).path == "/value"
    assert text_problem(field, "soon").hint == "Write it like 90 days or 3 months."
    assert field.format({"value": 1, "unit": "months"}, HERE) == "1 month"
    assert field.format({"value": 3, "unit": "months"}, BERLIN) == "3 Monate"
    assert make("duration", units=["days"]).parse_text("30", HERE) == {"value": 30, "unit": "days"}
    days = [field.project({"value": 2, "unit": unit}) for unit in ("hours", "days", "business_days", "months")]
    assert days == [Decimal("0.083333"), Decimal(2), Decimal("2.8"), Decimal("60.87375")]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-01-01 \u2013 2026-03-31", "2026-01-01", "2026-03-31"),
        ("2026-01-01 - 2026-03-31", "2026-01-01", "2026-03-31"),
        ("2026-01-01/2026-03-31", "2026-01-01", "2026-03-31"),
        ("1.1.2026 bis 31.3.2026", "2026-01-01", "2026-03-31"),
        ("1 January 2026 to 31 March 2026", "2026-01-01", "2026-03-31"),
        ("2026-01-01 \u2013", "2026-01-01", None),
        ("\u2013 2026-03-31", None, "2026-03-31"),
    ],
)
def test_date_ranges(text: str, start: str | None, end: str | None) -> None:
    expected = {key: day for key, day in (("start", start), ("end", end)) if day}
    assert make("date_range").parse_text(text, HERE) == expected


def test_date_range() -> None:
    field = make("date_range")
    assert field.parse({}, HERE) is None
    assert problem(field, {"start": "2026-02-01", "end": "2026-01-01"}).path == "/end"
    assert problem(field, {"start": "x"}).path == "/start"
    assert problem(field, {"from": "2026-01-01"}).code == "type"
    assert field.attributes == {"start": "date", "end": "date"}

"""integer, decimal, percent, money, money_rate, rating, auto_number."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fields.shared import BERLIN, HERE, US, make, problem, text_problem
from xrm_core.fields import ParseContext
from xrm_core.fields.numbers import canonical, read_number, write_number

SWISS = ParseContext(region="CH", language="de")
FRENCH = ParseContext(region="FR", language="fr")


@pytest.mark.parametrize(
    ("text", "context", "number"),
    [
        ("1234.5", HERE, "1234.5"),
        ("1,234.50", HERE, "1234.50"),
        ("1.234,50", HERE, "1234.50"),
        ("1.234,50", BERLIN, "1234.50"),
        ("1,234", HERE, "1234"),
        ("1.234", HERE, "1.234"),
        ("1.234", BERLIN, "1234"),
        ("1,234", BERLIN, "1.234"),
        ("1,5", HERE, "1.5"),
        ("0.123", BERLIN, "0.123"),
        ("1.234.567", HERE, "1234567"),
        ("1 234 567,8", FRENCH, "1234567.8"),
        ("1\u202f234,5", FRENCH, "1234.5"),
        ("1'234.50", SWISS, "1234.50"),
        ("1’234’567", SWISS, "1234567"),
        ("\u22125", HERE, "-5"),
        (".5", HERE, "0.5"),
        ("5.", HERE, "5"),
    ],
)
def test_typed_numbers(text: str, context: ParseContext, number: str) -> None:
    assert read_number(text, context) == Decimal(number)


@pytest.mark.parametrize(
    "text", ["", "x", "1 2", "1,2,3", "1.2.3,4", "12.34.56", "1e5", "0x1", "٣", "1_000", "--1", "1-", "9" * 19, "NaN"]
)
def test_not_numbers(text: str) -> None:
    assert text_problem(make("decimal"), text).code in ("type", "too_large")


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**17), max_value=10**17),
    st.integers(0, 10),
)
def test_decimals_are_exact(number: Decimal, scale: int) -> None:
    stored = canonical(number, scale)
    field = make("decimal", scale=scale)
    assert field.parse(stored, HERE) == stored == field.parse(str(number), HERE)
    assert abs(Decimal(stored) - number) * 2 <= Decimal(1).scaleb(-scale)
    for context in (HERE, BERLIN, SWISS, FRENCH):
        assert field.parse_text(write_number(stored, context), context) == stored


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))
def test_json_numbers_mean_what_is_written(number: float) -> None:
    expected = Decimal(repr(number)).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
    assert Decimal(make("decimal").parse(number, HERE)) == expected


def test_decimal_is_rounded_half_up_and_checked() -> None:
    assert make("decimal").parse("1.005", HERE) == "1.01"
    assert make("decimal").parse(-1.005, HERE) == "-1.01"
    assert make("decimal").parse("-0.001", HERE) == "0.00"
    assert make("decimal", scale=0).parse(0.5, HERE) == "1"
    assert problem(make("decimal", min="1", max="2"), "2.01").message == "At most 2; this is 2.01."
    assert problem(make("decimal"), 1e18).code == "too_large"
    assert problem(make("decimal"), True).code == "type"
    assert problem(make("decimal"), float("nan")).code == "type"
    assert [found.path for found in make("decimal", min=3, max=2).check_settings()] == ["/max"]


def test_integer() -> None:
    field = make("integer", min=1)
    assert field.parse(5, HERE) == 5 == field.parse(5.0, HERE) == field.parse_text("5", HERE)
    assert field.parse_text("1,234", HERE) == 1234 == field.parse_text("1.234", BERLIN)
    assert problem(field, 5.5).code == problem(field, True).code == problem(field, "5").code == "type"
    assert problem(field, 0).code == "too_small"
    assert problem(make("integer"), 2**53).code == "too_large"
    assert text_problem(field, "1.5").hint == "Leave the decimals out."


def test_percent() -> None:
    field = make("percent")
    assert field.parse_text("22.5 %", HERE) == "22.50" == field.parse_text("22,5%", BERLIN)
    assert field.format("22.50", BERLIN) == "22,50 %"
    assert problem(field, 101).code == "too_large"
    assert problem(field, -1).code == "too_small"


@pytest.mark.parametrize(
    ("text", "context", "amount", "currency"),
    [
        ("12000 EUR", HERE, "12000.00", "EUR"),
        ("EUR 12,000", HERE, "12000.00", "EUR"),
        ("€12.000,50", BERLIN, "12000.50", "EUR"),
        ("12.000,50 €", BERLIN, "12000.50", "EUR"),
        ("$100", US, "100.00", "USD"),
        ("$100", ParseContext(currency="CAD"), "100.00", "CAD"),
        ("-£5", HERE, "-5.00", "GBP"),
        ("£-5", HERE, "-5.00", "GBP"),
        ("60k", HERE, "60000.00", "EUR"),
        ("60k USD", HERE, "60000.00", "USD"),
        ("1.5k", HERE, "1500.00", "EUR"),
        ("1000", US, "1000.00", "USD"),
        ("¥500", HERE, "500", "JPY"),
        ("1.2345 KWD", HERE, "1.235", "KWD"),
        ("100 kr", ParseContext(currency="SEK"), "100.00", "SEK"),
    ],
)
def test_typed_money(text: str, context: ParseContext, amount: str, currency: str) -> None:
    assert make("money").parse_text(text, context) == {"amount": amount, "currency": currency}


def test_money() -> None:
    field = make("money")
    assert field.parse(12, US) == {"amount": "12.00", "currency": "USD"}
    assert field.parse({"amount": 0.1, "currency": "eur"}, HERE) == {"amount": "0.10", "currency": "EUR"}
    assert problem(field, {"amount": "1", "currency": "EURO"}).hint == "Did you mean EUR?"
    assert problem(field, {"currency": "EUR"}).path == "/amount"
    assert problem(field, {"amount": 1, "fx": 2}).code == "unknown_key"
    assert text_problem(field, "100 kr").code == "currency"
    assert text_problem(field, "EUR 5 USD").message == "The currency is named twice."
    fixed = make("money", currency="CHF", min=0)
    assert fixed.parse(5, US) == {"amount": "5.00", "currency": "CHF"}
    assert problem(fixed, {"amount": 5, "currency": "EUR"}).message == "Only CHF is taken here; this is EUR."
    assert problem(fixed, -1).code == "too_small"
    assert make("money", currency="EURO").check_settings()[0].path == "/currency"
    assert field.format({"amount": "1234567.80", "currency": "EUR"}, BERLIN) == "1.234.567,80 EUR"
    assert field.project({"amount": "5.00", "currency": "EUR"}) == Decimal("5.00")


@pytest.mark.parametrize(
    ("text", "amount", "currency", "per"),
    [
        ("60000 EUR/year", "60000.00", "EUR", "year"),
        ("60,000.00 EUR/year", "60000.00", "EUR", "year"),
        ("450 EUR per day", "450.00", "EUR", "day"),
        ("45 €/h", "45.00", "EUR", "hour"),
        ("€45/hr", "45.00", "EUR", "hour"),
        ("60k USD p.a.", "60000.00", "USD", "year"),
        ("450 EUR pro Tag", "450.00", "EUR", "day"),
        ("60.000,00 EUR/Jahr", "60000.00", "EUR", "year"),
        ("$120 a day", "120.00", "USD", "day"),
        ("5000/month", "5000.00", "EUR", "month"),
        ("900 GBP weekly", "900.00", "GBP", "week"),
        ("55/Stunde", "55.00", "EUR", "hour"),
    ],
)
def test_typed_rates(text: str, amount: str, currency: str, per: str) -> None:
    assert make("money_rate").parse_text(text, HERE) == {"amount": amount, "currency": currency, "per": per}


def test_money_rate() -> None:
    field = make("money_rate")
    assert problem(field, 450).path == "/per"
    assert make("money_rate", per=["day"]).parse(450, HERE)["per"] == "day"
    assert problem(make("money_rate", per=["day"]), {"amount": 1, "per": "year"}).code == "not_allowed"
    assert text_problem(field, "450 EUR").path == "/per"
    yearly = [
        field.project({"amount": "10.00", "currency": "EUR", "per": per})
        for per in ("hour", "day", "week", "month", "year")
    ]
    assert yearly == [20800, 2600, 520, 120, 10]
    assert field.format({"amount": "450.00", "currency": "EUR", "per": "day"}, BERLIN) == "450,00 EUR/Tag"


def test_rating() -> None:
    field = make("rating")
    assert field.parse(4, HERE) == 4 == field.parse_text("4/5", HERE) == field.parse_text("★★★★☆", HERE)
    assert problem(field, 6).message == "From 1 to 5 stars."
    assert problem(field, 0).hint == "Send null for no rating."
    assert text_problem(field, "4/10").code == "type"


def test_auto_number() -> None:
    field = make("auto_number", prefix="INV-", digits=4)
    assert field.read_only
    assert field.numbered(7) == "INV-0007" and field.numbered(123456) == "INV-123456"  # type: ignore[attr-defined]
    assert field.number_of("INV-0007") == 7  # type: ignore[attr-defined]
    assert field.parse("INV-7", HERE) == "INV-0007"
    assert problem(field, "ORD-0007").hint == "It looks like INV-0042."

"""email, phone, url, address, person_name."""

from __future__ import annotations

import csv
import os
import random
from pathlib import Path

import phonenumbers
import pytest

from tests.fields.shared import BERLIN, HERE, US, make, problem, text_problem
from xrm_core.fields import ParseContext, Rejected
from xrm_core.fields.address import split_address
from xrm_core.fields.person_name import split_name
from xrm_core.fields.phone import _plain

DATA = Path(os.environ.get("XRM_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))


def test_email() -> None:
    field = make("email")
    assert field.parse(" Ada.B@Example.ORG ", HERE) == "ada.b@example.org"
    assert field.parse("ü@Bücher.example", HERE) == "ü@bücher.example"
    assert (
        field.parse_text("Ada <ada@example.org>", HERE)
        == "ada@example.org"
        == field.parse_text("mailto:ada@example.org", HERE)
    )
    assert field.parse("office@firm.local", HERE) == "office@firm.local"
    for raw in (
        "ada",
        "ada@",
        "@example.org",
        "ada@localhost",
        "a b@example.org",
        "a..b@example.org",
        ".a@example.org",
        "a@-x.org",
        "a@x.org.",
        "a@b@c.org",
        "a@[127.0.0.1]",
        "x" * 65 + "@example.org",
        "a@" + "b" * 64 + ".org",
    ):
        assert problem(field, raw).code == "email", raw


@pytest.mark.parametrize(
    ("text", "context", "value"),
    [
        ("020 7946 0000", HERE, "+442079460000"),
        ("030 123456", BERLIN, "+4930123456"),
        ("+49 (0)30 123456", US, "+4930123456"),
        ("0044 20 7946 0000", BERLIN, "+442079460000"),
        ("011 44 20 7946 0000", US, "+442079460000"),
        ("(212) 555-0100", US, "+12125550100"),
        ("212.555.0100 x12", US, "+12125550100;ext=12"),
        ("tel:+12125550100", HERE, "+12125550100"),
        ("+39 06 1234 5678", HERE, "+390612345678"),
    ],
)
def test_phones(text: str, context: ParseContext, value: str) -> None:
    assert make("phone").parse_text(text, context) == value


def test_phone() -> None:
    field = make("phone")
    assert make("phone", region="DE").parse("030 123456", US) == "+4930123456"
    assert problem(field, "12").message == "The number is too short."
    assert problem(field, "555-0100", US).message == "The area code is missing."
    assert problem(field, "+999 123456").message == "The country of the number is not clear."
    assert problem(field, "call me").code == problem(field, "+49 30 123456 x123456789012").code == "phone"
    assert problem(field, 442079460000).code == "type"
    assert field.format("+442079460000;ext=12", HERE) == "+44 20 7946 0000 x12"
    assert "02079460000" in field.search_text("+442079460000")  # type: ignore[attr-defined]
    assert make("phone", region="XX").check_settings()[0].path == "/region"


def numbers() -> list[dict[str, str]]:
    """Example numbers of all regions, where there is a copy beside the repository."""
    path = DATA / "phone" / "fixed_line_examples.csv"
    if not path.exists():
        return [
            {
                "region": "GB",
                "country_code": "44",
                "national_prefix": "0",
                "national_number": "2079460000",
                "e164": "+442079460000",
            }
        ]
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_numbers_of_all_regions() -> None:
    field = make("phone")
    for row in numbers():
        there = ParseContext(region=row["region"])
        assert field.parse(row["e164"], HERE) == row["e164"]
        assert field.parse(row["national_prefix"] + row["national_number"], there) == row["e164"], row
        assert field.parse_text(field.format(row["e164"], there), HERE) == row["e164"]


def test_the_quick_way_decides_like_the_full_reading() -> None:
    choose = random.Random(5)
    codes = sorted({row["country_code"] for row in numbers()})
    for _ in range(4000):
        value = "+" + choose.choice(codes) + "".join(choose.choice("0123456789") for _ in range(choose.randint(5, 12)))
        if _plain(value):
            number = phonenumbers.parse(value, None)
            assert phonenumbers.is_possible_number(number)
            assert phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) == value


def test_url() -> None:
    field = make("url")
    assert field.parse("HTTPS://Example.ORG/Path?Q=1#T", HERE) == "https://example.org/Path?Q=1#T"
    assert field.parse("https://xn--bcher-kva.example/", HERE) == "https://xn--bcher-kva.example/"
    assert field.parse("https://bücher.example", HERE) == "https://bücher.example"
    assert field.parse_text("www.example.org/in/ada", HERE) == "https://www.example.org/in/ada"
    assert field.parse_text("example.org:8080/x", HERE) == "https://example.org:8080/x"
    for raw in (
        "javascript:alert(1)",
        "javascript://x.example/%0aalert(1)",
        "ftp://example.org",
        "example.org",
        "//example.org",
        "http://",
        "http://localhost",
        "http://a b.example",
        "http://user@example.org",
        "http://1.2.3.999",
        "http://example.org:99999",
        "https://exa\u200bmple.org",
        'https://example.org/"onclick',
        "http://[::1",
        "https://example..org",
        "x" * 2001,
    ):
        assert problem(field, raw).code in ("url", "too_long"), raw
    assert text_problem(field, "javascript:alert(1)").code == "url"


@pytest.mark.parametrize(
    ("text", "context", "parts"),
    [
        ("Hauptstr. 5, 10827 Berlin", BERLIN, {"street": "Hauptstr. 5", "postcode": "10827", "city": "Berlin"}),
        (
            "Hauptstr. 5\n10827 Berlin\nDeutschland",
            HERE,
            {"street": "Hauptstr. 5", "postcode": "10827", "city": "Berlin", "country": "DE"},
        ),
        (
            "Hauptstr. 5, D-10827 Berlin, Germany",
            HERE,
            {"street": "Hauptstr. 5", "postcode": "D-10827", "city": "Berlin", "country": "DE"},
        ),
        (
            "5 High Street, London SW1A 2AA, UK",
            HERE,
            {"street": "5 High Street", "city": "London", "postcode": "SW1A 2AA", "country": "GB"},
        ),
        (
            "Flat 2, 5 High Street, London, SW1A 2AA",
            HERE,
            {"street": "Flat 2, 5 High Street", "city": "London", "postcode": "SW1A 2AA"},
        ),
        (
            "5 Main St, Springfield, IL 62701, USA",
            US,
            {"street": "5 Main St", "city": "Springfield", "region": "IL", "postcode": "62701", "country": "US"},
        ),
        (
            "5 Main St, Springfield IL 62701",
            US,
            {"street": "5 Main St", "city": "Springfield", "region": "IL", "postcode": "62701"},
        ),
        ("London", HERE, {"city": "London"}),
        ("Paris, France", HERE, {"city": "Paris", "country": "FR"}),
    ],
)
def test_addresses_in_one_line(text: str, context: ParseContext, parts: dict[str, str]) -> None:
    value = make("address").parse_text(text, context)
    assert {key: part for key, part in value.items() if key != "formatted"} == parts
    assert split_address(value["formatted"], context) == parts


def test_address() -> None:
    field = make("address")
    value = field.parse(
        {"street": "Hauptstr. 5", "postcode": "10827", "city": "Berlin", "country": "Germany", "formatted": "old"},
        BERLIN,
    )
    assert value["country"] == "DE" and value["formatted"] == "Hauptstr. 5, 10827 Berlin, Deutschland"
    assert field.parse({"street": " ", "city": ""}, HERE) is None
    assert problem(field, {"country": "Atlantis"}).path == "/country"
    assert problem(field, {"city": 5}).path == "/city"
    assert problem(field, {"town": "x"}).code == "type"
    with pytest.raises(Rejected) as caught:
        field.parse({"city": 5, "street": "\0", "country": 7}, HERE)
    assert [found.path for found in caught.value.problems] == ["/street", "/city", "/country"]
    assert field.project(value) == "hauptstr. 5, 10827 berlin, deutschland"
    assert (
        field.parse_text("somewhere 5 behind the 3rd mill, ask 2 times", HERE)["street"]
        == "somewhere 5 behind the 3rd mill, ask 2 times"
    )


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Erika Mustermann", ("", "Erika", "", "Mustermann", "")),
        ("Mustermann, Erika", ("", "Erika", "", "Mustermann", "")),
        ("Dr. Erika Maria Mustermann", ("Dr.", "Erika", "Maria", "Mustermann", "")),
        ("Prof. Dr. Max von der Beispiel jr.", ("Prof. Dr.", "Max", "", "von der Beispiel", "jr.")),
        ("von Beispiel, Max", ("", "Max", "", "von Beispiel", "")),
        ("Max Beispiel, PhD", ("", "Max", "", "Beispiel", "PhD")),
        ("Herr Mustermann", ("Herr", "", "", "Mustermann", "")),
        ("Erika", ("", "Erika", "", "", "")),
        ("Mustermann-Beispiel, Anna Maria", ("", "Anna", "Maria", "Mustermann-Beispiel", "")),
    ],
)
def test_names_are_split(text: str, parts: tuple[str, ...]) -> None:
    expected = dict(zip(("prefix", "first", "middle", "last", "suffix"), parts, strict=True))
    assert split_name(text) == {key: part for key, part in expected.items() if part}


def test_person_name() -> None:
    field = make("person_name")
    value = field.parse({"first": " Erika ", "last": "Mustermann", "prefix": "Dr.", "full": "wrong"}, HERE)
    assert value == {"first": "Erika", "last": "Mustermann", "prefix": "Dr.", "full": "Erika Mustermann"}
    assert field.format(value, HERE) == "Dr. Erika Mustermann"
    assert field.project(value) == "erika mustermann"
    assert field.parse("Erika Mustermann", HERE)["last"] == "Mustermann"
    assert field.parse({}, HERE) is None
    assert problem(field, {"prefix": "Dr."}).path == "/last"
    assert problem(field, {"first": 5}).path == "/first"
    assert problem(field, {"nick": "E"}).code == "type"

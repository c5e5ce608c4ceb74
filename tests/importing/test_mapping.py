"""Columns find their fields by header; what somebody says wins; contradictions are refused with their place."""

from __future__ import annotations

import pytest

from tests.importing.conftest import World
from xrm_core.importing.headers import canonical, likeness
from xrm_core.importing.mapping import read_mapping
from xrm_core.kernel.errors import Invalid


@pytest.mark.parametrize(
    ("header", "same"),
    [
        ("E-Mail", "email"), ("e_mail_address", "email"), ("eMail", "email"), ("EMAIL", "email"), ("Telefon", "phone"),
        ("Mobile Phone", "phone"), ("ZIP", "postcode"), ("PLZ", "postcode"), ("Straße", "street"), ("firstName", "first"),
        ("Last_Name", "last"), ("Web site", "website"), ("Phone__c", "phone"),
    ],
)  # fmt: skip
def test_synonyms(header: str, same: str) -> None:
    assert canonical(header) == canonical(same)


def test_likeness_knows_what_belongs_to_the_module() -> None:
    assert likeness("Company Name", ["name"], ["company"]) > 0.8
    assert likeness("amount", ["name"]) == 0
    assert likeness("Telephon", ["phone"]) < 1
    assert likeness("", ["name"]) == 0


async def test_headers_are_understood(world: World) -> None:
    found = await world.targets("people", "First name;Last name;E-Mail;Mobile;Geburtsdatum;Level;Company;Tags;Unknown thing;Status")
    assert found == {
        "First name": "name.first", "Last name": "name.last", "E-Mail": "email", "Mobile": "phone", "Geburtsdatum": "born_on",
        "Level": "level", "Company": "company", "Tags": "tags", "Unknown thing": None, "Status": "stage",
    }  # fmt: skip
    found = await world.targets("people", "Full Name;company_domain;Company Name;Adviser e-mail;created_at;Owner")
    assert found == {
        "Full Name": "name", "company_domain": "company.domain", "Company Name": None, "Adviser e-mail": "adviser.email",
        "created_at": "created_at", "Owner": "owner",
    }  # fmt: skip
    found = await world.targets("companies", "COMPANY NAME;Anzahl;Mitarbeiter;Street;ZIP;Town;Country;Web")
    assert found == {
        "COMPANY NAME": "name", "Anzahl": None, "Mitarbeiter": "employees", "Street": "address.street", "ZIP": "address.postcode",
        "Town": "address.city", "Country": "address.country", "Web": "website",
    }  # fmt: skip


async def test_a_field_is_given_once_to_the_surest_column(world: World) -> None:
    assert await world.targets("people", "Mail;email;Name") == {"Mail": None, "email": "email", "Name": "name"}


async def test_what_is_said_wins(world: World) -> None:
    found = await world.targets("people", "Name;Mail;Firm", {"columns": {"Name": "notes", "Firm": "company.domain", "mail": None}})
    assert found == {"Name": "notes", "Mail": None, "Firm": "company.domain"}
    found = await world.targets("people", "Name;Mail", {"columns": {"Name": "name"}, "rest": "ignore"})
    assert found == {"Name": "name", "Mail": None}


@pytest.mark.parametrize(
    ("mapping", "code", "path"),
    [
        ({"columns": {"Nmae": "name"}}, "unknown_column", "/columns/Nmae"),
        ({"columns": {"Name": "nmae"}}, "unknown_target", "/columns/Name"),
        ({"columns": {"Name": "name.frist"}}, "unknown_target", "/columns/Name"),
        ({"columns": {"Name": "company.nothing"}}, "unknown_target", "/columns/Name"),
        ({"columns": {"Name": "double"}}, "not_writable", "/columns/Name"),
        ({"columns": {"Name": "name", "Mail": "name"}}, "target_twice", "/columns/Mail"),
        ({"columns": {"Name": "name", "Mail": "name.first"}}, "target_twice", "/columns/Mail"),
        ({"columns": {"Name": "level"}, "constants": {"level": "gold"}}, "target_twice", "/columns/Name"),
        ({"columns": {"Name": "name"}, "constants": {"lvl": "gold"}}, "unknown_target", "/constants/lvl"),
        ({"columns": {"Name": "name"}, "match": ["score"]}, "not_mapped", "/match"),
        ({"columns": {"Name": "name"}, "match": ["nothing"]}, "unknown_field", "/match"),
        ({"columns": {"Name": None, "Mail": None}}, "nothing_mapped", "/columns"),
    ],
)
async def test_a_wrong_mapping_is_refused_with_its_place(world: World, mapping: object, code: str, path: str) -> None:
    with pytest.raises(Invalid) as caught:
        await world.targets("people", "Name;Mail", mapping)
    assert (code, path) in [(problem.code, problem.path) for problem in caught.value.problems]


@pytest.mark.parametrize(
    "given",
    [
        [], "x", {"column": {}}, {"columns": []}, {"columns": {"a": 1}}, {"match": 5}, {"match": ["a"] * 5}, {"existing": "maybe"},
        {"values": {"a": "b"}}, {"values": []}, {"source": ""}, {"source": "a\nb"}, {"constants": {"a": None}},
    ],
)  # fmt: skip
def test_a_mapping_of_the_wrong_shape_is_refused(given: object) -> None:
    assert read_mapping(given)[1]


def test_a_mapping_comes_back_as_it_was() -> None:
    found, problems = read_mapping({"columns": {"a": "b", "c": None}, "match": "email", "values": {"a": {"x": "y"}}, "unresolved": "without"})
    assert not problems
    assert read_mapping(found.as_json()) == (found, [])

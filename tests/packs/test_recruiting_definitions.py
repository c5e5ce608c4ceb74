"""The recruiting pack: what the modules hold, in both languages, and that the checker finds nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.packs.reading import PACK, definitions, module_files
from xrm_core.definitions.checks import check
from xrm_core.definitions.pack import Pack
from xrm_core.definitions.reading import read

MODULES = list(module_files())


def names(module: str) -> set[str]:
    data = module_files()[module]
    inverses = {
        link["inverse"]["name"] for other in module_files().values() for link in other["links"] if module in link["to"]
    }
    return {node["name"] for node in [*data["fields"], *data["links"]]} | inverses


def labels(node: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every label, message, help and description, with its place."""
    if isinstance(node, dict):
        for key, value in node.items():
            if (
                key in ("label", "label_plural", "help", "message", "description")
                and place.rsplit("/", 1)[-1] != "properties"
            ):
                yield f"{place}/{key}", value
            elif key != "schema":
                yield from labels(value, f"{place}/{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from labels(value, f"{place}/{index}")


def test_the_checker_finds_nothing() -> None:
    assert [str(problem) for problem in check(definitions())] == []


def test_manifest() -> None:
    pack = read(Pack, json.loads((PACK / "pack.json").read_text(encoding="utf-8")))
    assert (pack.name, pack.version, pack.languages) == ("recruiting", "1.0.0", ("en", "de"))
    assert f"## {pack.version}" in (PACK / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", MODULES)
def test_every_text_is_in_both_languages(name: str) -> None:
    data = module_files()[name]
    assert data["name"] == name
    for place, label in labels(data):
        assert isinstance(label, dict) and set(label) == {"en", "de"}, place
        assert label["en"].strip() and label["de"].strip(), place
    for pipeline in data["pipelines"]:
        assert all(isinstance(stage["label"], dict) for stage in pipeline["stages"])


@pytest.mark.parametrize("path", sorted((PACK / "roles").glob("*.json")), ids=lambda path: path.stem)
def test_roles_are_in_both_languages_and_name_known_fields(path: Any) -> None:
    role = json.loads(path.read_text(encoding="utf-8"))
    assert set(role["label"]) == set(role["description"]) == {"en", "de"}
    assert set(role["modules"]) - {"*"} <= set(MODULES)
    for key in ("hidden_fields", "read_only_fields"):
        for module, hidden in role[key].items():
            assert set(hidden) <= names(module)


@pytest.mark.parametrize("name", MODULES)
def test_layout_shows_what_exists_and_forgets_nothing_written(name: str) -> None:
    data = module_files()[name]
    layout = data["layout"]
    shown = [field for section in layout["sections"] for field in section["fields"]]
    assert len(shown) == len(set(shown))
    assert set(shown) <= names(name)
    assert set(layout["quick_create"]) <= {node["name"] for node in [*data["fields"], *data["links"]]}
    computed = {
        field["name"] for field in data["fields"] if field["type"] in ("formula", "rollup", "lookup", "auto_number")
    }
    internal = {field["name"] for field in data["fields"] if field.get("read_only")}
    forgotten = {field["name"] for field in data["fields"]} - set(shown) - computed - internal
    assert forgotten == set()
    assert {link["name"] for link in data["links"] if not link.get("many")} <= set(shown)
    required = {
        node["name"] for node in [*data["fields"], *data["links"]] if node.get("required") and "default" not in node
    }
    assert required <= set(layout["quick_create"])


def test_stage_labels_are_the_exact_ones() -> None:
    stages = {
        name: [(s["label"]["en"], s["category"]) for p in data["pipelines"] for s in p["stages"]]
        for name, data in module_files().items()
    }
    assert [label for label, _ in stages["job_orders"]] == [
        "Intake",
        "Sourcing",
        "Submitting",
        "Interviewing",
        "Offer",
        "Placed",
        "Closed",
    ]
    assert [category for _, category in stages["job_orders"]] == ["open"] * 5 + ["won", "closed"]
    assert {"Prospect", "Proposal", "Signed Agreement"} <= {label for label, _ in stages["opportunities"]}
    placements = [label for label, _ in stages["placements"]]
    assert placements[0] == "Offer Accepted" and "Guarantee Completed" in placements
    assert [label for label, _ in stages["submissions"]] == [
        "Identified",
        "Contacted",
        "Screened",
        "Submitted",
        "Client Review",
        "Interviewing",
        "Offer",
        "Placed",
        "Rejected",
        "Withdrawn",
    ]


@pytest.mark.parametrize(
    ("module", "wanted"),
    [
        (
            "candidates",
            {
                "skills": "multi_select",
                "resume": "file",
                "current_salary": "money_rate",
                "desired_salary": "money_rate",
                "notice_period": "duration",
                "availability_date": "date",
                "recruiter_owner": "user",
            },
        ),
        (
            "clients",
            {
                "name": "text",
                "standard_fee_percentage": "percent",
                "payment_terms": "select",
                "nps_rating": "rollup",
                "last_placement_date": "rollup",
            },
        ),
        (
            "job_orders",
            {
                "role_title": "text",
                "requirements": "rich_text",
                "compensation_min": "money_rate",
                "compensation_max": "money_rate",
                "location": "address",
                "urgency": "select",
            },
        ),
        (
            "placements",
            {
                "start_date": "date",
                "fee_amount": "money",
                "fee_status": "formula",
                "guarantee_end_date": "formula",
                "check_in_30_status": "formula",
                "check_in_60_status": "formula",
                "check_in_90_status": "formula",
            },
        ),
        ("certifications", {"issuer": "text", "licence_no": "text", "expires_on": "date"}),
    ],
)
def test_fields_an_agency_asks_for(module: str, wanted: dict[str, str]) -> None:
    fields = {field["name"]: field["type"] for field in module_files()[module]["fields"]}
    assert {name: fields.get(name) for name in wanted} == wanted


def test_links_an_agency_asks_for() -> None:
    def link(module: str, name: str) -> dict[str, Any]:
        return next(link for link in module_files()[module]["links"] if link["name"] == name)

    assert link("clients", "billing_contact")["to"] == ["contacts"]
    assert link("job_orders", "client")["required"] and link("contacts", "clients")["many"]
    for name in ("candidate", "job_order", "client"):
        assert link("placements", name)["required"] and link("placements", name)["on_delete"] == "restrict"
    assert set(link("activities", "about")["to"]) == {
        "candidates",
        "clients",
        "contacts",
        "job_orders",
        "submissions",
        "placements",
        "opportunities",
    }


def test_fee_status_says_invoiced_and_paid() -> None:
    field = next(field for field in module_files()["placements"]["fields"] if field["name"] == "fee_status")
    assert {"not_invoiced", "invoiced", "part_paid", "paid", "overdue", "credited"} == {
        option["name"] for option in field["result"]["options"]
    }


def test_navigation() -> None:
    main = [data for data in module_files().values() if data["kind"] == "main"]
    order = [data["label_plural"]["en"] for data in sorted(main, key=lambda data: data["order"])]
    assert order[:9] == [
        "Candidates",
        "Clients",
        "Contacts",
        "Job orders",
        "Submissions",
        "Interviews",
        "Placements",
        "Opportunities",
        "Fee agreements",
    ]
    shortcuts = [data["shortcut"] for data in main]
    assert len(set(shortcuts)) == len(shortcuts)
    for data in main:
        assert sum(view.get("default", False) for view in data["views"]) == 1

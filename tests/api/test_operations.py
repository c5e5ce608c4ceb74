"""What operators and programs look at: health, numbers, faults, and the OpenAPI document itself."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.api.conftest import Api, ok, refused
from tests.support.recording import Recording
from xrm_core.api import lists

ROOT = "http://xrm.example"


async def test_health_and_numbers(api: Api) -> None:
    assert ok(await api.nobody.get(f"{ROOT}/health/live"))["status"] == "ok"
    assert ok(await api.nobody.get(f"{ROOT}/health/ready"))["status"] == "ok"
    ok(await api.viewer.get("/records/companies"))
    text = (await api.nobody.get(f"{ROOT}/metrics")).text
    assert 'xrm_http_requests_total{method="GET",route="/api/v1/records/{module}",status="200"} 1' in text
    assert 'le="+Inf"' in text and "xrm_database_readers_pool_size" in text


async def test_a_fault_is_a_500_with_a_request_id_and_one_log_line(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(lists.read, "find", broken)
    with caplog.at_level(logging.ERROR, "xrm.api"):
        response = await api.viewer.get("/records/companies")
    refused(response, 500)
    assert "secret" not in response.text
    assert [record.request_id for record in caplog.records] == [response.headers["x-request-id"]]  # type: ignore[attr-defined]


async def test_refusals_leave_no_trace_in_the_log(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        refused(await api.viewer.get("/records/companies?filter=((("), 400)
        refused(await api.admin.post("/records/companies", content=b"{"), 400)
    assert not caplog.records


async def test_the_openapi_document_is_sound_and_typed(api: Api) -> None:
    document = ok(await api.viewer.get(f"{ROOT}/api/openapi.json"))
    assert document["openapi"].startswith("3.1") and document["servers"] == [{"url": "/api/v1"}]
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    identifiers = [
        call["operationId"] for path in document["paths"].values() for key, call in path.items() if key != "parameters"
    ]
    assert len(identifiers) == len(set(identifiers))
    for reference in _references(document):
        name = reference.removeprefix("#/components/schemas/")
        assert name in schemas, reference
    assert schemas["companies.record"]["properties"]["revenue"]["title"] == "Revenue"
    move = "/records/{}/{{id}}/move"
    assert move.format("tickets") in document["paths"] and move.format("companies") not in document["paths"]
    refused(await api.nobody.get(f"{ROOT}/api/openapi.json"), 401)


async def test_the_document_names_every_route_of_the_application(api: Api) -> None:
    document = ok(await api.viewer.get(f"{ROOT}/api/openapi.json"))
    described = {(path, method) for path, calls in document["paths"].items() for method in calls}
    missing = []
    for route in api.application.litestar.routes:
        path = re.sub(r":str}", "}", route.path).removeprefix("/api/v1")
        path = path.replace("/records/{module}", "/records/tickets")
        if (
            "/api/v1" + re.sub(r"{(\w+)}", r"{\1:str}", path.replace("/records/tickets", "/records/{module}"))
            != route.path
        ):
            continue
        missing += [
            f"{one} {path}" for one in route.methods if one != "OPTIONS" and (path, one.lower()) not in described
        ]  # type: ignore[attr-defined]
    assert not missing


async def test_answers_fit_the_schemas_of_the_document(api: Api, make: Any) -> None:
    document = ok(await api.viewer.get(f"{ROOT}/api/openapi.json"))
    company = await make(
        "companies",
        name="Acme",
        employees=3,
        revenue={"amount": "5", "currency": "USD"},
        tags=["big"],
        founded="2020-02-29",
    )
    ticket = await make("tickets", subject="x", company=company["id"])
    for module, record in (("companies", company), ("tickets", ticket)):
        schema = {"$ref": f"#/components/schemas/{module}.record", "components": document["components"]}
        assert not list(Draft202012Validator(schema).iter_errors(record))


async def test_a_list_costs_the_same_statements_for_any_number_of_rows(
    api: Api, make: Any, statements: Recording
) -> None:
    company = await make("companies", name="Acme")
    counts = []
    for index in range(12):
        await make("tickets", subject=f"T{index}", company=company["id"])
        if index in (0, 11):
            await api.viewer.get("/records/tickets?sort=subject")
            with statements.counting() as sent:
                ok(await api.viewer.get("/records/tickets?sort=subject"))
            counts.append(sent.count)
    assert counts[0] == counts[1] <= 2


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for child in value.values() for found in _references(child)]
    if isinstance(value, list):
        return [found for child in value for found in _references(child)]
    return []

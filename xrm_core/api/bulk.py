"""One action on many records, planned, done at once or as a job; and the jobs."""

from __future__ import annotations

import orjson
from litestar import Response, delete, get, post

from xrm_core.api.answers import Answer, as_json, change
from xrm_core.api.body import json_object
from xrm_core.api.query import Parameters, record_id
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.records import bulk, jobs
from xrm_core.records.unit import Unit
from xrm_core.storage import due
from xrm_core.storage import jobs as job_store


@post("/records/{module:str}/bulk", status_code=200)
async def bulk_records(request: Req) -> Response[bytes]:
    """Set, move, archive, link or unlink many records; with `plan` only say what would happen."""
    caller = await caller_of(request)
    planned = Parameters(request.scope["query_string"], ("plan",)).flag("plan")
    body = await json_object(request)
    module = request.path_params["module"]

    async def work(unit: Unit) -> Answer:
        if planned:
            return Answer(200, orjson.dumps(await bulk.plan(unit, module, body)))
        outcome, job = await bulk.bulk(unit, module, body)
        if job is not None:
            return Answer(
                202, orjson.dumps({"job": jobs.shown(job), "change_id": str(job.change_id)}),
                {"Location": f"/api/v1/jobs/{job.id}"},
            )  # fmt: skip
        assert outcome is not None
        change_id = str(unit.changed) if unit.changed else None
        return Answer(200, orjson.dumps({**outcome.as_dict(), "change_id": change_id}))

    answer = await change(request, caller, work)
    if answer.status_code == 202:
        services = services_of(request)
        async with services.database.control() as connection:
            await due.hint(connection, caller.workspace.id, services.clock.now())
    return answer


@get("/jobs")
async def list_jobs(request: Req) -> Response[bytes]:
    """The caller's jobs, newest first."""
    caller = await caller_of(request)
    parameters = Parameters(request.scope["query_string"], ("open", "limit"))
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        found = await job_store.of_member(
            await unit.writer(),
            unit.schema,
            caller.account_id,
            only_open=parameters.flag("open"),
            limit=parameters.number("limit", 20, 1, 100),
        )
    return as_json({"data": [jobs.shown(job) for job in found], "next": None})


@get("/jobs/{id:str}")
async def get_job(request: Req) -> Response[bytes]:
    """How far a job is, and what came of it."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        return as_json(jobs.shown(await jobs.get(unit, record_id(request.path_params["id"]))))


@delete("/jobs/{id:str}", status_code=200)
async def cancel_job(request: Req) -> Response[bytes]:
    """Stop a job; what it did stays and can be undone."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())

    async def work(unit: Unit) -> Answer:
        return Answer(200, orjson.dumps(jobs.shown(await jobs.cancel(unit, record_id(request.path_params["id"])))))

    return await change(request, caller, work)


HANDLERS = [bulk_records, list_jobs, get_job, cancel_job]

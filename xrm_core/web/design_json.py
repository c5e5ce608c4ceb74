"""The JSON of a module while it is typed: its schema for completion, and what is wrong with it, by place."""

from __future__ import annotations

from typing import Any

import orjson
from litestar import Response, get, post

from xrm_core.definitions.checks import check
from xrm_core.definitions.json_schemas import schema_of
from xrm_core.definitions.operations import apply
from xrm_core.kernel.errors import NotFound, XrmError
from xrm_core.kernel.problem import Problem, pointer
from xrm_core.web.designing import drafts_of
from xrm_core.web.filtering import as_answer
from xrm_core.web.services import Req, visit

LARGEST = 4 * 1024 * 1024
MOST = 100


@get("/design/schemas/module")
async def module_schema(request: Req) -> Response[bytes]:
    """What a module definition may hold."""
    async with visit(request) as here:
        here.unit.policy.require_design()
        return as_answer(schema_of("module"))


@post("/design/{module:str}/check", status_code=200)
async def check_json(request: Req) -> Response[bytes]:
    """Problems of a module as text; each with the place (`path`) or the `line` that it is about. Nothing is stored."""
    text = await request.body()
    async with visit(request) as here:
        here.unit.policy.require_design()
        draft = await drafts_of(here).get()
        module = draft.wanted.by_id.get(request.path_params["module"])
        if module is None:
            raise NotFound(Problem("missing", "", "There is no such module."))
        if len(text) > LARGEST:
            return as_answer({"problems": [{"path": "", "message": "This is too long for a module."}]})
        try:
            data = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            return as_answer({"problems": [{"line": error.lineno, "message": error.msg}]})
        if not isinstance(data, dict):
            return as_answer({"problems": [{"path": "", "message": "A module is a JSON object."}]})
        operation = {"op": "replace", "path": f"module/{module.id}", "data": data}
        try:
            wanted = apply(draft.wanted, operation, draft.base)
        except XrmError as refused:
            return as_answer({"problems": [_told(one.path, one) for one in refused.problems[:MOST]]})
        start = pointer("modules", wanted.by_id[module.id].name)
        problems = [one for one in check(wanted) if one.path == start or one.path.startswith(start + "/")]
        return as_answer({"problems": [_told(one.path.removeprefix(start), one) for one in problems[:MOST]]})


def _told(path: str, problem: Problem) -> dict[str, Any]:
    return {"path": path, "message": f"{problem.message} {problem.hint}".strip()}


HANDLERS = [module_schema, check_json]

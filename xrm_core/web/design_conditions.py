"""What the builder of conditions asks in the designer: the fields of the draft, and a condition in its other form."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post

from xrm_core.kernel.errors import Conflict, XrmError
from xrm_core.kernel.problem import Problem
from xrm_core.publishing.drafts import Draft
from xrm_core.records import read
from xrm_core.records.query import RecordQuery
from xrm_core.storage.model import CompiledModule
from xrm_core.web.designing import drafted, drafts_of
from xrm_core.web.filtering import as_answer, body_of, condition_of
from xrm_core.web.looking import Looking
from xrm_core.web.services import Req, Visit, visit


@get("/design/{module:str}/filters")
async def fields(request: Req) -> Response[bytes]:
    """The fields of a module of the draft and behind its links, with their operators."""
    async with visit(request) as here:
        here.unit.policy.require_design()
        looking = _looking(here, await drafts_of(here).get(), request.path_params["module"])
        return as_answer({**looking.filters.asking.document(looking.module), "titles": {}})


@post("/design/{module:str}/filters", status_code=200)
async def other_form(request: Req) -> Response[bytes]:
    """A condition as text (`text`) or as rows (`rows`) in both forms; with a count where the module is published."""
    body = await body_of(request)
    async with visit(request) as here:
        here.unit.policy.require_design()
        looking = _looking(here, await drafts_of(here).get(), request.path_params["module"])
        node, problems = condition_of(body)
        if node is None:
            return as_answer({"problems": [problem.as_dict() for problem in problems]})
        filters = looking.filters
        filters.become(node)
        found: dict[str, Any] = {"text": filters.text, "rows": filters.rows(), "titles": {}}
        _, wrong = looking.here.unit.catalog.scopes.condition(looking.module.definition, filters.text or "true")
        if wrong:
            return as_answer({**found, "problems": [problem.as_dict() for problem in wrong]})
        return as_answer({**found, **await _count(here, looking.module, filters.text)})


def _looking(here: Visit, draft: Draft, name: str) -> Looking:
    try:
        seen = drafted(here, draft)
    except (XrmError, KeyError, ValueError, TypeError, AttributeError, StopIteration):
        message = "The draft has problems: conditions are put together again when they are solved."
        raise Conflict(Problem("draft", "", message, "Write the condition as text.")) from None
    module = seen.unit.catalog.modules.get(name) or seen.unit.module(name)
    return Looking(seen, module)


async def _count(here: Visit, module: CompiledModule, text: str) -> dict[str, Any]:
    """How many records there are, for a condition that is about published fields alone."""
    known = here.unit.catalog.modules.get(module.id)
    if known is None:
        return {}
    query = RecordQuery(known.name, filter=text or None, fields=("title",), limit=1, count="estimate")
    try:
        listed = await read.find(here.unit, query)
    except XrmError:
        return {}
    return {} if listed.count is None else {"count": listed.count.value, "exact": listed.count.exact}


HANDLERS = [fields, other_form]

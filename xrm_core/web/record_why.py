"""Why a computed value is what it is: a page without scripts, and the same beside the value with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from litestar import Response, get
from markupsafe import Markup, escape

from xrm_core.catalog import CompiledModule
from xrm_core.kernel.errors import Invalid, NotFound
from xrm_core.kernel.problem import Problem
from xrm_core.records import read
from xrm_core.records.lineage import why
from xrm_core.web.describe import Describer
from xrm_core.web.editing import record_id
from xrm_core.web.formatters import formatter, is_empty, record_url
from xrm_core.web.fragments import fragment
from xrm_core.web.frame import page, shell
from xrm_core.web.pages import ColumnView
from xrm_core.web.services import Req, Visit, visit
from xrm_core.web.views_record import WhyPage, WhyPart, WhyRow


@get("/m/{module:str}/{id:str}/why/{field:str}")
async def why_page(request: Req) -> Response[bytes]:
    """One computed value, what it was worked out from, and the records behind it."""
    identity, field = record_id(request), request.path_params["field"]
    async with visit(request) as here:
        module = here.unit.module(request.path_params["module"])
        try:
            told = await why(here.unit, module.name, identity, field)
        except Invalid as refused:  # what somebody wrote has no lineage
            raise NotFound(Problem("not_found", "", refused.problems[0].message)) from None
        view = await _Told(here, module, identity).page(told)
        if request.headers.get("hx-request") == "true":
            return fragment(here, "record_why.html.jinja", page=view, top="h2")
        return page(here, view, shell(here, view.label, module=module.name))


class _Told:
    """Makes the view of one explanation."""

    def __init__(self, here: Visit, module: CompiledModule, identity: UUID) -> None:
        self.here, self.module, self.identity = here, module, identity
        self.describer = Describer(here)

    async def page(self, told: Mapping[str, Any]) -> WhyPage:
        module = self.module
        column = self.describer.column(module, told["field"])
        given = [told] if "records" in told else list(told["inputs"])
        parts = tuple([await self._part(part, told) for part in given])
        # A formula that names what is hidden would tell that it is there.
        code = "" if any(part.hidden for part in parts) else _code(told["expression"])
        url = record_url(module.name, str(self.identity))
        return WhyPage(
            self.describer.module(module), url, await self._title(module, self.identity),
            column.label if column is not None else told["label"], await self._value(column, told["value"]), self._how(told),
            code, parts, bool(told["uses_today"]),
        )  # fmt: skip

    def _how(self, told: Mapping[str, Any]) -> str:
        t, expression = self.here.t, told["expression"]
        if "formula" in expression:
            return t("Worked out by a formula")
        if "template" in expression:
            return t("Put together from other values")
        if "function" not in expression:
            return t("Taken over from a linked record")
        words = {
            "count": t("The number of linked records"), "sum": t("The sum over linked records"),
            "min": t("The smallest among linked records"), "max": t("The largest among linked records"),
            "avg": t("The average over linked records"), "latest": t("The latest of the linked records"),
        }  # fmt: skip
        return words.get(str(expression["function"]), t("A list from linked records"))

    async def _part(self, part: Mapping[str, Any], whole: Mapping[str, Any]) -> WhyPart:
        """One thing that the value was made of: a value, or the records of a list."""
        path, of = str(part.get("path") or ""), part.get("of")
        if part.get("hidden"):
            return WhyPart("", hidden=True)
        if "records" in part:
            return self._list(part, whole)
        column = self._column(path)
        label = column.label if column is not None else str(part.get("label") or path)
        value = await self._value(column, part.get("value"))
        source = (record_url(of["module"], of["id"]), str(of["title"])) if isinstance(of, Mapping) else None
        missing = self._column(str(part["missing"])) if part.get("missing") else None
        return WhyPart(label, path, value, source, _further(part), missing.label if missing is not None else "")

    def _list(self, part: Mapping[str, Any], whole: Mapping[str, Any]) -> WhyPart:
        target = self.here.unit.module(str(part["of"]))
        name = whole["expression"].get("field") if "path" not in part else None
        column = self.describer.column(target, str(name)) if name else None
        rows = tuple(
            WhyRow(record_url(one["module"], one["id"]), str(one["title"]), self._shown(column, one.get("value")), _further(one))
            for one in part["records"]
        )
        value = self._shown(None, part["value"]) if "path" in part else Markup("")
        more = max(0, int(part["count"]) - len(rows) - int(part["hidden_records"]))
        label = self.describer.text(target.definition.label_plural)
        return WhyPart(label, str(part.get("path") or ""), value, rows=rows, count=int(part["count"]), more=more,
                       unseen=int(part["hidden_records"]), is_list=True)  # fmt: skip

    def _column(self, path: str) -> ColumnView | None:
        return self.describer.column(self.module, path)

    def _shown(self, column: ColumnView | None, value: Any) -> Markup:
        if is_empty(value):
            return Markup("")
        return Markup(formatter(column or ColumnView("value", "", "any"), full=True)(value, self.here.reader))

    async def _value(self, column: ColumnView | None, value: Any) -> Markup:
        """A value as the record page shows it; a linked record by its title, as far as it may be seen."""
        link = self.module.links.get(column.key) if column is not None and column.type == "link" else None
        if link is not None and isinstance(value, str) and len(link.targets) == 1:
            target = self.here.unit.catalog.modules[link.targets[0]]
            try:
                title = await self._title(target, UUID(value))
            except NotFound:
                title = "…"
            return Markup(f'<a class="ref" href="{escape(record_url(target.name, value))}">{escape(title)}</a>')
        return self._shown(column, value)

    async def _title(self, module: CompiledModule, identity: UUID) -> str:
        found = orjson.loads((await read.get(self.here.unit, module.name, identity, fields=("title",))).json)
        return str(found.get("title") or "—")


def _further(told: Mapping[str, Any]) -> str:
    """Where a value that is computed itself is explained."""
    return f"{record_url(told['module'], told['record'])}/why/{told['field']}" if told.get("computed") else ""


def _code(expression: Mapping[str, Any]) -> str:
    """What the definition says, as it was written."""
    if "link" not in expression:
        return str(expression.get("formula") or expression.get("template") or "")
    parts = [str(expression["link"])]
    parts += [f".{expression['field']}"] if expression.get("field") else []
    parts += [f" where {expression['where']}"] if expression.get("where") else []
    inside = "".join(parts)
    return f"{expression['function']}({inside})" if expression.get("function") else inside


HANDLERS = [why_page]

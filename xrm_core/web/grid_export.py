"""Rows of a list as a CSV file: the columns as they stand, the values as texts that an import reads back."""

from __future__ import annotations

import csv
import io
from typing import Any

import orjson
from litestar import Response, post

from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.problem import Problem
from xrm_core.records import read
from xrm_core.records.prepare import parse_context
from xrm_core.records.query import LARGEST_PAGE, RecordQuery
from xrm_core.web.describe import Describer, wanted_fields
from xrm_core.web.editing import form_of
from xrm_core.web.formatters import is_empty, pick
from xrm_core.web.pages import ColumnView
from xrm_core.web.services import Req, Visit, caller_of, visit

MOST = 50_000
STARTS = ("=", "+", "-", "@", "\t", "\r")
"""Spreadsheets take texts that begin so for formulas."""


@post("/m/{module:str}/export", status_code=200)
async def export(request: Req) -> Response[bytes]:
    """The chosen records, or all that a filter finds, as CSV."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    async with visit(request, caller) as here:
        module = here.unit.module(request.path_params["module"])
        here.unit.policy.require(module.id, "export")
        describer = Describer(here)
        paths = [part for part in form.text("cols").split(",") if part] or describer.default_paths(module)
        columns = describer.list_columns(module, paths)
        fields, expand = wanted_fields(columns)
        ids = [part for part in form.text("ids").split(",") if len(part) == 36][:LARGEST_PAGE]
        given: Any = {"field": "id", "op": "in", "value": ids} if not form.text("all") else form.text("filter") or None
        sort = tuple(part for part in form.text("sort").split(",") if part)[:4]
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow([_safe(column.label) for column in columns])
        texts = _Texts(here, columns, {name: known.definition for name, known in module.fields.items()})
        cursor, count = None, 0
        while True:
            query = RecordQuery(module.name, given, sort, LARGEST_PAGE, cursor, fields=fields, expand=expand)
            listed = await read.find(here.unit, query)
            count += len(listed.rows)
            if count > MOST:
                raise Invalid(Problem("too_many", "", f"More than {MOST} records.", "Use a narrower filter."))
            writer.writerows(texts.row(orjson.loads(row)) for row in listed.rows)
            cursor = listed.next
            if cursor is None:
                break
    headers = {
        "Content-Disposition": f'attachment; filename="{module.name}.csv"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    # With the mark of its coding, so that spreadsheets read names right.
    return Response(b"\xef\xbb\xbf" + out.getvalue().encode(), media_type="text/csv; charset=utf-8", headers=headers)


class _Texts:
    """Values as texts, as their fields write them."""

    def __init__(self, here: Visit, columns: tuple[ColumnView, ...], fields: dict[str, Any]) -> None:
        self.here, self.columns, self.fields = here, columns, fields
        self.context = parse_context(here.unit)

    def row(self, record: dict[str, Any]) -> list[str]:
        """One line."""
        return [_safe(self._text(column, pick(record, column.key))) for column in self.columns]

    def _text(self, column: ColumnView, value: Any) -> str:
        if is_empty(value):
            return ""
        if column.type == "user":
            users = self.here.users
            names = [users[one].name for one in (value if isinstance(value, list) else [value]) if one in users]
            return ", ".join(names)
        if column.options and isinstance(value, str):
            return column.options[value].label if value in column.options else value
        known = self.fields.get(column.key)
        if known is not None and not known.computed:
            return str(known.format(value, self.context))
        return self._plain(value)

    def _plain(self, value: Any) -> str:
        if isinstance(value, list):
            return ", ".join(self._plain(one) for one in value)
        if isinstance(value, dict):
            if "currency" in value:
                return f"{value.get('amount', '')} {value['currency']}"
            found = value.get("title") or value.get("full") or value.get("formatted")
            return str(found) if found else orjson.dumps(value).decode()
        return str(value)


def _safe(text: str) -> str:
    numeric = text[1:].replace(".", "", 1).replace(",", "").isdigit()
    return "'" + text if text.startswith(STARTS) and not numeric else text


HANDLERS = [export]

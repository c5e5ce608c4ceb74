"""What the grid in the browser knows of a module's columns: how each is written, or why it is not, as one cached file."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
from litestar import Response, get

from xrm_core.records.prepare import parse_context
from xrm_core.storage.model import CompiledField, CompiledLink, CompiledModule
from xrm_core.web.describe import UNSORTABLE, Describer
from xrm_core.web.forms import FormBuilder
from xrm_core.web.pages import ColumnView, OptionView
from xrm_core.web.services import Req, Visit, visit
from xrm_core.web.widgets import settings_of, widget_of

GROUPABLE = frozenset({"select", "stage", "boolean", "user", "link", "date", "rating", "integer", "text"})
SUMMABLE = frozenset({"integer", "decimal", "percent", "money", "rating"})
COMPARABLE = SUMMABLE | {"date", "datetime", "instant"}
ELSEWHERE = frozenset({"markdown", "files", "json"})
"""Widgets that need more room than a cell has."""
SYSTEM = ("owner", "created_at", "created_by", "updated_at", "updated_by", "stage_entered_at")
LONGEST_CACHE = 31_536_000


def functions_of(column: ColumnView) -> tuple[str, ...]:
    """The ways in which the values of a column can be brought to one."""
    if "." in column.key:
        return ()
    if column.type in SUMMABLE:
        return ("sum", "avg", "min", "max")
    return ("min", "max") if column.type in COMPARABLE else ()


def groupable(column: ColumnView) -> bool:
    """Whether a list can be grouped by a column."""
    return column.type in GROUPABLE and "." not in column.key and column.key != "title"


def meta_url(here: Visit, module: CompiledModule) -> str:
    """The address of the file; it changes when its content does, so that browsers may keep it."""
    return f"/m/{module.name}/columns?v={_built(here, module)[0]}"


@get("/m/{module:str}/columns")
async def columns_file(request: Req) -> Response[bytes]:
    """The columns of a module as JSON, for the grid."""
    async with visit(request) as here:
        module = here.unit.module(request.path_params["module"])
        here.unit.policy.require(module.id, "see")
        mark, body = _built(here, module)
    fresh = request.query_params.get("v") == mark
    headers = {
        "Cache-Control": f"private, max-age={LONGEST_CACHE}, immutable" if fresh else "private, no-cache",
        "Vary": "Cookie",
    }
    return Response(body, media_type="application/json", headers=headers)


def _built(here: Visit, module: CompiledModule) -> tuple[str, bytes]:
    people = hash(tuple((user.id, user.name) for user in here.users.values()))
    key = ("columns", here.locale, here.unit.policy.key, people)
    found: tuple[str, bytes] | None = module.memo.get(key)
    if found is None:
        body = orjson.dumps(describe(here, module), default=str)
        mark = hashlib.sha256(body).hexdigest()[:12]
        found = module.memo[key] = (mark, body)
    return found


def describe(here: Visit, module: CompiledModule) -> dict[str, Any]:
    """Everything in the order in which columns are offered."""
    describer, policy = Describer(here), here.unit.policy
    names = ["title", *(["stage"] if module.pipeline else []), *module.fields, *module.links, *SYSTEM]
    writer = _Writing(here, module)
    columns = [writer.column(column) for name in names if (column := describer.column(module, name)) is not None]
    people = sorted(here.users.values(), key=lambda user: user.name.casefold())
    return {
        "module": module.name,
        "label": describer.text(module.definition.label),
        "plural": describer.text(module.definition.label_plural),
        "edit": policy.allows(module.id, "edit"),
        "archive": policy.allows(module.id, "archive"),
        "export": policy.allows(module.id, "export"),
        "locale": here.locale,
        "zone": here.unit.workspace.time_zone,
        "currency": here.unit.workspace.currency,
        "users": [[user.id, user.name] for user in people],
        "columns": columns,
    }


class _Writing:
    """Says of each column how it is written."""

    def __init__(self, here: Visit, module: CompiledModule) -> None:
        self.here, self.module = here, module
        self.builder = FormBuilder(here, module)
        self.context = parse_context(here.unit)
        self.edits = here.unit.policy.allows(module.id, "edit")

    def column(self, column: ColumnView) -> dict[str, Any]:
        """Short keys, because a module may have hundreds of columns."""
        found: dict[str, Any] = {"k": column.key, "l": column.label, "t": column.type}
        if column.options:
            found["o"] = [_option(option) for option in column.options.values()]
        if column.type not in UNSORTABLE and column.sortable:
            found["sort"] = True
        if groupable(column):
            found["group"] = True
        if functions := functions_of(column):
            found["agg"] = functions
        found |= self._written(column)
        return found

    def _written(self, column: ColumnView) -> dict[str, Any]:
        t, module = self.here.t, self.module
        name = self._names(column.key)
        if not self.edits:
            return {"why": t("Your role does not change these records.")}
        if name == "owner":
            return {"f": "owner", "w": "user"}
        if name == "stage":
            reasons = {
                stage.name: [
                    [one.name, self.builder.describer.text(one.label)] for one in stage.reasons if not one.archived
                ]
                for stage in module.stages.values()
                if stage.reasons and not stage.archived
            }
            return {"f": "stage", "w": "select", "req": True, **({"reasons": reasons} if reasons else {})}
        part = module.fields.get(name) or module.links.get(name)
        if part is None:
            return {"why": t("The system keeps this; it cannot be changed by hand.")}
        if self.builder.writable(name) is None:
            return {"why": self._reason(part)}
        if isinstance(part, CompiledLink):
            return self._link(part)
        definition = part.definition
        widget = widget_of(definition)
        found: dict[str, Any] = {"f": name, "w": widget, "req": definition.required}
        settings = settings_of(definition, self.context)
        settings.pop("default_currency", None)
        settings.pop("accept", None)
        if settings:
            found["s"] = settings
        if widget in ELSEWHERE or (widget == "user" and settings.get("multiple")):
            return {
                "why": t("This is changed on the record's page."),
                **({"clear": name} if not definition.required else {}),
            }
        return found

    def _names(self, key: str) -> str:
        """The field that a column writes: the title of many modules is one field."""
        template = self.module.definition.title.strip()
        if key == "title" and template.startswith("{{") and template.endswith("}}"):
            inner = template[2:-2].strip()
            return inner if inner in self.module.fields else key
        return key

    def _link(self, link: CompiledLink) -> dict[str, Any]:
        if link.many or link.polymorphic:
            return {"why": self.here.t("This is changed on the record's page.")}
        return {"f": link.name, "w": "link", "req": link.definition.required, "m": list(link.definition.to)}

    def _reason(self, part: CompiledField | CompiledLink) -> str:
        t = self.here.t
        if isinstance(part, CompiledField) and part.computed:
            return t("This is worked out from other values.")
        if part.definition.read_only or (isinstance(part, CompiledField) and not part.writable):
            return t("The system keeps this; it cannot be changed by hand.")
        return t("Your role does not change this field.")


def _option(option: OptionView) -> list[Any]:
    return [option.name, option.label, option.hue, *([1] if option.archived else [])]


HANDLERS = [columns_file]

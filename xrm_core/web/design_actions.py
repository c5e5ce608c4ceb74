"""What is done in the designer: plain forms that become operations of the draft, and publishing it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import orjson
from litestar import Response, post

from xrm_core.definitions.layout import Variant
from xrm_core.definitions.link import Link
from xrm_core.definitions.module import Module
from xrm_core.definitions.names import free_name, name_from
from xrm_core.definitions.operations import Operation
from xrm_core.definitions.pipeline import Stage
from xrm_core.definitions.view import View
from xrm_core.kernel.errors import Conflict, Invalid, NotFound, XrmError
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem
from xrm_core.publishing.apply import apply
from xrm_core.publishing.drafts import Draft
from xrm_core.publishing.planning import plan_back
from xrm_core.storage import due
from xrm_core.web import design_layouts
from xrm_core.web.design_inputs import changes, shown_label
from xrm_core.web.design_review import review_view
from xrm_core.web.designing import RULES, TYPES, at_once, drafts_of, fragment, frame, module_view, modules_view, node_of
from xrm_core.web.editing import form_of
from xrm_core.web.frame import html, page, redirect
from xrm_core.web.services import Req, Visit, caller_of, services_of, visit
from xrm_core.web.widgets import Form


@post("/design")
async def change_modules(request: Req) -> Response[bytes]:
    """A new module, or one archived or restored."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    async with visit(request, caller) as here:
        here.unit.policy.require_design()
        drafts, what = drafts_of(here), form.text("do")
        try:
            if what in ("archive", "restore"):
                await drafts.append([{"op": what, "path": f"module/{form.text('module')}"}])
                return redirect("/design")
            draft = await drafts.append([{"op": "add", "path": "module", "data": _new_module(form)}])
        except (Invalid, Conflict, NotFound) as refused:
            typed = {name: form.text(name) for name in ("label", "label_plural", "icon", "first")}
            view = modules_view(here, await drafts.get(), _told(refused), typed)
            return page(here, view, frame(here), status=refused.status)
        return redirect(f"/design/{draft.wanted.modules[-1].id}")


def _new_module(form: Form) -> dict[str, Any]:
    label, plural = form.text("label"), form.text("label_plural")
    first = form.text("first") or "Name"
    name = name_from(first)
    if not label:
        raise Invalid(Problem("required", "/label", "What one record is called is needed."))
    return {
        "label": label, "label_plural": plural or f"{label}s", "icon": form.text("icon") or "box", "title": f"{{{{ {name} }}}}",
        "fields": [{"name": name, "type": "text", "label": first, "required": True, "indexed": True, "searchable": True}],
    }  # fmt: skip


@post("/design/{module:str}/do")
async def change_module(request: Req) -> Response[bytes]:
    """One action on a module of the draft; scripts get the inside of the page back, forms the page."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    name = request.path_params["module"]
    partial = request.headers.get("hx-request") == "true"
    async with visit(request, caller) as here:
        here.unit.policy.require_design()
        drafts = drafts_of(here)
        given = {key: form.text(key) for key in ("tab", "node", "new", "as", "in")}
        error, status = "", 200
        try:
            draft = await drafts.get()
            if form.text("do") in ("undo", "redo"):
                draft = await (drafts.undo() if form.text("do") == "undo" else drafts.redo())
            else:
                operations, given["node"] = _operations(draft, name, form, given["node"])
                if form.text("do") in ("add", "add_field"):
                    given["new"] = ""
                if operations:
                    draft = await drafts.append(operations)
        except XrmError as refused:
            if refused.status >= 500:
                raise
            error, status, draft = _told(refused), refused.status, await drafts.get()
        module = draft.wanted.by_id.get(name)
        if module is None:  # its creation was undone
            return redirect("/design")
        if not partial and not error:
            return redirect(f"/design/{name}?{urlencode({key: value for key, value in given.items() if value})}")
        view = await module_view(here, draft, name, given, error)
        around = frame(here, view.module.label_plural)
        if partial:
            return html(fragment(view, around), here.nonce, status=status, headers={"X-Node": given["node"]})
        return page(here, view, around, status=status)


def _told(refused: XrmError) -> str:
    return " ".join(f"{one.message} {one.hint}".strip() for one in refused.problems[:5])


# -- operations -----------------------------------------------------------------------------------------------------------


def _operations(draft: Draft, name: str, form: Form, node: str) -> tuple[list[Operation], str]:
    """The operations of an action, and what is selected after it."""
    module = draft.wanted.by_id.get(name)
    if module is None:
        raise NotFound(Problem("missing", "", f"There is no module '{name}'."))
    action = _ACTIONS.get(form.text("do"))
    if action is None:
        raise Invalid(Problem("value", "/do", "There is no such action."))
    return action(draft, module, form, node)


def _add_field(draft: Draft, module: Module, form: Form, node: str) -> tuple[list[Operation], str]:
    kind = form.text("type")
    if kind not in TYPES or not at_once(kind):
        raise Invalid(Problem("value", "/type", f"A field of the type {kind!r} needs its settings first."))
    label = form.text("label") or kind.replace("_", " ").capitalize()
    taken = {one.name for one in (*module.fields, *module.links)}
    data: dict[str, Any] = {"type": kind, "label": label, "name": free_name(name_from(label), taken)}
    if kind == "select":
        data["options"] = [{"name": "option_1", "label": "Option 1"}]
    return [*_placed(module, data, form)], f"module/{module.id}/fields/{data['name']}"


def _placed(module: Module, data: dict[str, Any], form: Form) -> list[Operation]:
    """Adding a field, and where it stands: a place in a section, or in the list when there are no sections."""
    add: Operation = {"op": "add", "path": f"module/{module.id}/fields", "data": data}
    index = _index(form)
    section = _section(module, form.text("section"))
    if section is None:
        return [add if index is None or module.layout.sections else {**add, "index": index}]
    names = list(section.fields)
    names.insert(len(names) if index is None else index, data["name"])
    return [add, _sections(module, {section.id: names})]


def _section(module: Module, path: str) -> Any:
    found = [one for one in module.layout.sections if path and path.endswith(f"/{one.id}")]
    # What is added without a word goes where people look first.
    return found[0] if found else (module.layout.sections[-1] if module.layout.sections else None)


def _sections(module: Module, names: dict[str, list[str]]) -> Operation:
    sections = [
        {**one.model_dump(mode="json"), "fields": names.get(one.id, list(one.fields))} for one in module.layout.sections
    ]
    return {"op": "patch", "path": f"module/{module.id}", "changes": {"layout": {"sections": sections}}}


def _index(form: Form) -> int | None:
    text = form.text("index")
    return int(text) if text.isdigit() else None


def _move(draft: Draft, module: Module, form: Form, node: str) -> tuple[list[Operation], str]:
    path, index = form.text("path"), _index(form)
    found = node_of(draft.wanted, path)
    if found is None or index is None:
        raise NotFound(Problem("missing", "/path", "There is nothing to move."))
    if form.text("tab") == "layouts" and ("/fields/" in path or "/links/" in path):
        return design_layouts.place(module, found[0]["name"], form.text("section"), index), node
    if path.endswith("/layout"):
        return [], node
    if not module.layout.sections or ("/fields/" not in path and "/links/" not in path) or form.text("tab") == "links":
        return [{"op": "move", "path": path, "index": index}], path
    name = found[0]["name"]
    section = _section(module, form.text("section"))
    names = {one.id: [other for other in one.fields if other != name] for one in module.layout.sections}
    names[section.id].insert(min(index, len(names[section.id])), name)
    return [_sections(module, names)], path


def _settings(draft: Draft, module: Module, form: Form, node: str) -> tuple[list[Operation], str]:
    path = form.text("path")
    found = node_of(draft.wanted, path)
    if found is None:
        raise NotFound(Problem("missing", "/path", "This is not there any more.", "Load the page again."))
    wanted, problems = changes(found[1], form, found[0])
    if problems:
        raise Invalid(problems)
    operations: list[Operation] = []
    name = wanted.pop("name", None)
    if name is None and "label" in wanted and node_of(draft.base, path) is None:
        # Until it is published its name follows the label.
        taken = {one.name for one in (*module.fields, *module.links)} - {found[0]["name"]}
        follows = name_from(shown_label(found[0], "en")) == found[0]["name"].rstrip("_0123456789")
        name = free_name(name_from(label_text(wanted["label"])), taken) if follows else None
    if wanted:
        operations.append({"op": "patch", "path": path, "changes": wanted})
    if name:
        operations.append({"op": "rename", "path": path, "name": name})
    return operations, node


def _add(draft: Draft, module: Module, form: Form, node: str) -> tuple[list[Operation], str]:
    path, kind = form.text("path"), form.text("new")
    part = path.rpartition("/")[2]
    if part == "fields":
        model: Any = TYPES.get(kind)
    elif part == "rules":
        model = RULES.get(kind)
    elif part == "pipelines":
        return _first_stage(module, form)
    else:
        model = _MODELS.get(part)
    if model is None:
        raise Invalid(Problem("value", "/path", "There is nothing to add to here."))
    data, problems = changes(model, form, {})
    data = {key: value for key, value in data.items() if value not in (None, [], "")}
    if problems:
        raise Invalid(problems)
    if part in ("fields", "rules"):
        data["type" if part == "fields" else "kind"] = kind
    if "name" not in data:
        named = data.get("label") or data.get("message") or kind or part
        parts = (*module.fields, *module.links, *module.rules, *module.views, *module.stages, *module.layout.variants)
        taken = {one.name for one in parts}
        data["name"] = free_name(name_from(label_text(named)), taken)
    if part == "fields":
        return _placed(module, data, form), f"{path}/{data['name']}"
    if part == "links" and "inverse" not in data:
        # Its name on the other side, which is what people see there.
        other = [draft.wanted.by_name[name] for name in data.get("to", ()) if name in draft.wanted.by_name]
        taken = {one.name for target in other for one in (*target.fields, *target.links)}
        taken |= {link.inverse.name for owner in draft.wanted.modules for link in owner.links if link.inverse and set(link.to) & set(data["to"])}
        data["inverse"] = {"name": free_name(module.name, taken), "label": module.label_plural}
    operations: list[Operation] = [{"op": "add", "path": path, "data": data}]
    return operations, f"{path}/{data['name']}"


def _first_stage(module: Module, form: Form) -> tuple[list[Operation], str]:
    data, problems = changes(_MODELS["stages"], form, {})
    if problems:
        raise Invalid(problems)
    data = {key: value for key, value in data.items() if value not in (None, [], "")}
    data.setdefault("name", name_from(label_text(data.get("label") or "Open")))
    data.setdefault("label", "Open")
    pipeline = {"name": "stage", "label": "Stage", "stages": [data]}
    path = f"module/{module.id}/pipelines"
    return [{"op": "add", "path": path, "data": pipeline}], f"{path}/stage/stages/{data['name']}"


def _add_section(draft: Draft, module: Module, form: Form, node: str) -> tuple[list[Operation], str]:
    label = form.text("label") or "Section"
    if form.text("tab") == "layouts":
        return design_layouts.add_section(module, node, label), node
    sections = [one.model_dump(mode="json") for one in module.layout.sections]
    if not sections:
        # The first section takes all that is there, so that nothing changes its place.
        named = [one.name for one in (*module.fields, *module.links) if not one.archived]
        sections = [{"name": "details", "label": label, "fields": named}]
    else:
        sections.append({"name": free_name(name_from(label), {one["name"] for one in sections}), "label": label, "fields": []})
    return [{"op": "patch", "path": f"module/{module.id}", "changes": {"layout": {"sections": sections}}}], node


def _retype(draft: Draft, module: Module, form: Form, node: str) -> tuple[list[Operation], str]:
    operation: Operation = {"op": "retype", "path": form.text("path"), "type": form.text("type")}
    if form.text("type") == "multi_select":
        operation["settings"] = {"open": True}
    return [operation], form.text("path")


def _archive(draft: Draft, module: Module, form: Form, node: str) -> tuple[list[Operation], str]:
    path = form.text("path")
    return [{"op": "archive", "path": path}], "" if node == path else node


def _restore(draft: Draft, module: Module, form: Form, node: str) -> tuple[list[Operation], str]:
    return [{"op": "restore", "path": form.text("path")}], node


def _add_options(draft: Draft, module: Module, form: Form, node: str) -> tuple[list[Operation], str]:
    texts = [text.strip() for line in form.text("label").splitlines() for text in line.split(",") if text.strip()]
    if not texts:
        raise Invalid(Problem("required", "/label", "A label is needed."))
    return [{"op": "add", "path": form.text("path"), "data": {"label": text}} for text in texts[:200]], node


def _option(draft: Draft, module: Module, form: Form, node: str) -> tuple[list[Operation], str]:
    wanted: dict[str, Any] = {"hue": form.text("hue") or None}
    if form.text("label"):
        wanted["label"] = form.text("label")
    return [{"op": "patch", "path": form.text("path"), "changes": wanted}], node


def _as_json(draft: Draft, module: Module, form: Form, node: str) -> tuple[list[Operation], str]:
    text = next((value for key, value in form.items if key == "json" and isinstance(value, str)), "")
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        told = f"Line {error.lineno}, column {error.colno}: {error.msg}."
        raise Invalid(Problem("json", f"/json/line/{error.lineno}", told)) from None
    if not isinstance(data, dict):
        raise Invalid(Problem("type", "/json", "A module is a JSON object."))
    return [{"op": "replace", "path": f"module/{module.id}", "data": data}], node


_MODELS: dict[str, Any] = {"links": Link, "views": View, "stages": Stage, "variants": Variant}
Action = Callable[[Draft, Module, Form, str], tuple[list[Operation], str]]
_ACTIONS: dict[str, Action] = {
    "add_field": _add_field, "add": _add, "settings": _settings, "move": _move, "archive": _archive, "restore": _restore,
    "retype": _retype, "add_section": _add_section, "add_options": _add_options, "option": _option, "json": _as_json,
}  # fmt: skip


# -- the draft as a whole -------------------------------------------------------------------------------------------------


@post("/design/discard")
async def discard(request: Req) -> Response[bytes]:
    """Throw the draft away."""
    caller = await caller_of(request)
    await form_of(request, caller)
    async with visit(request, caller) as here:
        await drafts_of(here).discard()
        return redirect("/design", toast=here.t("The draft was thrown away"))


@post("/design/publish")
async def publish(request: Req) -> Response[bytes]:
    """Publish the draft; what destroys values has to be named first."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    async with visit(request, caller) as here:
        here.unit.policy.require_design()
        drafts = drafts_of(here)
        try:
            view = await review_view(here, drafts)
            missing = [one.what for one in view.changes if one.confirm and form.text(f"confirm.{one.path}") != one.confirm]
            if missing:
                text = here.t("Type the name to confirm: {what}", what=", ".join(missing))
                return page(here, await review_view(here, drafts, text), frame(here, here.t("Review")), status=422)
            version = form.text("version")
            done, _ = await drafts.publish(form.text("summary")[:500], int(version) if version.isdigit() else None)
        except XrmError as refused:
            if refused.status >= 500:
                raise
            view = await review_view(here, drafts, _told(refused))
            return page(here, view, frame(here, here.t("Review")), status=refused.status)
        await _hint(here)
        return redirect("/design", toast=here.t("Version {number} is published", number=done.number))


@post("/design/rebase")
async def rebase(request: Req) -> Response[bytes]:
    """Bring the draft up to date with what others published."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    decisions = [{"path": name[9:], "choice": form.text(name)} for name in sorted(form.names) if name.startswith("decision.")]
    async with visit(request, caller) as here:
        here.unit.policy.require_design()
        try:
            await drafts_of(here).rebase(decisions)
        except XrmError as refused:
            if refused.status >= 500:
                raise
            view = await review_view(here, drafts_of(here), _told(refused))
            return page(here, view, frame(here, here.t("Review")), status=refused.status)
        return redirect("/design/review", toast=here.t("The draft is up to date"))


@post("/design/history")
async def roll_back(request: Req) -> Response[bytes]:
    """Go back to an earlier version, as a new one; data stays."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    number = form.text("version")
    if not number.isdigit() or len(number) > 9:
        raise Invalid(Problem("version", "/version", "The number of a version is needed."))
    async with visit(request, caller) as here:
        here.unit.policy.require_design()
        units = services_of(request).units
        made = await plan_back(units, caller.workspace, caller.actor, int(number))
        done = await apply(units, caller.workspace, caller.actor, made, f"Back to version {number}")
        await _hint(here)
        return redirect("/design/history", toast=here.t("Version {number} is published", number=done.number))


async def _hint(here: Visit) -> None:
    units = services_of(here.request).units
    async with units.database.control() as connection:
        await due.hint(connection, here.caller.workspace.id, units.clock.now())


HANDLERS = [change_modules, change_module, discard, publish, rebase, roll_back]

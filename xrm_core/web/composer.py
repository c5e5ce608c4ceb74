"""Writing about a record: notes and calls, tasks and events, as the modules around it declare them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from uuid import UUID

from litestar import Response, post

from xrm_core.kernel.errors import Conflict, Invalid, NotFound
from xrm_core.kernel.problem import Problem
from xrm_core.records import read, write
from xrm_core.records.unit import Unit
from xrm_core.storage.model import CompiledInverse, CompiledModule
from xrm_core.web import composing_mail
from xrm_core.web.describe import Describer
from xrm_core.web.editing import form_of, record_id
from xrm_core.web.forms import Filling, FormBuilder
from xrm_core.web.fragments import answer, change
from xrm_core.web.frame import redirect
from xrm_core.web.services import Req, Visit, caller_of, visit
from xrm_core.web.views_record import ComposerView, WritingView
from xrm_core.web.widgets import Form

LETTERS = ("n", "l", "@")
"""Keys of the first ways to write: a note, a logged call, a message."""
MOST_ASKED = 6
LONGEST_TITLE = 120
_MARKS = re.compile(r"[#>*_`~-]{1,3}\s+|[*_`~]{1,3}")


async def composer_of(
    here: Visit, module: CompiledModule, record: dict[str, Any], prefix: str = ""
) -> ComposerView | None:
    """The ways to write about a record that its actor has; None when there is none."""
    found: list[WritingView] = []
    for inverse, other in _ways(here, module):
        found += await _writings(here, inverse, other)
    logs = [one for one in found if one.text]
    mail = await composing_mail.writing(here, module, record)
    if mail is not None:
        logs.insert(min(LETTERS.index("@"), len(logs)), mail)
    lettered = [
        replace(one, letter=one.letter or ("" if at >= len(LETTERS) else LETTERS[at])) for at, one in enumerate(logs)
    ]
    ordered = [*lettered, *(one for one in found if not one.text)]
    if not ordered:
        return None
    prefixed = tuple(
        replace(one, widgets=tuple(replace(widget, prefix=f"{prefix}w{at}") for widget in one.widgets))
        for at, one in enumerate(ordered)
    )
    people = tuple(sorted(here.users.values(), key=lambda user: user.name.casefold()))
    return ComposerView(f"/m/{module.name}/{record['id']}/write", prefixed, people)


def _ways(here: Visit, module: CompiledModule) -> list[tuple[CompiledInverse, CompiledModule]]:
    """The links through which something can be written about the record, one for each module."""
    policy, found = here.unit.policy, {}
    for inverse in module.inverses.values():
        other = here.unit.catalog.modules.get(inverse.module_id)
        if other is None or other.id in found or not policy.allows(other.id, "create"):
            continue
        definition, rights = other.definition, policy.module(other.id)
        declared = definition.log is not None or definition.task is not None or definition.event is not None
        if declared and inverse.link.id not in rights.hidden | rights.read_only:
            found[other.id] = (inverse, other)
    return list(found.values())


async def _writings(here: Visit, inverse: CompiledInverse, other: CompiledModule) -> list[WritingView]:
    describer, builder = Describer(here), FormBuilder(here, other)
    definition, filling = other.definition, Filling(fresh=True)
    label = describer.text(definition.label)
    log = definition.log
    if log is None:
        names = [name for name in builder.layout().quick_create or _needed(other) if name != inverse.link.name]
        widgets = [await builder.widget(name, filling) for name in names[:MOST_ASKED]]
        asked = tuple(widget for widget in widgets if widget is not None)
        return [WritingView(other.name, label, definition.icon, asked)] if asked else []
    text = await builder.widget(log.text, filling)
    if text is None:
        return []
    extra = [await builder.widget(name, filling) for name in log.fields if name != inverse.link.name]
    title = await builder.widget(log.title, filling) if log.title else None
    widgets = [text, *([replace(title, required=False)] if title else []), *extra]
    asked = tuple(replace(widget, wide=False) for widget in widgets if widget is not None)
    if log.kind is None or builder.writable(log.kind) is None:
        return [WritingView(other.name, label, definition.icon, asked, log.text)]
    options = describer.options(other.fields[log.kind].definition)
    chosen = log.kinds or tuple(name for name, option in options.items() if not option.archived)
    chosen = tuple(name for name in chosen if name != log.mail)  # mails are sent, see composing_mail
    return [
        WritingView(f"{other.name}:{name}", options[name].label, "", asked, log.text)
        for name in chosen
        if name in options and not options[name].archived
    ]


def _needed(module: CompiledModule) -> list[str]:
    return [part.name for part in module.parts if part.definition.required]


@post("/m/{module:str}/{id:str}/write", status_code=200)
async def write_about(request: Req) -> Response[bytes]:
    """Store what was written: for a script as JSON, for a form by going back to the record."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    identity, name = record_id(request), request.path_params["module"]
    scripted = request.headers.get("accept", "").startswith("application/json")

    async def work(unit: Unit, here: Visit) -> dict[str, Any]:
        return await _store(unit, here, unit.module(name), identity, form)

    if scripted:
        return answer(*await change(request, caller, work))
    url = f"/m/{name}/{identity}"
    try:
        async with visit(request, caller) as here:
            done = await _store(here.unit, here, here.unit.module(name), identity, form)
            return redirect(url, toast=done["text"])
    except (Invalid, Conflict) as refused:
        return redirect(url, toast=" ".join(problem.message for problem in refused.problems), kind="bad")


async def _store(unit: Unit, here: Visit, module: CompiledModule, identity: UUID, form: Form) -> dict[str, Any]:
    await read.get(unit, module.name, identity)  # raises NotFound for what the actor does not see
    wanted, _, kind = form.text("writing").partition(":")
    inverse, other = next((way for way in _ways(here, module) if way[1].name == wanted), (None, None))
    if inverse is None or other is None:
        raise NotFound(Problem("not_found", "", "This cannot be written here."))
    describer, builder, log = Describer(here), FormBuilder(here, other), other.definition.log
    values, problems = builder.values(form, fresh=True)
    about: Any = {"module": module.name, "id": str(identity)} if inverse.link.polymorphic else str(identity)
    values[inverse.link.name] = [about] if inverse.link.many else about
    label = describer.text(other.definition.label)
    if log is not None:
        if log.kind and kind:
            values[log.kind] = kind
            option = describer.options(other.fields[log.kind].definition).get(kind)
            label = option.label if option is not None else label
        if not str(values.get(log.text) or "").strip() and not (log.title and values.get(log.title)):
            problems.append(Problem("required", f"/{log.text}", here.t("Write something first.")))
        if log.title and not values.get(log.title):
            values[log.title] = _beginning(str(values.get(log.text) or "")) or label
    if problems:
        raise Invalid(problems)
    stored = await write.create(unit, other.name, values)
    return {"text": here.t("{label} saved", label=label), "module": other.name, "id": str(stored.id)}


def _beginning(text: str) -> str:
    """The first line without its marks, cut at a word."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    line = _MARKS.sub("", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", line)).strip()
    return line if len(line) <= LONGEST_TITLE else line[: LONGEST_TITLE - 1].rsplit(" ", 1)[0] + "…"


HANDLERS = [write_about]

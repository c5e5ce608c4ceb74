"""The pack gallery: which packs there are, what they bring, and every step with them after a preview."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

from litestar import Response, get, post

from xrm_core.access.callers import Caller
from xrm_core.definitions.merge import Choice
from xrm_core.definitions.module import Module
from xrm_core.definitions.pack_contents import PackDefinition
from xrm_core.kernel.errors import NotFound, XrmError
from xrm_core.kernel.problem import Problem
from xrm_core.packs import sample, shelf
from xrm_core.packs.installed import INSTALLED
from xrm_core.packs.layout import PackContents
from xrm_core.packs.plans import PackPlan, situation
from xrm_core.packs.scenario import run_all
from xrm_core.packs.steps import Action, do_step, plan_step, read_action, read_decisions, steps_of
from xrm_core.packs.versions import version_of
from xrm_core.storage import due
from xrm_core.storage import packs as store
from xrm_core.web import formats, render
from xrm_core.web.describe import Describer
from xrm_core.web.editing import form_of
from xrm_core.web.frame import html, page, redirect, shell
from xrm_core.web.packs_said import Telling
from xrm_core.web.services import Req, Visit, caller_of, services_of, visit
from xrm_core.web.views_packs import GalleryPage, PackCard, PackModule, PackPage, StepLine, StepPage
from xrm_core.web.widgets import Form

PLACE = "packs"


@get("/packs")
async def gallery(request: Req) -> Response[bytes]:
    """All packs at hand, as cards."""
    async with visit(request) as here:
        here.unit.policy.require_design()
        return await _gallery(here)


async def _gallery(here: Visit, problems: tuple[str, ...] = (), status: int = 200) -> Response[bytes]:
    services = services_of(here.request)
    found = await asyncio.to_thread(shelf.everything, services.packs)
    known, live = await _known(here)
    cards = [_card(here, one.definition, known, live) for one in found]
    names = {one.name for one in found}
    cards += [_card(here, PackDefinition.model_validate(row.contents), known, live, gone=True)
              for name, row in known.items() if name not in names]  # fmt: skip
    cards.sort(key=lambda card: (not card.installed, card.label))
    return page(here, GalleryPage(tuple(cards), problems), shell(here, here.t("Packs"), place=PLACE), status=status)


@post("/packs")
async def upload(request: Req) -> Response[bytes]:
    """Put a pack from a zip file on the shelf."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    async with visit(request, caller) as here:
        here.unit.policy.require_design()
        files = form.files("file")
        data = await files[0].read() if files else b""
        if not data:
            return await _gallery(here, (here.t("Choose a zip file first."),), 422)
        if len(data) > services_of(request).file_limit:
            limit = services_of(request).file_limit // 1024 // 1024
            return await _gallery(here, (here.t("A file has at most {size} MB.", size=limit),), 413)
        shelves = services_of(request).packs
        try:
            pack = await asyncio.to_thread(shelf.shelve, shelves[-1], data, shelves)
        except XrmError as refused:
            return await _gallery(here, _said(refused.problems), refused.status)
        text = here.t("{name} {version} is on the shelf", name=_label(here, pack.definition), version=pack.version)
        return redirect(f"/packs/{pack.name}", toast=text)


@get("/packs/{name:str}")
async def pack_page(request: Req) -> Response[bytes]:
    """One pack, its modules, pipelines and history."""
    async with visit(request) as here:
        here.unit.policy.require_design()
        return await _pack(here, request.path_params["name"])


async def _pack(here: Visit, name: str, problems: tuple[str, ...] = (), status: int = 200) -> Response[bytes]:
    services, t = services_of(here.request), here.t
    known, live = await _known(here)
    contents, broken = await _contents(here, name)
    if contents is None and name not in known:
        raise NotFound(Problem("unknown_pack", "", t("There is no such pack.")))
    row = known.get(name)
    if contents is not None:
        pack = contents.definition
    else:
        assert row is not None
        pack = PackDefinition.model_validate(row.contents)
    card = _card(here, pack, known, live, gone=contents is None)
    records, state = 0, "none"
    if contents is not None and contents.sample_data:
        records = await asyncio.to_thread(_rows, contents)
        state = await sample.state(services.units, here.caller.workspace, name)
    history = await steps_of(services.units, here.caller.workspace, name)
    base = f"/packs/{name}"
    actions: list[tuple[str, str, str]] = []
    if not card.installed and contents is not None:
        actions.append((f"{base}/install", t("Install again") if row is not None else t("Install"), "primary"))
    elif contents is not None and version_of(contents.version) != version_of(card.installed):
        up = version_of(contents.version) > version_of(card.installed)
        text = t("Upgrade to {version}") if up else t("Go back to {version}")
        actions.append((f"{base}/upgrade", text.format(version=contents.version), "primary"))
    if any(one["undone_at"] is None and one["kind"] != "rollback" for one in history):
        actions.append((f"{base}/rollback", t("Take back the last step"), ""))
    if card.installed:
        actions.append((f"{base}/uninstall", t("Uninstall"), "bad"))
    view = PackPage(
        card,
        tuple((f"/packs/{other}", f"{other} {versions}") for other, versions in pack.manifest.requires.items()),
        tuple(_module(here, module, bool(card.installed)) for module in pack.modules if module.kind == "main"),
        tuple(_extended(here, one) for one in pack.extensions),
        tuple(Describer(here).text(role.label) for role in pack.roles),
        tuple(Describer(here).text(one.label) for one in contents.scenarios) if contents is not None else (),
        records,
        state,
        tuple(contents.screenshots) if contents is not None else (),
        tuple(actions),
        tuple(_step(here, one) for one in history),
        await _waiting(here),
        (*problems, *broken),
    )
    return page(here, view, shell(here, card.label, place=PLACE), status=status)


@get("/packs/{name:str}/waiting")
async def waiting(request: Req) -> Response[bytes]:
    """How much background work is left, as a part of the page."""
    async with visit(request) as here:
        here.unit.policy.require_design()
        count = await _waiting(here)
        return html(render.pack_waiting(count, f"/packs/{quote(request.path_params['name'])}", here.locale), here.nonce)


@get("/packs/{name:str}/screenshots/{file:str}")
async def screenshot(request: Req) -> Response[bytes]:
    """A picture that a pack brings."""
    async with visit(request) as here:
        here.unit.policy.require_design()
        contents, _ = await _contents(here, request.path_params["name"])
        path = contents.screenshots.get(request.path_params["file"]) if contents is not None else None
        if path is None:
            raise NotFound(Problem("not_found", "", "There is no such picture."))
        data = await asyncio.to_thread(path.read_bytes)
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, max-age=3600"}
    return Response(data, media_type="image/png", headers=headers)


@get("/packs/{name:str}/{action:str}")
async def preview(request: Req) -> Response[bytes]:
    """What a step would change; changes nothing."""
    caller = await caller_of(request)
    action = _action(request)
    async with visit(request, caller) as here:
        here.unit.policy.require_design()
        try:
            plan = await _plan(here, caller, action, Form([]), None)
        except XrmError as refused:
            return await _pack(here, request.path_params["name"], _said(refused.problems), refused.status)
        return await _preview(here, action, plan)


@post("/packs/{name:str}/{action:str}")
async def act(request: Req) -> Response[bytes]:
    """Do a step as it was shown; what was shown and has changed meanwhile is shown again."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    if request.path_params["action"] == "sample":
        return await _sample(request, caller, form)
    action = _action(request)
    name, services = request.path_params["name"], services_of(request)
    otherwise: Choice | None = None
    if form.text("otherwise") in ("mine", "theirs"):
        otherwise = "mine" if form.text("otherwise") == "mine" else "theirs"
    async with visit(request, caller) as here:
        here.unit.policy.require_design()
        try:
            plan = await _plan(here, caller, action, form, otherwise)
        except XrmError as refused:
            return await _pack(here, name, _said(refused.problems), refused.status)
        if form.text("try"):
            return await _preview(here, action, plan, tried=await _tried(here, plan))
        if form.text("base") != str(plan.change.base_version):
            error = here.t("Somebody changed the set-up meanwhile. This is what would happen now.")
            return await _preview(here, action, plan, error=error, status=409)
        if not plan.ok:
            return await _preview(here, action, plan, error=here.t("Nothing was changed yet."), status=422)
        if action == "upgrade" and not form.text("anyway"):
            tried = await _tried(here, plan)
            if not all(passed for _, passed, _ in tried):
                error = here.t("Nothing was changed yet: with your own changes a scenario of the pack would fail.")
                return await _preview(here, action, plan, error=error, tried=tried, status=422)
        try:
            await do_step(services.units, caller.workspace, caller.actor, plan)
        except XrmError as refused:
            return await _preview(here, action, plan, error=" ".join(_said(refused.problems)), status=refused.status)
        services.hub.nudge(caller.workspace.id)
        if action == "install" and form.text("sample"):
            contents = await asyncio.to_thread(shelf.contents, services.packs, name)
            await asyncio.shield(sample.load(services.units, caller.workspace, contents))
        async with services.units.database.control() as connection:
            await due.hint(connection, caller.workspace.id, services.units.clock.now())
        return redirect(f"/packs/{name}", toast=_done(here, plan))


async def _sample(request: Req, caller: Caller, form: Form) -> Response[bytes]:
    """Load the sample data of a pack, or take it out again."""
    name, services = request.path_params["name"], services_of(request)
    async with visit(request, caller) as here:
        here.unit.policy.require_design()
        try:
            contents = await asyncio.to_thread(shelf.contents, services.packs, name)
            if form.text("remove"):
                count = await asyncio.shield(sample.remove(services.units, caller.workspace, contents))
                text = here.plural(
                    "{count} record of sample data removed", "{count} records of sample data removed", count
                )
            else:
                count = await asyncio.shield(sample.load(services.units, caller.workspace, contents))
                text = here.plural(
                    "{count} record of sample data loaded", "{count} records of sample data loaded", count
                )
        except XrmError as refused:
            return await _pack(here, name, _said(refused.problems), refused.status)
        return redirect(f"/packs/{name}", toast=text)


# -- inside -----------------------------------------------------------------------------------------------------------


def _action(request: Req) -> Action:
    try:
        return read_action(request.path_params["action"], installed=False)
    except XrmError:
        raise NotFound(Problem("not_found", "", "There is no such step.")) from None


async def _plan(here: Visit, caller: Caller, action: Action, form: Form, otherwise: Choice | None) -> PackPlan:
    services, name = services_of(here.request), here.request.path_params["name"]
    contents = None
    if action in ("install", "upgrade"):
        contents = await asyncio.to_thread(shelf.contents, services.packs, name)

    def fetch() -> PackContents:
        assert contents is not None
        return contents

    given = [
        {"path": key.removeprefix("choice:"), "choice": value}
        for key, value in form.items
        if key.startswith("choice:") and isinstance(value, str)
    ]
    decisions = read_decisions(given)
    return await plan_step(services.units, caller.workspace, caller.actor, action, name, fetch, decisions, otherwise)


async def _tried(here: Visit, plan: PackPlan) -> tuple[tuple[str, bool, tuple[str, ...]], ...]:
    """The pack's scenarios, run on a copy of what the definitions would be: (label, passed, what was wrong)."""
    contents = await asyncio.to_thread(shelf.contents, services_of(here.request).packs, plan.pack)
    outcomes = await run_all(here.unit.database, plan.change.wanted, contents.scenarios)
    labels = {one.name: Describer(here).text(one.label) for one in contents.scenarios}
    return tuple((labels.get(one.name, one.name), one.passed, _said(one.problems)) for one in outcomes)


async def _preview(
    here: Visit,
    action: Action,
    plan: PackPlan,
    *,
    error: str = "",
    tried: tuple[tuple[str, bool, tuple[str, ...]], ...] = (),
    status: int = 200,
) -> Response[bytes]:
    name, t = here.request.path_params["name"], here.t
    known, live = await _known(here)
    contents, _ = await _contents(here, name)
    if contents is not None and action in ("install", "upgrade"):
        pack = contents.definition
    else:
        pack = PackDefinition.model_validate(known[name].contents)
    card = _card(here, pack, known, live)
    telling = Telling(here, plan)
    headings = {
        "install": t("Install {pack} {to}"), "reinstall": t("Install {pack} {to} again"),
        "upgrade": t("Upgrade {pack} from {from_} to {to}"), "downgrade": t("Go back with {pack} from {from_} to {to}"),
        "uninstall": t("Uninstall {pack}"), "rollback": t("Take back the last step of {pack}"),
    }  # fmt: skip
    explained = {
        "install": t(
            "Nothing that is here is overwritten. Before it happens a version is kept that you can go back to."
        ),
        "reinstall": t("What was set aside when the pack was taken away comes back, records included."),
        "upgrade": t(
            "Your own changes stay. Where you and the pack changed the same, you choose. It can be taken back."
        ),
        "downgrade": t("Your own changes stay. It can be taken back."),
        "uninstall": t(
            "What the pack brought is set aside with its records, and comes back when it is installed again."
        ),
        "rollback": t("Definitions and values are as they were before the step; what was done since then stays."),
    }
    kinds = Counter(change.kind for change in plan.changes if change.parts[0] not in ("origin", "pack"))
    counts = [
        (kinds["added"], t("added")), (kinds["changed"] + kinds["moved"], t("changed")), (kinds["removed"], t("removed")),
        (len(plan.conflicts), t("changed on both sides")),
        (sum(planned.as_dict()["records"] for planned in plan.conversions), t("records whose values go along")),
    ]  # fmt: skip
    words = {"from_": plan.from_version or "", "to": plan.to_version or "", "pack": card.label}
    buttons = {
        "install": t("Install"), "reinstall": t("Install again"), "upgrade": t("Upgrade"), "downgrade": t("Go back"),
        "uninstall": t("Uninstall"), "rollback": t("Take it back"),
    }  # fmt: skip
    undecided = {f"/{conflict.path}" for conflict in plan.merged.open}
    problems = [problem for problem in plan.problems if not (problem.code == "undecided" and problem.path in undecided)]
    rows = 0
    if plan.kind == "install" and contents is not None and contents.sample_data:
        rows = await asyncio.to_thread(_rows, contents)
    view = StepPage(
        card,
        action,
        headings[plan.kind].format(**words),
        explained[plan.kind],
        plan.change.base_version,
        tuple((formats.number(str(count), None, here.locale), what) for count, what in counts if count),
        _said(problems),
        telling.conflicts(),
        telling.groups(),
        telling.values(),
        telling.notes(),
        buttons[plan.kind],
        not problems,
        rows,
        tried,
        contents is not None and bool(contents.scenarios) and action in ("install", "upgrade") and not problems,
        error,
    )
    return page(here, view, shell(here, view.heading, place=PLACE), status=status)


def _done(here: Visit, plan: PackPlan) -> str:
    t = here.t
    texts = {
        "install": t("{pack} {to} is installed"), "reinstall": t("{pack} {to} is installed again"),
        "upgrade": t("{pack} is now at {to}"), "downgrade": t("{pack} is back at {to}"),
        "uninstall": t("{pack} is uninstalled; its records wait for it"), "rollback": t("The last step of {pack} is taken back"),
    }  # fmt: skip
    return texts[plan.kind].format(pack=plan.pack, to=plan.to_version or "")


async def _known(here: Visit) -> tuple[dict[str, store.StoredPack], dict[str, str]]:
    """The packs that were ever here, and the versions of those that are."""
    async with here.unit.database.connection() as connection:
        now = await situation(connection, here.unit.schema)
    return now.known, dict(now.live.packs)


async def _contents(here: Visit, name: str) -> tuple[PackContents | None, tuple[str, ...]]:
    """The pack as it lies on the shelf; None and why where it does not or cannot be read."""
    try:
        return await asyncio.to_thread(shelf.contents, services_of(here.request).packs, name), ()
    except NotFound:
        return None, ()
    except XrmError as broken:
        return None, _said(broken.problems)


async def _waiting(here: Visit) -> int:
    async with here.unit.database.connection() as connection:
        return await store.open_work(connection, here.unit.schema)


def _rows(contents: PackContents) -> int:
    return sum(max(0, _lines(path) - 1) for name, path in contents.sample_data.items() if name != "users")


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)


def _label(here: Visit, pack: PackDefinition) -> str:
    return Describer(here).text(pack.manifest.label)


def _card(
    here: Visit, pack: PackDefinition, known: dict[str, store.StoredPack], live: dict[str, str], *, gone: bool = False
) -> PackCard:
    t, name = here.t, pack.name
    installed = live.get(name, "")
    row = known.get(name)
    if installed and not gone and version_of(pack.version) > version_of(installed):
        state, hue = t("{version} can be had").format(version=pack.version), "amber"
    elif installed:
        state, hue = t("Installed"), "green"
    elif row is not None and row.state != INSTALLED:
        state, hue = t("Taken away, records kept"), "gray"
    else:
        state, hue = "", "blue"
    main = [module for module in pack.modules if module.kind == "main"]
    facts = [here.plural("{count} module", "{count} modules", len(main))]
    pipelines = sum(len(module.pipelines) for module in pack.modules) + sum(
        len(one.pipelines) for one in pack.extensions
    )
    if pipelines:
        facts.append(here.plural("{count} pipeline", "{count} pipelines", pipelines))
    if pack.extensions:
        facts.append(here.plural("extends {count} module", "extends {count} modules", len(pack.extensions)))
    description = Describer(here).text(pack.manifest.description) if pack.manifest.description else ""
    return PackCard(
        name, _label(here, pack), description, pack.manifest.icon, pack.version, installed, state, hue, tuple(facts)
    )


def _module(here: Visit, module: Module, installed: bool) -> PackModule:
    text = Describer(here).text
    live = here.unit.catalog.find(module.name) if installed else None
    return PackModule(
        text(module.label_plural or module.label),
        module.icon,
        module.hue or "blue",
        text(module.description) if module.description else "",
        _pipelines(here, module.pipelines),
        f"/m/{module.name}" if live is not None else "",
    )


def _extended(here: Visit, extension: Any) -> PackModule:
    known = here.unit.catalog.find(extension.module)
    label = (
        Describer(here).text(known.definition.label_plural)
        if known is not None
        else extension.module.replace("_", " ").title()
    )
    new = len(extension.fields) + len(extension.links)
    text = here.plural("{count} new field or link", "{count} new fields and links", new)
    icon, hue = (known.definition.icon, known.definition.hue) if known is not None else ("puzzle", "gray")
    return PackModule(label, icon, hue or "gray", text, _pipelines(here, extension.pipelines))


def _pipelines(here: Visit, pipelines: Any) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    text = Describer(here).text
    hues = {"won": "green", "lost": "red", "closed": "gray", "hold": "amber"}
    return tuple(
        (
            text(pipeline.label),
            tuple((text(s.label), s.hue or hues.get(s.category, "blue")) for s in pipeline.stages if not s.archived),
        )
        for pipeline in pipelines
    )


def _step(here: Visit, step: dict[str, Any]) -> StepLine:
    t = here.t
    texts = {
        "install": t("Installed {to}"), "reinstall": t("Installed {to} again"), "upgrade": t("Upgraded from {from_} to {to}"),
        "downgrade": t("Went back from {from_} to {to}"), "uninstall": t("Uninstalled {from_}"), "rollback": t("Took a step back"),
    }  # fmt: skip
    what = texts.get(step["kind"], step["kind"]).format(from_=step["from"] or "", to=step["to"] or "")
    actor = step["actor"].get("id")
    known = here.users.get(str(UUID(actor))) if actor else None
    who = known.name if known is not None else str(step["actor"].get("name") or t("System"))
    return StepLine(
        what, who, step["at"], formats.instant(step["at"], here.locale, here.zone), step["undone_at"] is not None
    )


def _said(problems: Any) -> tuple[str, ...]:
    return tuple(
        " ".join(part for part in (f"{p.path}:" if p.path and "#" in p.path else "", p.message, p.hint) if part)
        for p in problems
    )[:30]


HANDLERS = [gallery, upload, pack_page, waiting, screenshot, preview, act]

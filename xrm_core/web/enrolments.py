"""The page about enrolments: who is on the way through the steps of an automation, and changing that by hand."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post

from xrm_core.automation import enrolments
from xrm_core.definitions import edit
from xrm_core.kernel.errors import XrmError
from xrm_core.kernel.labels import label_text
from xrm_core.web import formats
from xrm_core.web.editing import form_of
from xrm_core.web.frame import page, redirect, shell
from xrm_core.web.mail_accounts import identity_of
from xrm_core.web.services import Req, caller_of, visit
from xrm_core.web.views_enrolments import EnrolmentsPage, EnrolmentView

PLACE = "automations"
SHOWN = 100


@get("/automations/{name:str}/enrolments")
async def enrolments_page(request: Req) -> Response[bytes]:
    """Everybody who is on the way through an automation."""
    async with visit(request) as here:
        here.unit.policy.require_design()
        automation = edit.find_automation(here.unit.catalog.definitions, request.path_params["name"])
        connection = await here.unit.writer()
        found = await enrolments.listed(here.unit, connection, automation, here.locale[:2], limit=SHOWN)
        views = []
        for one in found:
            record, following = one["record"], one["next_step"]
            at = formats.instant(one["next_at"], here.reader.locale, here.zone) if one["next_at"] else ""
            views.append(
                EnrolmentView(
                    one["id"], record["title"] if record else "–", f"/m/{record['module']}/{record['id']}" if record else "",
                    following["text"] if following else here.t("The end"), at, one["paused"], one["state"] == "waiting",
                    tuple((step["number"], step["text"]) for step in one["steps_there"]),
                    following["number"] if following else -1,
                )
            )  # fmt: skip
        label = label_text(automation.label, here.locale[:2])
        view = EnrolmentsPage(label, f"/automations/{automation.name}", tuple(views))
        return page(here, view, shell(here, f"{label}: {here.t('On the way')}", place=PLACE))


@post("/automations/{name:str}/enrolments/{id:str}")
async def change_enrolment(request: Req) -> Response[bytes]:
    """Pause, resume, end or move a run: whatever the pressed button says."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    name, step = request.path_params["name"], form.text("step")
    url = f"/automations/{name}/enrolments"
    action = next((one for one in enrolments.ACTIONS if one == form.text("do")), None)
    async with visit(request, caller) as here:
        here.unit.policy.require_design()
        automation = edit.find_automation(here.unit.catalog.definitions, name)
        number = int(step) if step.isascii() and step.isdigit() and len(step) < 6 else None
        if action is None:
            return redirect(url)
        try:
            await enrolments.change(here.unit, automation, identity_of(request), action, number)
        except XrmError as refused:
            return redirect(url, toast=refused.problems[0].message, kind="bad")
        told = {
            "pause": here.t("Paused"),
            "resume": here.t("It goes on"),
            "end": here.t("Ended"),
            "move": here.t("Moved"),
        }
        return redirect(url, toast=told[action])


HANDLERS: list[Any] = [enrolments_page, change_enrolment]

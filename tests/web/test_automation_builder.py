"""The automation builder over HTTP: the form to JSON and back, its buttons, trying, publishing, and what is refused."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

import httpx
import pytest
from argon2 import PasswordHasher

from tests.browser.site import PASSWORD
from tests.packs import reading
from tests.web import samples
from tests.web.test_automation_pages import csrf
from tests.web.test_pages_http import Client, web
from xrm_core.access.passwords import Passwords
from xrm_core.app import Application, assemble
from xrm_core.definitions.automation import Automation
from xrm_core.definitions.collection import body
from xrm_core.definitions.hints import TemplateText
from xrm_core.definitions.scope import Scopes
from xrm_core.definitions.steps import Step
from xrm_core.definitions.triggers import Tell
from xrm_core.kernel.clock import FixedClock
from xrm_core.settings import Settings
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import Workspace
from xrm_core.web import automation_forms, automation_inputs, automation_tried, render
from xrm_core.web.automation_forms import body_of, changed
from xrm_core.web.automation_inputs import Inputs
from xrm_core.web.views_automations import BuilderPage
from xrm_core.web.widgets import Form

__all__ = ["web"]
PACK = Path(__file__).parents[2] / "module_packs/recruiting/automations"
ALL: dict[str, Any] = {
    "name": "thanks", "label": {"en": "Say thanks", "de": "Danken"}, "module": "orders",
    "triggers": [
        {"kind": "created"}, {"kind": "changed", "fields": ["status"], "to": ["paused"]},
        {"kind": "date", "field": "due", "offsets": [{"value": -3, "unit": "days"}, {"value": 1, "unit": "weeks"}]},
        {"kind": "stuck", "stages": {"draft": {"value": 2, "unit": "weeks"}}},
        {"kind": "cron", "at": ["07:00"], "weekdays": ["monday"], "days": [1, -1]},
    ],
    "when": "rush and before.value != value", "once_per": ["id"],
    "steps": [
        {"do": "mail", "to": ["mail", "role:admin"], "subject": "{{ subject }}", "text": "Hello\n\n{{ subject }}",
         "texts": {"de": "Guten Tag"}, "invitation": {"start": "call_at", "title": "{{ subject }}"},
         "tables": [{"label": "Open", "module": "orders", "filter": "stage == 'draft'"}]},
        {"do": "wait", "for": {"value": 3, "unit": "days"}},
        {"do": "branch", "if": "rush", "then": [{"do": "update", "values": {"pieces": "pieces + 1", "rush": False}}],
         "else": [{"do": "branch", "if": "pieces > 3", "then": [{"do": "stop"}]}]},
    ],
    "limits": {"runs_per_hour": 10}, "quiet": {"from": "21:00"},
}  # fmt: skip


def fields(text: str) -> list[tuple[str, str]]:
    """What a browser without scripts would send for the form on a page."""
    found: list[tuple[str, str]] = []
    pattern = r"<input\b([^>]*)>|<textarea\b([^>]*)>\n?(.*?)</textarea>|<select\b([^>]*)>(.*?)</select>"
    for one in re.finditer(pattern, text, re.S):
        attributes = one[1] or one[2] or one[4] or ""
        name = re.search(r'name="([^"]*)"', attributes)
        value = re.search(r'value="([^"]*)"', attributes)
        if name is None:
            continue
        if one[4] is not None:
            options = re.findall(r'<option value="([^"]*)"( selected)?', one[5])
            chosen = [option for option, selected in options if selected]
            if "multiple" not in one[4] and not chosen and options:
                chosen = [options[0][0]]
            found += [(name[1], html.unescape(option)) for option in chosen]
        elif one[2] is not None:
            found.append((name[1], html.unescape(one[3])))
        elif "checkbox" not in attributes or "checked" in attributes:
            found.append((name[1], html.unescape(value[1]) if value else ""))
    return found


async def press(client: Client, text: str, url: str, button: str, **more: str) -> httpx.Response:
    """Send the form as it is on the page, by one of its buttons."""
    given = [(name, value) for name, value in fields(text) if name not in more]
    given += [*more.items(), ("do", button)]
    return await client.post(
        url, content=urlencode(given), headers={"Content-Type": "application/x-www-form-urlencoded"}
    )


async def made(client: Client, automation: dict[str, Any]) -> str:
    token = csrf((await client.get("/automations")).text)
    answer = await client.post("/api/v1/automations", json=automation, headers={"X-CSRF-Token": token})
    assert answer.status_code == 201, answer.text
    return token


async def test_the_form_of_an_automation_gives_the_same_automation(web: Client) -> None:
    await made(web, ALL)
    text = (await web.get("/automations/thanks/edit")).text
    found = body_of(Form(fields(text)))
    assert Automation.model_validate({**found}) == Automation.model_validate(ALL)
    shown = await press(web, text, "/automations/thanks/edit", "tab:json")
    area = re.search(r'name="json"[^>]*>\n(.*?)</textarea>', shown.text, re.S)
    assert area is not None
    assert Automation.model_validate({**json.loads(html.unescape(area[1]))}) == Automation.model_validate(ALL)
    back = await press(web, shown.text, "/automations/thanks/edit", "tab:form")
    assert body_of(Form(fields(back.text))) == found


def said(text: str, **values: Any) -> str:
    return text.format(**values) if values else text


def drawn(automation: dict[str, Any]) -> str:
    """The form for an automation of the recruiting pack."""
    definitions = reading.definitions()
    inputs = Inputs(definitions, Scopes(definitions), automation, said, "en", {}, lambda key, data: "")
    view = BuilderPage(
        "x", "X", "draft", "Draft", "gray", "", inputs.all(), "", module=str(automation.get("module") or "")
    )
    return render.fragment("fragments/automation_builder.html.jinja", view, samples.shell())


@pytest.mark.parametrize("path", sorted(PACK.glob("*.json")), ids=lambda path: path.stem)
def test_every_automation_of_the_pack_survives_the_form(path: Path) -> None:
    given = json.loads(path.read_text("utf-8"))
    found = body_of(Form(fields(drawn(given))))
    state = given.get("state", "draft")
    assert body(Automation.model_validate({**found, "state": state})) == body(Automation.model_validate(given))


def test_every_setting_of_every_kind_has_an_input() -> None:
    for name in ("triggers", "steps"):
        shape = automation_inputs.resolved(automation_inputs.schema()["properties"][name])
        tag = automation_inputs.tag_of(shape)
        for kind, own in automation_inputs.kinds(shape).items():
            text = drawn({"module": "interviews", name: [{tag: kind}]})
            for setting, raw in own["properties"].items():
                assert "const" in raw or f"/{name}/0/{setting}" in text, (kind, setting)


def test_lists_are_added_to_moved_and_taken_from() -> None:
    work: dict[str, Any] = {"module": "orders", "triggers": [], "steps": [{"do": "notify", "text": "x"}]}
    assert changed(work, "add", "/steps", "branch") == "/steps/1"
    assert changed(work, "add", "/steps/1/then", "stop") == "/steps/1/then/0"
    assert changed(work, "add", "/steps/0/to", "role:admin") == "/steps/0/to/1"
    assert changed(work, "up", "/steps/1", "") == "/steps/0"
    assert work["steps"] == [
        {"do": "branch", "then": [{"do": "stop"}]},
        {"do": "notify", "text": "x", "to": ["owner", "role:admin"]},
    ]
    assert changed(work, "remove", "/steps/0/then/0", "") == "/steps/0/then"
    assert changed(work, "set", "/quiet", "") == "/quiet" and work["quiet"] == {}
    changed(work, "remove", "/quiet", "")
    work["steps"].append({"do": "update", "values": {"a": "1", "b": "2"}})
    changed(work, "remove", "/steps/2/values/0", "")
    assert work["steps"][2] == {"do": "update", "values": {"b": "2"}} and "quiet" not in work
    before = json.dumps(work)
    for path in (
        "",
        "/",
        "/x",
        "/steps/9",
        "/steps/0/nothing/1",
        "/triggers/0/kind",
        "/steps/-1",
        "/steps/2/values/7",
        "/steps/\u0661",
    ):
        for action in ("up", "down", "remove"):
            changed(work, action, path, "")
    changed(work, "add", "/steps", "no such step")
    assert json.dumps(work) == before


async def test_from_nothing_to_switched_on_without_scripts(web: Client) -> None:
    url = "/automations/new"
    page = await web.get(url + "?module=orders")
    assert page.status_code == 200
    refused = await press(web, page.text, url, "enable")
    assert refused.status_code == 422 and "is needed here" in html.unescape(refused.text)
    page = await press(web, page.text, url, "add:/triggers", **{"pick/triggers": "created", "p/label/en": "Greet"})
    page = await press(web, page.text, url, "add:/steps", **{"pick/steps": "notify"})
    assert 'name="p/steps/0/text"' in page.text
    wrong = await press(web, page.text, url, "test", **{"p/steps/0/text": "Hello {{ subjct }}"})
    assert wrong.status_code == 422 and "did you mean" in html.unescape(wrong.text).lower()
    tried = await press(web, wrong.text, url, "test", **{"p/steps/0/text": "Hello {{ subject }}", "p/when": "rush"})
    assert tried.status_code == 200 and "Hello Order" in tried.text and "The condition does not hold" in tried.text
    past = await press(web, tried.text, url, "past", months="2")
    assert "It would have run 3 times" in past.text
    checked = (await press(web, past.text, url, "check")).json()
    assert (
        re.match(r"When a record is created and .*rush.*: notify", checked["sentence"], re.I)
        and checked["problems"] == []
    )
    done = await press(web, past.text, url, "enable")
    assert done.status_code == 303 and done.headers["location"] == "/automations/greet"
    shown = await web.get("/automations/greet")
    assert "Pause" in shown.text and "Versions" in shown.text and "Automation greet: on" in shown.text
    assert (await web.get("/automation-log?days=3")).status_code == 200


async def test_W2_a_loop_is_refused_with_its_reason(web: Client) -> None:
    await made(web, {**ALL, "steps": [{"do": "notify", "text": "x"}], "once_per": []})
    text = (await web.get("/automations/thanks/edit")).text
    page = await press(web, text, "/automations/thanks/edit", "add:/steps", **{"pick/steps": "update"})
    more = {"p/steps/1/values/0/k": "status", "p/steps/1/values/0/v": "'paused'"}
    answer = await press(web, page.text, "/automations/thanks/edit", "save", **more)
    assert answer.status_code == 422
    assert "changes what sets it going: it would run again and again" in html.unescape(answer.text)
    assert "set 'once_per'" in html.unescape(answer.text)


async def test_who_saves_over_somebody_is_told_first(web: Client) -> None:
    token = await made(web, ALL)
    text = (await web.get("/automations/thanks/edit")).text
    other = await web.patch("/api/v1/automations/thanks", json={"one_at_a_time": True}, headers={"X-CSRF-Token": token})
    assert other.is_success
    refused = await press(web, text, "/automations/thanks/edit", "save")
    assert refused.status_code == 422 and "Somebody published this automation meanwhile" in refused.text
    assert (await press(web, refused.text, "/automations/thanks/edit", "save")).status_code == 303


async def test_what_is_no_form_of_ours_is_refused(web: Client) -> None:
    token = await made(web, ALL)
    url = "/automations/thanks/edit"

    async def send(**data: str) -> httpx.Response:
        return await web.post(url, data={"_csrf": token, **data})

    assert (await web.post(url, data={"_csrf": "wrong", "do": "save"})).status_code == 403
    assert (await send(do="explode")).status_code == 422
    assert (await send(do="save", mode="json", json="{")).status_code == 422
    assert "Line 1" in (await send(do="tab:form", mode="json", json="{")).text
    assert (await send(do="save", mode="json", json="[]")).status_code == 422
    unknown = await send(do="tab:form", mode="json", json='{"label": "x", "steps": [{"do": "fly"}], "triggers": 3}')
    assert unknown.status_code == 422 and "There is no do" in html.unescape(unknown.text)
    deep = '{"steps":' * 3000 + "1" + "}" * 3000
    assert (await send(do="save", mode="json", json=deep)).status_code == 422
    assert (await send(**{"do": "save", "p/steps/0/do": "fly", "p/triggers/x/kind": "created"})).status_code == 422
    assert (await send(**{"do": "add:" + "/steps/0/then" * 40, "p/label/en": "x"})).status_code == 200
    many = {f"p/triggers/{at}/kind": "created" for at in range(30)}
    assert (await send(**{"do": "save", "p/label/en": "x", **many})).status_code == 422
    assert (await send(do="test", record="no id", **{"p/label/en": "x"})).status_code == 422
    assert (await web.get("/automations/nothing/edit")).status_code == 404
    assert (await web.post("/automations/nothing/edit", data={"_csrf": token, "do": ""})).status_code == 404
    kept = (await web.get("/api/v1/automations/thanks")).json()
    assert kept["steps"] == (await web.get("/api/v1/automations/thanks")).json()["steps"] and len(kept["steps"]) == 3


async def test_only_designers_build(
    database: Database, workspace: Workspace, clock: FixedClock, tmp_path: Path
) -> None:
    hasher = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    process = assemble(Settings.load({"XRM_DATA_DIR": str(tmp_path)}), database, clock, hasher)
    await process.users.create(workspace, email="m@example.com", name="M", roles=["member"], password=PASSWORD)
    transport = httpx.ASGITransport(app=Application(process))  # type: ignore[arg-type]
    async with Client(transport=transport, base_url="http://xrm.example") as client:
        for url in ("/automations/new", "/automations/x/edit", "/automation-log"):
            away = await client.get(url)
            assert away.status_code == 303 and away.headers["location"].startswith("/login")
        await client.post("/login", data={"email": "m@example.com", "password": PASSWORD, "next": "/today"})
        token = re.search(r'name="csrf-token" content="([^"]+)"', (await client.get("/today")).text)
        assert token is not None
        for url in ("/automations/new", "/automations/x/edit", "/automation-log"):
            assert (await client.get(url)).status_code == 403
        for url in ("/automations/new", "/automations/x/edit", "/automations/x/retire"):
            answer = await client.post(url, data={"_csrf": token[1], "do": "save", "p/label/en": "x"})
            assert answer.status_code == 403


class Ring(Step):
    """Ring a bell: loudly, so that everybody hears it."""

    do: Literal["ring"]
    volume: int = 3
    where_to: TemplateText

    def sentence(self, tell: Tell) -> str:
        return "ring"


def test_a_new_kind_of_step_has_its_form_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = automation_inputs.schema()
    shape = {**shape, "$defs": {**shape["$defs"], "Ring": Ring.model_json_schema(by_alias=True)}}
    steps = json.loads(json.dumps(shape["properties"]["steps"]))
    steps["items"]["discriminator"]["mapping"]["ring"] = "#/$defs/Ring"
    shape["properties"] = {**shape["properties"], "steps": steps}
    for module in (automation_inputs, automation_forms, automation_tried):
        monkeypatch.setattr(module, "schema", lambda: shape)
    text = drawn({"module": "interviews", "steps": [{"do": "ring", "where_to": "{{ location }}"}]})
    assert "Ring a bell" in text and 'name="p/steps/0/volume"' in text
    assert body_of(Form(fields(text)))["steps"] == [{"do": "ring", "where_to": "{{ location }}"}]

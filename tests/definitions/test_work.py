"""Tasks, events and panels: checked, renamed along, and part of the schema."""

from __future__ import annotations

from typing import Any

from xrm_core.definitions import DefinitionSet, Module
from xrm_core.definitions.checks import check
from xrm_core.definitions.rewrite import follow_renames

CLIENTS: dict[str, Any] = {
    "name": "clients", "label": "Client", "label_plural": "Clients",
    "fields": [{"name": "name", "type": "text", "label": "Name"}],
    "panels": [
        {"name": "facts", "label": "Facts", "kind": "facts", "columns": ["name", "owner"]},
        {"name": "calls", "label": "Calls", "link": "calls", "filter": "not done", "columns": ["subject"], "sort": ["-due"]},
        {"name": "lines", "label": "Lines", "module": "lines", "via": "call.client", "kind": "count", "group_by": "kind"},
    ],
}  # fmt: skip
CALLS: dict[str, Any] = {
    "name": "calls", "label": "Call", "label_plural": "Calls", "title": "{{ subject }}",
    "fields": [
        {"name": "subject", "type": "text", "label": "Subject"}, {"name": "due", "type": "datetime", "label": "Due"},
        {"name": "done", "type": "boolean", "label": "Done"}, {"name": "who", "type": "user", "label": "Who"},
    ],
    "links": [{"name": "client", "label": "Client", "to": ["clients"], "inverse": {"name": "calls", "label": "Calls"}}],
    "task": {"assignee": "who", "due": "due", "done_when": "done"},
    "event": {"start": "due", "who": ["who", "owner"], "when": "not done"},
}  # fmt: skip
LINES: dict[str, Any] = {
    "name": "lines", "label": "Line", "label_plural": "Lines", "title": "{{ kind }}",
    "fields": [{"name": "kind", "type": "text", "label": "Kind"}],
    "links": [{"name": "call", "label": "Call", "to": ["calls"], "inverse": {"name": "lines", "label": "Lines"}}],
}  # fmt: skip


def definitions(*modules: dict[str, Any]) -> DefinitionSet:
    return DefinitionSet(modules=tuple(Module.model_validate(module) for module in modules))


def places(*modules: dict[str, Any]) -> set[str]:
    return {problem.path for problem in check(definitions(*modules))}


def test_what_fits_together_has_no_problems() -> None:
    assert check(definitions(CLIENTS, CALLS, LINES)) == []


def test_wrong_names_and_kinds_have_their_places() -> None:
    calls = {**CALLS, "task": {"assignee": "subject", "due": "done", "done_when": "nothing == 1"},
             "event": {"start": "nowhere", "end": "subject", "who": ["due"], "when": "subject"}}  # fmt: skip
    found = places(CLIENTS, calls, LINES)
    assert {
        "/modules/calls/task/assignee", "/modules/calls/task/due", "/modules/calls/event/start", "/modules/calls/event/end",
        "/modules/calls/event/who/0",
    } <= found  # fmt: skip
    assert any(path.startswith("/modules/calls/task/done_when") for path in found)
    assert any(path.startswith("/modules/calls/event/when") for path in found)
    panels = [
        {"name": "a", "label": "A", "kind": "facts"},
        {"name": "a", "label": "A", "link": "calls", "module": "lines"},
        {"name": "c", "label": "C", "module": "nothing", "via": "x"},
        {"name": "d", "label": "D", "module": "lines", "via": "call"},
        {"name": "e", "label": "E", "link": "calls", "columns": ["nope"], "sort": ["nope"], "filter": "nope"},
        {"name": "f", "label": "F", "module": "lines"},
    ]
    found = places({**CLIENTS, "panels": panels}, CALLS, LINES)
    assert {
        "/modules/clients/panels/0/columns", "/modules/clients/panels/1", "/modules/clients/panels/2/module",
        "/modules/clients/panels/3/via", "/modules/clients/panels/4/columns/0", "/modules/clients/panels/4/sort/0",
        "/modules/clients/panels/5/via",
    } <= found  # fmt: skip


def test_they_follow_renames() -> None:
    old = definitions(CLIENTS, CALLS, LINES)
    fields = [{**field, "id": field["name"], "name": field["name"] + "_x"} for field in CALLS["fields"]]
    link = {
        **CALLS["links"][0],
        "id": "client",
        "name": "customer",
        "inverse": {"name": "phone_calls", "label": "Calls"},
    }
    calls = {**CALLS, "fields": fields, "links": [link], "title": "{{ subject }}"}
    new = follow_renames(old, definitions(CLIENTS, calls, LINES))
    assert check(new) == []
    after = new.by_name["calls"]
    assert after.task is not None and (after.task.assignee, after.task.due, after.task.done_when) == (
        "who_x",
        "due_x",
        "done_x",
    )
    assert after.event is not None and after.event.who == ("who_x", "owner")
    _, second, third = new.by_name["clients"].panels
    assert (second.link, second.columns, second.sort) == ("phone_calls", ("subject_x",), ("-due_x",))
    assert third.via == "call.customer"


def test_a_log_names_its_fields_and_options_and_follows_renames() -> None:
    kind = {"name": "kind", "type": "select", "label": "Kind", "options": [{"name": "note", "label": "Note"}]}
    calls = {
        **CALLS,
        "fields": [*CALLS["fields"], kind, {"name": "body", "type": "long_text", "label": "Text"}],
        "log": {"text": "body", "title": "subject", "kind": "kind", "kinds": ["note"], "fields": ["due"]},
    }
    assert check(definitions(CLIENTS, calls, LINES)) == []
    wrong = {**calls, "log": {"text": "due", "title": "no", "kind": "body", "kinds": ["x"], "fields": ["y"]}}
    at = "/modules/calls/log"
    assert {f"{at}/text", f"{at}/title", f"{at}/kind", f"{at}/kinds/0", f"{at}/fields/0"} <= places(
        CLIENTS, wrong, LINES
    )
    renamed = [{**one, "id": one["name"], "name": "words"} if one["name"] == "body" else one for one in calls["fields"]]
    found = follow_renames(
        definitions(CLIENTS, calls, LINES), definitions(CLIENTS, {**calls, "fields": renamed}, LINES)
    )
    log = next(module.log for module in found.modules if module.name == "calls")
    assert log is not None and log.text == "words"

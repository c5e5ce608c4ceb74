"""The REST interface: every route of the route table, with what the OpenAPI document says of it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from xrm_core.api import routes
from xrm_core.api.openapi import document
from xrm_core.api.openapi_fixed import fixed_paths
from xrm_core.cli.reference.pages import table
from xrm_core.definitions import DefinitionSet, Module
from xrm_core.definitions.link import Link
from xrm_core.definitions.pipeline import Pipeline, Stage

_VERBS = ("get", "post", "put", "patch", "delete")
_REFUSALS = frozenset("400 401 403 404 409 412 413 415 422 429 503".split())
Call = tuple[str, str, Mapping[str, Any]]


def calls() -> str:
    """The calls that every workspace has, by subject."""
    groups: dict[str, list[Call]] = defaultdict(list)
    fixed = [call for call in _calls(fixed_paths()) if not call[0].startswith("/records/")]
    for path, verb, call in fixed:
        groups[call["tags"][0]].append((path, verb, call))
    for path, verb, call in _beyond(fixed):
        if not path.startswith("/records/"):
            groups[path.split("/")[1]].append((path, verb, call))
    return "\n\n".join(f"### {tag.capitalize()}\n\n{_rows(found)}" for tag, found in groups.items())


def record_calls() -> str:
    """The calls that every module gets, shown for a module of the name `{module}`."""
    stages = (Stage(name="first", label="First"),)
    module = Module(
        name="things",
        label="record",
        label_plural="{module}",
        links=(Link(name="others", label="Others", to=("things",), many=True),),
        pipelines=(Pipeline(name="steps", stages=stages),),
    )
    shown = document(DefinitionSet(modules=(module,)), [module], 1)["paths"]
    own = {path.replace("/things", "/{module}"): parts for path, parts in shown.items() if path.startswith("/records/")}
    known = list(_calls(own))
    return _rows([*known, *(call for call in _beyond(known) if call[0].startswith("/records/"))])


def _calls(paths: Mapping[str, Any]) -> Iterator[Call]:
    for path, parts in paths.items():
        for verb in _VERBS:
            if verb in parts:
                yield path, verb, parts[verb]


def _beyond(known: Iterable[Call]) -> Iterator[Call]:
    """Routes that the document does not describe; their handlers say in a sentence what they do."""
    described = {(_shape(path), verb) for path, verb, _ in known}
    for handler in (*routes.HANDLERS, *routes.UPLOADS):
        for path in sorted(handler.paths):
            for verb in _VERBS:
                plain = re.sub(r":[a-z]+\}", "}", path)
                if verb.upper() in handler.http_methods and (_shape(plain), verb) not in described:
                    words = (handler.fn.__doc__ or "").strip().split("\n")[0].rstrip(".")
                    yield plain, verb, {"summary": words, "responses": {str(handler.status_code): {}}}


def _shape(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def _rows(found: Iterable[Call]) -> str:
    rows = [
        (f"`{verb.upper()} {path}`", call["summary"], _parameters(call), _answers(call)) for path, verb, call in found
    ]
    return table(("call", "what it does", "parameters", "answers"), rows)


def _parameters(call: Mapping[str, Any]) -> str:
    return ", ".join(f"`{one['name']}`" for one in call.get("parameters", ()))


def _answers(call: Mapping[str, Any]) -> str:
    return " ".join(status for status in sorted(call["responses"]) if status not in _REFUSALS)

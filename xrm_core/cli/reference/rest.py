"""The REST interface: every call with its summary, from the same parts as the OpenAPI document."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from xrm_core.api.openapi import document
from xrm_core.api.openapi_fixed import fixed_paths
from xrm_core.cli.reference.pages import table
from xrm_core.definitions import DefinitionSet, Module
from xrm_core.definitions.link import Link
from xrm_core.definitions.pipeline import Pipeline, Stage

_VERBS = ("get", "post", "put", "patch", "delete")
_REFUSALS = frozenset("400 401 403 404 409 412 413 415 422 429 503".split())


def calls() -> str:
    """The calls that every workspace has, by subject."""
    groups: dict[str, list[tuple[str, str, dict[str, Any]]]] = defaultdict(list)
    for path, verb, call in _calls(fixed_paths()):
        groups[call["tags"][0]].append((path, verb, call))
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
    fixed = fixed_paths()
    own = {path.replace("/things", "/{module}"): parts for path, parts in shown.items() if path not in fixed}
    return _rows(_calls(own))


def _calls(paths: Mapping[str, Any]) -> Iterable[tuple[str, str, dict[str, Any]]]:
    for path, parts in paths.items():
        for verb in _VERBS:
            if verb in parts:
                yield path, verb, parts[verb]


def _rows(found: Iterable[tuple[str, str, dict[str, Any]]]) -> str:
    rows = [
        (f"`{verb.upper()} {path}`", call["summary"], _parameters(call), _answers(call)) for path, verb, call in found
    ]
    return table(("call", "what it does", "parameters", "answers"), rows)


def _parameters(call: Mapping[str, Any]) -> str:
    return ", ".join(f"`{one['name']}`" for one in call.get("parameters", ()))


def _answers(call: Mapping[str, Any]) -> str:
    return " ".join(status for status in sorted(call["responses"]) if status not in _REFUSALS)

"""Descriptions of routes that nobody described by hand: from their address, their method and their first sentence."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from copy import deepcopy
from typing import Any

from xrm_core.api.openapi_parts import body, json_answer, operation, path_id, path_name, problems

_KIND = re.compile(r"{(\w+):\w+}")
_PARAMETER = re.compile(r"{(\w+)}")
_IDS = frozenset({"id", "other"})
_ANY: dict[str, Any] = {"type": "object"}
_CHANGING = ("POST", "PUT", "PATCH")
RECORDS = "/records/{module}"

Paths = dict[str, dict[str, Any]]


def automatic_paths(handlers: Iterable[Any]) -> Paths:
    """One path item per address of the handlers; `/records/{module}` stands for every module."""
    found: Paths = {}
    for handler in handlers:
        for address in handler.paths:
            path = _KIND.sub(r"{\1}", address)
            item = found.setdefault(path, {})
            parameters = [path_id(name) if name in _IDS else path_name(name) for name in _PARAMETER.findall(path)]
            if parameters:
                item["parameters"] = parameters
            for method in sorted(handler.http_methods):
                item[method.lower()] = _call(handler, path, str(method))
    return found


def complete(paths: Paths, automatic: Paths, modules: Iterable[str], leave_out: Collection[str] = ()) -> None:
    """Add what is not described yet, and for every module what belongs to records, except some paths."""
    names = list(modules)
    taken = {call["operationId"] for item in paths.values() for key, call in item.items() if key != "parameters"}
    for path, item in automatic.items():
        if not path.startswith(RECORDS):
            item = deepcopy(item)
            for call in (item[key] for key in item if key != "parameters"):
                if call["operationId"] in taken:
                    call["operationId"] += f"_at_{call['tags'][0]}"
            _merge(paths, path, item)
            continue
        for name in names:
            if path.replace("{module}", name, 1) in leave_out:
                continue
            own = deepcopy(item)
            own["parameters"] = [one for one in own.get("parameters", []) if one["name"] != "module"]
            for call in (own[key] for key in own if key != "parameters"):
                call["operationId"] = f"{call['operationId']}_{name}"
                call["tags"] = [name]
            _merge(paths, path.replace("{module}", name, 1), own)


def _merge(paths: Paths, path: str, item: dict[str, Any]) -> None:
    known = next((one for one in paths if _PARAMETER.sub("{}", one) == _PARAMETER.sub("{}", path)), path)
    there = paths.setdefault(known, {})
    for key, value in item.items():
        if known == path or key != "parameters":
            there.setdefault(key, value)


def _call(handler: Any, path: str, method: str) -> dict[str, Any]:
    summary = " ".join((handler.fn.__doc__ or handler.fn.__name__).split("\n\n")[0].split()).rstrip(".")
    tag = path.strip("/").split("/")[0]
    done = {"200": json_answer("Done", _ANY), "204": {"description": "Done"}}
    more: dict[str, Any] = {}
    if method in _CHANGING:
        done["201"] = json_answer("Made", _ANY)
        more["requestBody"] = {**body(_ANY), "required": False}
    return operation(
        handler.fn.__name__, summary, [tag], {**done, **problems(400, 401, 403, 404, 409, 413, 415, 422)}, **more
    )

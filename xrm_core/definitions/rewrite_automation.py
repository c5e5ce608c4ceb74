"""Renaming in automations: triggers, texts, values and paths follow the new names of modules, fields and links."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from xrm_core.definitions.automation import Automation, every_step
from xrm_core.definitions.collection import DefinitionSet, body
from xrm_core.definitions.module import Module
from xrm_core.definitions.reading import read
from xrm_core.definitions.steps import Step


class Writer(Protocol):
    """What rewrites mentions; names are looked up in the old set."""

    @property
    def old(self) -> DefinitionSet: ...

    def expression(self, module: Module, source: str) -> str: ...

    def template(self, module: Module, text: str) -> str: ...

    def path(self, module: Module, path: str) -> str: ...

    def target(self, module: Module, path: str) -> Module | None: ...

    def module_name(self, name: str) -> str: ...


def rewritten(writer: Writer, automation: Automation) -> Automation:
    """The automation with every mention brought up to date; itself if nothing changed."""
    here = writer.old.by_name.get(automation.module or "")
    data = body(automation)
    if automation.module is not None:
        data["module"] = writer.module_name(automation.module)
    if here is not None:
        for place, trigger in enumerate(automation.triggers):
            for pointer, name in trigger.reads():
                _put(data, f"/triggers/{place}{pointer}", name, writer.path(here, name))
        for text in automation.own_texts():
            _put(data, text.path, text.text, writer.expression(here, text.text))
        if automation.once_per:
            data["once_per"] = [writer.path(here, name) for name in automation.once_per]
    for path, step in every_step(automation.steps):
        _step(writer, here, data, path, step)
    found = read(Automation, data)
    return automation if found == automation else found


def _step(writer: Writer, here: Module | None, data: Any, path: str, step: Step) -> None:
    node = _at(data, path)
    of = getattr(step, "of", "this")
    target = here if of == "this" or here is None else writer.target(here, of)
    for text in step.texts():
        over = here if text.over == "this" or here is None else writer.target(here, text.over)
        if over is not None:
            write = writer.template if text.role == "template" else writer.expression
            _put(node, text.path, text.text, write(over, text.text))
    if isinstance(node.get("module"), str):
        target = writer.old.by_name.get(node["module"])
        node["module"] = writer.module_name(node["module"])
    if here is not None and of != "this":
        node["of"] = writer.path(here, of)
    if target is not None:
        if isinstance(node.get("values"), dict):
            node["values"] = {writer.path(target, name): value for name, value in node["values"].items()}
        for key in ("link", "field"):
            if isinstance(node.get(key), str):
                node[key] = writer.path(target, node[key])
    for table in node.get("tables", ()):
        over = writer.old.by_name.get(table["module"])
        if over is not None and "filter" in table:
            table["filter"] = writer.expression(over, table["filter"])
        if over is not None and "group_by" in table:
            table["group_by"] = writer.path(over, table["group_by"])
        table["module"] = writer.module_name(table["module"])


def _at(data: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        # What is as it is by default is not written, and names nothing that can be renamed.
        data = data[int(part)] if isinstance(data, list) else (data or {}).get(part)
    return data


def _put(data: Any, pointer: str, old: str, new: str) -> None:
    parent, _, key = pointer.rpartition("/")
    node = _at(data, parent) if parent else data
    if old == new or node is None or (isinstance(node, Mapping) and node.get(key) != old):
        return
    if isinstance(node, list):
        node[int(key)] = new
    else:
        node[key] = new

"""The problems that an answer may hold: statuses and codes, read out of the source code."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import xrm_core
from xrm_core.cli.reference.pages import table

_SOURCE = Path(xrm_core.__file__).parent
_MAKERS = {"Problem": (0, 2), "reject": (0, 1), "wrong": (1, 2), "problem": (4, 2)}
"""Calls that make a problem, with the places of its code and its message."""
_MOST = 3


def statuses() -> str:
    """Every status that an error of the product has, with its title and meaning."""
    rows: dict[tuple[int, str], str] = {}
    # The kernel first: where others repeat one of its statuses, its words count. Commands have exit codes instead.
    files = sorted((path for path in _files() if "cli" not in path.parts), key=lambda path: "kernel" not in path.parts)
    for path in files:
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ClassDef) and (found := _status(node)) is not None:
                rows.setdefault(found, (ast.get_docstring(node) or "").split("\n")[0])
    return table(
        ("status", "title", "meaning"), [(str(status), title, rows[status, title]) for status, title in sorted(rows)]
    )


def codes() -> str:
    """Every code with some of its messages."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for path in _files():
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.Call) and (made := _made(node)) is not None:
                found[made[0]].setdefault(made[1])
    rows = []
    for code in sorted(found):
        messages = sorted(found[code])
        shown = "<br>".join(messages[:_MOST]) + ("<br>…" if len(messages) > _MOST else "")
        rows.append((f"`{code}`", shown))
    return table(("code", "messages"), rows)


def _files() -> Iterator[Path]:
    yield from sorted(_SOURCE.rglob("*.py"))


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _status(node: ast.ClassDef) -> tuple[int, str] | None:
    said = {
        item.targets[0].id: item.value.value
        for item in node.body
        if isinstance(item, ast.Assign)
        and isinstance(item.targets[0], ast.Name)
        and isinstance(item.value, ast.Constant)
    }
    status, title = said.get("status"), said.get("title")
    # 500 is what the base class says: no answer to anything a client sent has it.
    return (status, title) if isinstance(status, int) and isinstance(title, str) and status != 500 else None


def _made(node: ast.Call) -> tuple[str, str] | None:
    name = (
        node.func.attr
        if isinstance(node.func, ast.Attribute)
        else node.func.id
        if isinstance(node.func, ast.Name)
        else ""
    )
    places = _MAKERS.get(name)
    if places is None:
        return None
    code, message = (node.args[place] if place < len(node.args) else None for place in places)
    if code is None and name == "problem":
        code = ast.Constant("syntax")
    if not isinstance(code, ast.Constant) or not isinstance(code.value, str) or message is None:
        return None
    text = _words(message)
    return None if text is None else (code.value, text)


def _words(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _shown(node.value)
    if isinstance(node, ast.JoinedStr):
        parts = [str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values]
        return _shown("".join(parts))
    return None


def _shown(text: str) -> str:
    text = " ".join(text.replace("<", "&lt;").replace("*", "\\*").replace("`", "\\`").split())
    return text[:1].upper() + text[1:].rstrip(".") + "."

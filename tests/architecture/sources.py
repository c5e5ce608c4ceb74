"""The source files of the product, read once for all architecture tests."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORE = ROOT / "xrm_core"


@dataclass(frozen=True)
class Source:
    """One Python file: its path from the root, its package below `xrm_core`, its tree."""

    path: str
    package: str
    lines: int
    tree: ast.Module


@cache
def sources() -> list[Source]:
    """All Python files of the core."""
    found = []
    for path in sorted(CORE.rglob("*.py")):
        parts = path.relative_to(CORE).parts
        text = path.read_text()
        package = parts[0] if len(parts) > 1 else path.stem
        found.append(Source(str(path.relative_to(ROOT)), package, text.count("\n"), ast.parse(text)))
    return found


def imported(tree: ast.Module) -> list[tuple[str, int]]:
    """The modules that a file imports, with the line."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append((node.module, node.lineno))
    return found

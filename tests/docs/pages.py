"""Running what a page says: its commands in one shell after another with shared state, its files, its answers."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_BLOCK = re.compile(r"^```(?P<kind>\w+) (?P<what>test|answer|file (?P<name>[\w./-]+))\n(?P<text>.*?)^```$", re.M | re.S)
ANYTHING = "…"
"""In an answer: whatever stands here is right, as long as there is something."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block that is more than an illustration."""

    line: int
    kind: str
    what: str
    name: str | None
    text: str


def blocks(page: Path) -> list[Block]:
    """The blocks of a page that are run or compared."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(text.count("\n", 0, one.start()) + 1, one["kind"], one["what"].split()[0], one["name"], one["text"])
        for one in _BLOCK.finditer(text)
    ]


@dataclass
class Shell:
    """Runs the commands of a page; variables and functions stay from block to block."""

    place: Path
    replaced: dict[str, str]
    environment: dict[str, str] = field(default_factory=dict)
    last: str = ""

    def run(self, page: Path) -> int:
        """Everything on the page; how many blocks there were."""
        found = blocks(page)
        for block in found:
            self._one(f"{page.name}, line {block.line}", block)
        return len(found)

    def _one(self, where: str, block: Block) -> None:
        if block.what == "file":
            assert block.name is not None
            target = self.place / block.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text, encoding="utf-8")
        elif block.what == "test":
            self.last = self._execute(where, block.text)
        elif block.kind == "json":
            differences = list(compare(json.loads(block.text), self._json(where)))
            assert not differences, f"{where}: {'; '.join(differences)}\n{self.last[:4000]}"
        else:
            assert block.text.strip() in self.last, f"{where}: not in what was printed:\n{self.last[:4000]}"

    def _json(self, where: str) -> Any:
        try:
            return json.loads(self.last)
        except ValueError:
            raise AssertionError(f"{where}: this is not JSON:\n{self.last[:4000]}") from None

    def _execute(self, where: str, text: str) -> str:
        commands = "\n".join(re.sub(r"^\$ ", "", line) for line in text.splitlines())
        for old, new in self.replaced.items():
            commands = commands.replace(old, new)
        state = self.place / ".state"
        script = f'[ -f {state} ] && . {state}\nset -eo pipefail\n{commands}\n{{ declare -p | grep -E "^declare -[-x]+ [A-Z]" | grep -vE " (BASH|SHELLOPTS|UID|EUID|PPID|GROUPS|DIRSTACK|FUNCNAME|PIPESTATUS)[A-Z_]*="; declare -f; }} > {state}\n'
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.place,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=400,
        )
        assert done.returncode == 0, (
            f"{where}: exit code {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        )
        return done.stdout


def compare(wanted: Any, found: Any, path: str = "") -> list[str]:
    """How an answer differs from the one on the page, which names only what matters."""
    if wanted == ANYTHING:
        return [] if found not in (None, "", [], {}) else [f"{path} is empty"]
    if isinstance(wanted, dict):
        if not isinstance(found, dict):
            return [f"{path} is {found!r}"]
        missing = [f"{path}/{key} is missing" for key in wanted if key not in found]
        return missing + [
            one for key in wanted if key in found for one in compare(wanted[key], found[key], f"{path}/{key}")
        ]
    if isinstance(wanted, list):
        if not isinstance(found, list) or len(found) != len(wanted):
            return [f"{path} is {found!r}"]
        return [one for index, item in enumerate(wanted) for one in compare(item, found[index], f"{path}/{index}")]
    return [] if wanted == found and type(wanted) is type(found) else [f"{path} is {found!r}, not {wanted!r}"]

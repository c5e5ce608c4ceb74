"""Ruff and mypy over the repository, and habits that they cannot see."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

from tests.architecture.sources import CORE, ROOT, Source, sources

LONGEST_FILE = 650  # the aim is 100 to 300
# What belongs into packs: the core knows modules, links and pipelines only.
WORDS = re.compile(
    r"\b(candidates?|placements?|fees?|recruit(?!ing\b)\w*|interview\w*|job[_ ]orders?|applicants?|hiring|vacanc\w+"
    r"|shortlist\w*)\b",
    re.IGNORECASE,
)
PACK_NAME = re.compile(r"\brecruiting\b", re.IGNORECASE)
NAMES_THE_PACK = ("xrm_core/cli/", "xrm_core/settings.py", "xrm_core/app.py")
TEXT = {".py", ".json", ".sql", ".html", ".jinja", ".ts", ".css", ".txt", ".md"}


def _run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_finds_nothing() -> None:
    _run(sys.executable, "-m", "ruff", "check", "--output-format", "concise", "xrm_core", "tests")


def test_mypy_finds_nothing() -> None:
    _run(sys.executable, "-m", "mypy")


def test_every_file_opens_with_a_sentence() -> None:
    wrong = [source.path for source in sources() if not (ast.get_docstring(source.tree) or "").strip()]
    assert not wrong, "\n".join(wrong)


def test_files_are_not_too_long() -> None:
    wrong = [f"{source.path}: {source.lines} lines" for source in sources() if source.lines > LONGEST_FILE]
    assert not wrong, "\n".join(wrong)


def test_no_word_of_one_business_in_the_core() -> None:
    wrong = []
    files = [path for folder in (CORE, ROOT / "schemas") for path in folder.rglob("*") if path.suffix in TEXT]
    for path in files:
        name = str(path.relative_to(ROOT))
        if "/dist/" in name or "/node_modules/" in name:
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = WORDS.search(line) or (None if name.startswith(NAMES_THE_PACK) else PACK_NAME.search(line))
            if found:
                wrong.append(f"{name}:{number} {found.group()}")
    assert not wrong, "\n".join(wrong)


def _asks_for_the_type(node: ast.AST) -> bool:
    """`field.type == …`, `field.type in …` or `match field.type`: what a field's own class should answer."""

    def is_type(part: ast.AST) -> bool:
        if not (isinstance(part, ast.Attribute) and part.attr == "type"):
            return False
        owner = part.value.attr if isinstance(part.value, ast.Attribute) else getattr(part.value, "id", "")
        return "field" in owner.lower()

    if isinstance(node, ast.Compare):
        return any(is_type(part) for part in (node.left, *node.comparators))
    return isinstance(node, ast.Match) and is_type(node.subject)


def test_nobody_asks_for_the_type_of_a_field() -> None:
    def places(source: Source) -> list[str]:
        return [f"{source.path}:{node.lineno}" for node in ast.walk(source.tree) if _asks_for_the_type(node)]  # type: ignore[attr-defined]

    wrong = [place for source in sources() if source.package != "fields" for place in places(source)]
    assert not wrong, "\n".join(wrong)


def test_the_question_would_be_noticed() -> None:
    for text in ("field.type == 'text'", "'text' != self.field.type", "field.type in ('a', 'b')"):
        assert _asks_for_the_type(ast.parse(text, mode="eval").body)
    assert not _asks_for_the_type(ast.parse("column.type == 'text'", mode="eval").body)

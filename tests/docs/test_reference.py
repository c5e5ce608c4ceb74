"""The reference is what the code says, and every link between the pages leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from xrm_core.api import routes
from xrm_core.cli.main import xrm
from xrm_core.cli.reference import parts
from xrm_core.cli.reference.pages import compare, filled, pages, table

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```$", re.M | re.S)


def test_the_generated_parts_are_current() -> None:
    stale, problems = compare(DOCS, parts(xrm))
    assert not problems
    assert not stale, f"Run `xrm docs write`: {', '.join(str(path.relative_to(ROOT)) for path in stale)}"


def test_the_pages_link_to_what_exists() -> None:
    lost = []
    for page in [ROOT / "README.md", *pages(DOCS)]:
        for target in _LINK.findall(_FENCE.sub("", page.read_text(encoding="utf-8"))):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            other = (page.parent / name).resolve() if name else page
            if not other.exists() or (anchor and anchor not in anchors(other)):
                lost.append(f"{page.relative_to(ROOT)}: {target}")
    assert not lost


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as web sites that show Markdown make them."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_parts_are_filled_in_and_the_rest_is_left_alone() -> None:
    page = "# One\n\n<!-- generated: numbers -->\nold\n<!-- end -->\n\nTwo\n"
    made, unknown = filled(page, {"numbers": lambda: "1 2 3\n"})
    assert made == "# One\n\n<!-- generated: numbers -->\n\n1 2 3\n\n<!-- end -->\n\nTwo\n"
    assert filled(made, {"numbers": lambda: "1 2 3\n"}) == (made, [])
    assert not unknown
    assert filled(page, {}) == (page, ["numbers"])


def test_what_is_wrong_with_the_marks_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("<!-- generated: one -->\n<!-- end -->\n<!-- generated: two -->\n")
    (tmp_path / "b.md").write_text("<!-- generated: three -->\n<!-- end -->\n")
    stale, problems = compare(tmp_path, {"one": lambda: "1", "four": lambda: "4"})
    assert set(stale) == {tmp_path / "a.md"}
    assert {problem.code for problem in problems} == {"marks", "unknown_part", "unused_part"}


def test_tables_hold_any_text() -> None:
    assert table(("a", "b"), [("x | y", "one\ntwo")]) == "| a | b |\n| --- | --- |\n| x \\| y | one two |"


@pytest.mark.parametrize("verb", ["write", "check"])
def test_the_commands(verb: str, tmp_path: Path) -> None:
    names = [f"<!-- generated: {name} -->\n<!-- end -->\n" for name in parts(xrm)]
    page = tmp_path / "page.md"
    page.write_text("\n".join(names))
    runner = CliRunner()
    first = runner.invoke(xrm, ["docs", verb, "--docs", str(tmp_path)])
    if verb == "write":
        assert first.exit_code == 0 and "| `xrm docs" not in first.stdout
        assert "## xrm docs write" in page.read_text()
        assert runner.invoke(xrm, ["docs", "check", "--docs", str(tmp_path)]).exit_code == 0
    else:
        assert first.exit_code == 1
        assert "xrm docs write" in first.stderr
    assert runner.invoke(xrm, ["docs", verb, "--docs", str(tmp_path / "none")]).exit_code == 1


def test_every_route_is_in_the_reference() -> None:
    text = (DOCS / "reference" / "rest.md").read_text(encoding="utf-8")
    shown = {re.sub(r"\{[^}]*\}", "{}", found) for found in re.findall(r"^\| `([A-Z]+ /\S*)`", text, re.M)}
    served = {
        f"{verb} {re.sub(r'{[^}]*}', '{}', path)}"
        for handler in (*routes.HANDLERS, *routes.UPLOADS)
        for path in handler.paths
        for verb in handler.http_methods
        if verb != "OPTIONS"
    }
    assert served == shown

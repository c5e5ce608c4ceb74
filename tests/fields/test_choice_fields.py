"""select, multi_select, boolean, user."""

from __future__ import annotations

import pytest

from tests.fields.shared import BERLIN, HERE, make, problem, text_problem

OPTIONS = [
    {"name": "new", "label": {"en": "New", "de": "Neu"}, "hue": "blue"},
    {"name": "in_review", "label": {"en": "In review", "de": "In Prüfung"}},
    {"name": "gone", "label": "Gone", "archived": True},
]


def test_select_takes_names_and_reads_labels() -> None:
    field = make("select", options=OPTIONS)
    assert field.parse("in_review", HERE) == "in_review"
    for text in ("in_review", "IN REVIEW", "in prufung", "In Prüfung"):
        assert field.parse_text(text, HERE) == "in_review"
    assert field.format("in_review", BERLIN) == "In Prüfung"
    assert field.parse("", HERE) is None
    assert problem(field, "In review").hint == "Did you mean 'in_review'?"
    assert problem(field, "zzz").hint == "One of new, in_review."
    assert problem(field, 5).code == problem(field, []).code == "type"
    assert text_problem(field, "in reveiw").hint == "Did you mean 'in_review'?"
    assert field.search_text("new") == "New Neu"  # type: ignore[attr-defined]


def test_archived_options_stay_but_are_not_offered() -> None:
    field = make("select", options=OPTIONS)
    assert field.parse("gone", HERE) == "gone"
    assert not field.allows("gone") and field.allows("new") and not field.allows("zzz")  # type: ignore[attr-defined]
    assert field.option_label("gone") == "Gone" and field.option_label("lost") == "lost"  # type: ignore[attr-defined]
    assert "gone" in field.value_schema()["enum"]


def test_options_must_differ() -> None:
    twice = make("select", options=[*OPTIONS, {"name": "NEW", "label": "Fresh"}, {"name": "x", "label": "neu"}])
    assert [found.path for found in twice.check_settings()] == ["/options/3/name", "/options/4/label"]
    assert make("select", options=[{"name": "a", "label": "A|B"}]).check_settings()[0].path == "/options/0/label"
    assert make("multi_select").check_settings()[0].path == "/options"


def test_closed_multi_select() -> None:
    field = make("multi_select", options=OPTIONS, max_items=2)
    assert field.parse(["new", "in_review", "new"], HERE) == ["new", "in_review"]
    assert field.parse([], HERE) is None
    assert problem(field, ["new", "old"]).path == "/1"
    assert problem(field, ["new", "in_review", "gone"]).code == "too_many"
    assert problem(field, "new").code == "type"
    assert (
        field.parse_text("New | in prüfung", HERE) == ["new", "in_review"] == field.parse_text("new, in_review", HERE)
    )
    assert field.project(["in_review", "new"]) == ["in_review", "new"]
    assert field.allows(["new"]) and not field.allows(["new", "gone"])  # type: ignore[attr-defined]


def test_open_multi_select() -> None:
    field = make("multi_select", open=True, options=OPTIONS)
    assert field.parse(["Python", "python", " SQL ", "neu"], HERE) == ["Python", "SQL", "new"]
    assert field.parse_text("C++; C#\nGo", HERE) == ["C++", "C#", "Go"]
    assert field.parse_text("Smith, Jones | Meier", HERE) == ["Smith, Jones", "Meier"]
    assert problem(field, ["x" * 101]).path == "/0"
    assert problem(field, [5]).path == "/0"
    assert field.project(["Élan", "Go"]) == ["elan", "go"]
    for value in (["a, b"], ["a, b", "c"], ["a; b"], ["x"]):
        assert field.parse_text(field.format(value, HERE), HERE) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("TRUE", True),
        ("1", True),
        ("Ja", True),
        ("x", True),
        ("no", False),
        ("0", False),
        ("nein", False),
        ("off", False),
    ],
)
def test_typed_booleans(text: str, value: bool) -> None:
    assert make("boolean").parse_text(text, HERE) is value


def test_boolean() -> None:
    field = make("boolean")
    assert field.parse(False, HERE) is False
    assert problem(field, 1).code == problem(field, "true").code == "type"
    assert text_problem(field, "perhaps").hint == "Write yes or no."
    assert field.format(True, BERLIN) == "Ja"


def test_users() -> None:
    one, other = "0192d3a0-0000-7000-8000-0000000000aa", "0192d3a0-0000-7000-8000-0000000000bb"
    field = make("user")
    assert field.parse(one.upper(), HERE) == one
    assert problem(field, [one]).code == problem(field, "ada").code == "type"
    team = make("user", multiple=True)
    assert team.parse([one, other, one], HERE) == [one, other]
    assert team.parse_text(f"{one}, {other}", HERE) == [one, other]
    assert problem(team, [one, 5]).path == "/1"
    assert team.kind == "list" and team.project([one]) == [one]
    assert team.user_ids([one]) == [one] == field.user_ids(one)  # type: ignore[attr-defined]

"""text, long_text, rich_text."""

from __future__ import annotations

from tests.fields.shared import HERE, make, problem


def test_text_is_cleaned() -> None:
    field = make("text")
    assert field.parse("  e\u0301te\u0301 ", HERE) == "été"
    assert field.parse("   ", HERE) is None
    assert problem(field, "a\nb").code == "control_character"
    assert problem(field, "a\0").message == "The text holds the control character U+0000."
    assert problem(field, "\ud83d").code == "encoding"
    assert problem(field, 5).code == "type"
    assert problem(make("text", max_length=3), "abcd").message == "At most 3 characters; this has 4."
    assert make("text", max_length=3).parse(" abc ", HERE) == "abc"


def test_case_is_stored_as_asked() -> None:
    assert make("text", case="upper").parse("straße", HERE) == "STRASSE"
    assert make("text", case="lower").parse("ÀÉ", HERE) == "àé"
    assert problem(make("text", case="upper", max_length=6), "straße").code == "too_long"


def test_long_text_keeps_lines() -> None:
    field = make("long_text")
    assert field.parse("a\r\nb\rc\n\n", HERE) == "a\nb\nc"
    assert field.parse("\n \n", HERE) is None
    assert field.parse("  - indented\n\ttab", HERE) == "  - indented\n\ttab"
    assert problem(field, "x" * 100_001).code == "too_long"
    assert field.beside and not field.promoted


def test_rich_text_gives_words_to_search() -> None:
    field = make("rich_text")
    words = field.search_text("## Tasks\n* see [the page](https://example.org/x?y=1) **now**")  # type: ignore[attr-defined]
    assert words.split() == ["Tasks", "see", "the", "page", "now"]


def test_projection_is_folded() -> None:
    assert make("text").project("ÄRGER") == "arger"
    assert make("text").project(None) is None

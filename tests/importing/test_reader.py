"""Reading files: encodings, delimiters, quotes, headers, ragged rows; small files made here, and messy ones by others."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.importing.shared import shared_files
from xrm_core.importing import encodings
from xrm_core.importing.reader import Table, open_table
from xrm_core.kernel.errors import Invalid

NAMES = "name;city\nJosé Núñez;Málaga\nJürgen Groß;Köln\nFrançois Lefèvre;Orléans\n"


def cells(table: Table) -> list[list[str]]:
    return [line.cells for line in table.lines()]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (NAMES, "utf-8"),
        (NAMES, "utf-8-sig"),
        (NAMES, "utf-16"),
        (NAMES, "utf-16-le"),
        (NAMES, "utf-16-be"),
        (NAMES, "cp1252"),
        (NAMES, "iso8859_1"),
        (NAMES, "mac_roman"),
        (NAMES, "cp850"),
        ("name;price\nŒuvre complète;5 €\nFrançois;7 €\n", "iso8859_15"),
        ("name;city\nPaweł Wójcik;Łódź\nJiří Dvořák;Třeboň\n", "cp1250"),
        ("name;city\nÇağrı Öztürk;İstanbul, Şişli\n", "cp1254"),
        ("name;city\nИван Петров;Москва\nОльга Сидорова;Санкт-Петербург\n", "cp1251"),
        ("name;city\nИван Петров;Москва\nОльга Сидорова;Санкт-Петербург\n", "koi8_r"),
        ("name;city\nΓιώργος Παπαδόπουλος;Αθήνα\n", "cp1253"),
        ("name;city\n山田太郎;東京都千代田区\n日本語のテキスト;大阪\n", "cp932"),
    ],
)
def test_the_encoding_is_found(text: str, encoding: str) -> None:
    table = open_table(text.encode(encoding))
    assert ";".join(table.columns) == text.split("\n")[0]
    assert [";".join(row) for row in cells(table)] == text.strip().split("\n")[1:], table.encoding


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_delimiter_is_found(delimiter: str, end: str) -> None:
    rows = [["id", "name", "amount"], ["1", "Doe, Jane; and | others", "1,5"], ["2", "x", "2.000,5"], ["3", 'say "hi"', ""]]
    text = end.join(delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)
    table = open_table(text.encode())
    assert table.dialect.delimiter == delimiter
    assert [list(table.columns), *cells(table)] == rows


def test_decimal_commas_are_no_delimiter() -> None:
    table = open_table(b"a;b;c\n1,5;2,5;3,5\n1,7;2,7;3,7\n")
    assert cells(table) == [["1,5", "2,5", "3,5"], ["1,7", "2,7", "3,7"]]


def test_what_spreadsheets_say_about_the_delimiter_is_believed() -> None:
    assert cells(open_table(b"sep=;\nname;b\nx,y;z\n")) == [["x,y", "z"]]


def test_options_win() -> None:
    table = open_table(b"a!b\n1!2\n", delimiter="!")
    assert table.columns == ("a", "b") and cells(table) == [["1", "2"]]
    table = open_table(b"1,2\n3,4\n", header=True)
    assert table.columns == ("1", "2") and cells(table) == [["3", "4"]]
    assert open_table("Ärger\nx".encode("cp1252"), encoding="windows-1252").columns == ("Ärger",)
    for wrong in ({"encoding": "klingon"}, {"encoding": "base64"}, {"delimiter": ";;"}, {"delimiter": '"'}):
        with pytest.raises(Invalid):
            open_table(b"a,b\n1,2\n", **wrong)  # type: ignore[arg-type]


def test_rows_have_the_numbers_of_a_spreadsheet() -> None:
    table = open_table(b'id,text\n\n1,"two\nlines"\n,\n2,x\n')
    assert [(line.number, line.cells) for line in table.lines()] == [(3, ["1", "two\nlines"]), (5, ["2", "x"])]
    assert [line.number for line in table.lines(after=3)] == [5]


def test_ragged_rows_are_reported_with_their_number() -> None:
    table = open_table(b"id,name,age\n1,Ann\n2,Bob,30,extra\n3,Cid,31,,\n4,Dan,32\n")
    found = {line.number: line.problem.code if line.problem else None for line in table.lines()}
    assert found == {2: "columns", 3: "columns", 4: None, 5: None}
    assert next(table.lines()).cells == ["1", "Ann", ""]


def test_blank_and_double_headers_get_names_of_their_own() -> None:
    table = open_table(b"id,,name,name\n1,2,3,4\n")
    assert table.columns == ("id", "Column 2", "name", "name (2)")
    assert [note.code for note in table.notes] == ["blank_header", "duplicate_header"]


def test_a_file_without_a_header_is_noticed() -> None:
    table = open_table(b"1,ann@example.org\n2,bob@example.org\n3,cid@example.org\n")
    assert table.columns == ("Column 1", "Column 2") and len(cells(table)) == 3
    assert [note.code for note in table.notes] == ["no_header"]
    assert open_table(b"id,2024,2025\nx,1.5,2.5\n").dialect.header


def test_titles_and_comments_before_the_header_are_left_out() -> None:
    assert cells(open_table(b"# exported today\n\nid,name\n1,Ann\n2,Bob\n")) == [["1", "Ann"], ["2", "Bob"]]
    assert cells(open_table(b"My contacts\nid;name;age\n1;Ann;3\n2;Bob;4\n")) == [["1", "Ann", "3"], ["2", "Bob", "4"]]


def test_quotes_escaped_by_backslashes_and_blanks_before_quotes() -> None:
    table = open_table(b'id, text\n1, "plain"\n2, "a \\"quoted\\" word"\n3, "a ""doubled"" one"\n')
    assert [row[1] for row in cells(table)] == ["plain", 'a "quoted" word', 'a "doubled" one']


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", b"   \r\n"])
def test_an_empty_file_is_refused(content: bytes) -> None:
    with pytest.raises(Invalid, match="empty"):
        open_table(content)


def test_one_wrong_byte_spoils_one_row() -> None:
    good = "".join(f"{index};Müller\n" for index in range(50)).encode()
    table = open_table(b"id;name\n" + good + b"99;M\xfcller\n100;x\n")
    assert table.encoding == "utf-8"
    assert [line.number for line in table.lines() if line.problem] == [52]


def test_null_bytes_and_a_quote_that_never_ends() -> None:
    assert cells(open_table(b"a,b\n\x00,2\n")) == [["\x00", "2"]]
    table = open_table(b'a,b\n1,2\n3,"' + b"x" * 300_000)
    lines = list(table.lines())
    assert lines[0].cells == ["1", "2"] and lines[-1].problem is not None and lines[-1].problem.code == "csv"


def test_a_large_file_is_read_as_a_stream(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("id,name,city\n")
        for index in range(200_000):
            file.write(f"{index},Jürgen {index},Köln\n")
    started = time.perf_counter()
    table = open_table(path)
    assert time.perf_counter() - started < 2
    assert abs(table.estimate - 200_000) < 10
    count = sum(1 for _ in table.lines())
    assert count == 200_000


def test_messy_files_of_others_are_read_without_a_fault() -> None:
    for path in shared_files("messy_csv", "salesforce_csv", "greenhouse_seeds", "frappe_import"):
        try:
            table = open_table(path)
        except Invalid as error:
            assert path.name == "empty.csv", error
            continue
        lines = list(table.lines())
        assert len(set(table.columns)) == len(table.columns)
        assert all(len(line.cells) >= len(table.columns) for line in lines), path


def test_letters_decide_between_code_pages() -> None:
    assert encodings.guess(["Größe".encode("cp1252")]) == "cp1252"
    assert encodings.guess([b"4,5,\xa9"]) == "cp1252"
    assert encodings.guess(["Žluťoučký kůň".encode("cp1250")]) == "cp1250"

"""Mails as others write them: real ones where a copy of the collection lies beside the checkout, and made-up bad ones."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.importing.shared import FOLDER
from xrm_core.messaging import ical, reading
from xrm_core.messaging.addresses import parse
from xrm_core.messaging.html import harmless, to_text
from xrm_core.messaging.office import Office

OFFICE = Office(lambda: b"k")
_BAD = re.compile(
    r"<\s*(script|img|iframe|style|form|object|embed|svg|link|meta|base)|\son\w+\s*=|javascript:", re.IGNORECASE
)


def _sound(raw: bytes) -> reading.Incoming:
    found = reading.read(raw, OFFICE)
    found.text.encode()
    assert "\x00" not in found.text + found.subject + found.quoted and re.fullmatch(r"<[^<>\s]+>", found.message_id)
    assert found.html is None or not _BAD.search(found.html)
    for one in [found.sender, *(person for _, person in found.to)]:
        assert one is None or parse(one.address, "")[0] is not None or not one.address.isascii()
    return found


def test_mails_of_the_collection() -> None:
    for path in sorted((FOLDER / "email").rglob("*.eml")):
        found = _sound(path.read_bytes())
        assert found.text or found.html or found.files, path.name


def test_calendars_of_the_collection() -> None:
    for path in sorted((FOLDER / "ical_events").rglob("*.ics")):
        assert len(ical.read(path.read_bytes()).events) == 1, path.name


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["", "From: a@b.test\r\n", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n",
       "Content-Type: text/html; charset=utf-7\r\n\r\n", "Subject: =?utf-8?B?", "Content-Transfer-Encoding: base64\r\n\r\n",
       "Content-Type: message/rfc822\r\n\r\n", "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n"]))  # fmt: skip
def test_any_bytes_can_be_read(tail: bytes, head: str) -> None:
    _sound(head.encode() + tail)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_no_html_is_dangerous(text: str) -> None:
    for html in (text, f"<p {text}>", f"<a href='{text}'>x</a>", f"<img src=x onerror={text}>"):
        tags = re.findall(r"<[^>]*>", harmless(html))
        assert not any(_BAD.search(tag) for tag in tags)
        to_text(html)


QUOTED = [
    ("Yes.\n\nOn Mon, 1 Jan 2024 at 10:00, Ada <a@b.test> wrote:\n> No?", "Yes."),
    ("Ja.\n\nAm 01.01.2024 um 10:00 schrieb Ada <a@b.test>:\n> Nein?", "Ja."),
    ("Ja.\n\nAm 1. Januar 2024 um 10:00 Uhr schrieb Ada\n<a@b.test>:\n\n> Nein?", "Ja."),
    ("Yes.\n\n-----Original Message-----\nFrom: x", "Yes."),
    ("Yes.\n\nFrom: Ada <a@b.test>\nSent: Monday\nTo: me\n\nNo?", "Yes."),
    ("Yes.\n> quoted\n> more", "Yes."),
    ("> quoted\nYes.", "> quoted\nYes."),
    ("I wrote on Monday and she wrote: well", "I wrote on Monday and she wrote: well"),
    ("On Monday we wrote:\nnothing", "On Monday we wrote:\nnothing"),
    ("> all quoted", "> all quoted"),
]


@pytest.mark.parametrize(("text", "own"), QUOTED)
def test_what_is_quoted_is_folded(text: str, own: str) -> None:
    assert reading.fold(text)[0] == own


def test_a_name_does_not_become_an_address() -> None:
    raw = b'From: =?utf-8?Q?Eve_=3Ceve=40evil.test=3E=2C?= <ada@customer.test>\r\nTo: "a@b.test, c@d.test" <me@xrm.test>\r\n\r\nx'
    found = _sound(raw)
    assert found.sender is not None and found.sender.address == "ada@customer.test"
    assert [one.address for _, one in found.to] == ["me@xrm.test"]


def test_deep_and_many_parts_come_to_an_end() -> None:
    deep = b"x"
    for number in range(300):
        boundary = f"b{number}".encode()
        deep = (
            b"Content-Type: multipart/mixed; boundary="
            + boundary
            + b"\r\n\r\n--"
            + boundary
            + b"\r\n"
            + deep
            + b"\r\n--"
            + boundary
            + b"--\r\n"
        )
    _sound(b"Subject: deep\r\n" + deep)
    many = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        + b"--b\r\nContent-Disposition: attachment; filename=a\r\n\r\nx\r\n" * 3_000
        + b"--b--"
    )
    found = _sound(many)
    assert len(found.files) <= reading.MOST_ATTACHMENTS and found.problems

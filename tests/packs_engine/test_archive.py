"""Zip files from strangers: refused with reasons, nothing left behind outside."""

from __future__ import annotations

import io
import json
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from tests.packs_life.family import library
from xrm_core.kernel.errors import Invalid
from xrm_core.packs.archive import packed, unpack
from xrm_core.packs.export import files_of
from xrm_core.packs.read import read_pack


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return out.getvalue()


def link(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


def lying(content: bytes) -> bytes:
    """A zip file whose directory says that its one file is small."""
    data = bytearray(zipped(("pack.json", content)))
    place = data.rindex(b"PK\x01\x02")
    data[place + 24 : place + 28] = struct.pack("<I", 10)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (zipped(("../evil.json", b"{}")), "path"),
        (zipped(("modules/../../evil.json", b"{}")), "path"),
        (zipped(("/etc/evil.json", b"{}")), "path"),
        (zipped(("a\\..\\evil.json", b"{}")), "path"),
        (zipped(("c:evil.json", b"{}")), "path"),
        (zipped(("a/b/c/d/e/f/g.json", b"{}")), "path"),
        (zipped(("x" * 300 + ".json", b"{}")), "path"),
        (zipped((link("modules/evil.json"), b"/etc/hostname")), "link"),
        (zipped(("pack.json", b"{}"), ("PACK.json", b"{}")), "duplicate"),
        (zipped(("pack.json", b"\0" * 30_000_000)), "bomb"),
        (zipped(("pack.json", b"\0" * 60_000_000)), "too_large"),
        (zipped(*((f"modules/m{n}.json", b"{}") for n in range(6_000))), "too_many"),
        (zipped(("README.md", b"x")), "missing"),
        (lying(b"x" * 100_000), "bomb"),
        (b"no zip at all", "zip"),
        (b"PK\x05\x06" + b"\0" * 18, "missing"),
        (zipped(("pack.json", b"{}"))[:-10], "zip"),
    ],
)
def test_hostile_files_are_refused(tmp_path: Path, data: bytes, code: str) -> None:
    into = tmp_path / "in"
    into.mkdir()
    with pytest.raises(Invalid) as caught:
        unpack(data, into)
    assert code in {p.code for p in caught.value.problems} or caught.value.problems[0].code == "zip", (
        caught.value.problems
    )
    assert all(place.is_relative_to(into) for place in tmp_path.rglob("*") if place != into)
    assert not any(place.is_symlink() for place in into.rglob("*"))


def test_a_hundred_thousand_files(tmp_path: Path) -> None:
    data = zipped(*((f"m{n}", b"") for n in range(100_000)))
    with pytest.raises(Invalid) as caught:
        unpack(data, tmp_path)
    assert [p.code for p in caught.value.problems] == ["too_many"] and list(tmp_path.iterdir()) == []


def test_what_is_packed_is_what_is_read(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for name, value in library("2.0.0").items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value))
    found, problems = read_pack(source)
    assert found is not None and problems == []
    data = packed(files_of(found.definition))
    assert data == packed(files_of(found.definition))
    into = tmp_path / "into"
    into.mkdir()
    again, problems = read_pack(unpack(data, into))
    assert again is not None and problems == [] and again.definition == found.definition

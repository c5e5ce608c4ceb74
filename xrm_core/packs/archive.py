"""Packs as zip files: packed the same every time, unpacked only when nothing in them can do harm."""

from __future__ import annotations

import io
import stat
import unicodedata
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.problem import Problem
from xrm_core.packs.files import LARGEST_FILE, LARGEST_PACK, MOST_FILES
from xrm_core.packs.layout import MANIFEST

LARGEST_ZIP = 60_000_000
DEEPEST_PATH = 6
LONGEST_PATH = 200
MOST_EXPANSION = 200
"""How many times its packed size a file may have, beyond a first megabyte."""
_CHUNK = 1 << 16


def unpack(data: bytes, into: Path) -> Path:
    """Unpack a pack into an empty folder; the folder that holds pack.json. `Invalid` with everything that is wrong."""
    if len(data) > LARGEST_ZIP:
        raise Invalid(Problem("too_large", "", f"A zip file has at most {LARGEST_ZIP // 1_000_000} MB."))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            problems = _check(entries)
            if problems:
                raise Invalid(problems)
            _extract(archive, [entry for entry in entries if not entry.is_dir()], into)
    # zipfile raises NotImplementedError for ways of packing it does not know, and RuntimeError for passwords.
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        raise Invalid(Problem("zip", "", f"The file cannot be read as a zip file: {str(error)[:120]}.")) from None
    return _root(into)


def _check(entries: list[zipfile.ZipInfo]) -> list[Problem]:
    if len(entries) > MOST_FILES:
        return [Problem("too_many", "", f"A pack has at most {MOST_FILES} files, these are {len(entries)}.")]
    problems: list[Problem] = []
    seen: set[str] = set()
    for entry in entries:
        name = entry.filename
        shown = name[:80].encode("utf-8", "replace").decode()
        wrong = _path(name)
        if wrong:
            problems.append(Problem("path", shown, wrong, "Pack the folder's files again, with plain relative paths."))
            continue
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            problems.append(Problem("link", shown, "A pack holds plain files only.", "Put the file itself there."))
        if entry.flag_bits & 0x1:
            problems.append(Problem("encrypted", shown, "The file is encrypted."))
        key = unicodedata.normalize("NFC", name).casefold().rstrip("/")
        if key in seen:
            problems.append(Problem("duplicate", shown, "The zip file holds this file twice."))
        seen.add(key)
        if entry.file_size > LARGEST_FILE:
            problems.append(Problem("too_large", shown, f"A file has at most {LARGEST_FILE} bytes."))
        if entry.file_size > 1_000_000 and entry.file_size > entry.compress_size * MOST_EXPANSION:
            problems.append(Problem("bomb", shown, "The file is packed suspiciously small."))
    if sum(entry.file_size for entry in entries) > LARGEST_PACK:
        problems.append(Problem("too_large", "", f"A pack has at most {LARGEST_PACK} bytes."))
    return problems


def _path(name: str) -> str:
    if "\\" in name or ":" in name or any(ord(sign) < 32 or ord(sign) == 127 for sign in name):
        return "The name of the file has signs in it that no file of a pack has."
    try:
        name.encode()
    except UnicodeEncodeError:
        return "The name of the file is not valid Unicode."
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        return "The file would land outside the pack."
    if len(path.parts) > DEEPEST_PATH or len(name) > LONGEST_PATH:
        return "The file lies too deep."
    return ""


def _extract(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], into: Path) -> None:
    # What the headers say may be a lie, so what comes out is counted as well.
    total = 0
    for entry in entries:
        target = into / entry.filename
        target.parent.mkdir(parents=True, exist_ok=True)
        size = 0
        with archive.open(entry) as source, target.open("xb") as out:
            while chunk := source.read(_CHUNK):
                size += len(chunk)
                total += len(chunk)
                if size > entry.file_size or size > LARGEST_FILE or total > LARGEST_PACK:
                    raise Invalid(Problem("bomb", entry.filename[:80], "The file is larger than the zip file says."))
                out.write(chunk)


def _root(folder: Path) -> Path:
    """The folder with pack.json: the top, or the one folder in it."""
    if (folder / MANIFEST).is_file():
        return folder
    inner = [place for place in folder.iterdir() if place.is_dir() and not place.name.startswith((".", "__"))]
    if len(inner) == 1 and (inner[0] / MANIFEST).is_file():
        return inner[0]
    raise Invalid(Problem("missing", MANIFEST, "The zip file holds no pack.json.", "It stands at the top of a pack."))


def packed(files: dict[str, bytes]) -> bytes:
    """A zip file of these files; the same files give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
    return out.getvalue()

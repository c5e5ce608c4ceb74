"""The built assets: hashed names, icons of the sprite, and the whitelist of files to serve, compressed beforehand."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from markupsafe import Markup

DIST = Path(__file__).resolve().parent / "static" / "dist"
PREFIX = "/static/"
TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".txt": "text/plain",
}
FALLBACK_ICON = "box"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file in memory, with its compressed forms by content coding."""

    media_type: str
    body: bytes
    encoded: dict[str, bytes]
    immutable: bool

    def pick(self, accept_encoding: str) -> tuple[bytes, dict[str, str]]:
        """The best body for a client, and the headers that go with it."""
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable" if self.immutable else "public, max-age=3600",
            "X-Content-Type-Options": "nosniff",
        }
        if self.encoded:
            headers["Vary"] = "Accept-Encoding"
        accepted = {part.split(";")[0].strip() for part in accept_encoding.lower().split(",")}
        for coding in ("br", "gzip"):
            if coding in accepted and coding in self.encoded:
                return self.encoded[coding], headers | {"Content-Encoding": coding}
        return self.body, headers


@dataclass(frozen=True, slots=True)
class Assets:
    """What was built: logical names to addresses, and the files themselves."""

    files: dict[str, str] = field(default_factory=dict)
    preload: tuple[str, ...] = ()
    icons: frozenset[str] = frozenset()
    served: dict[str, Asset] = field(default_factory=dict)

    def url(self, name: str) -> str:
        """The address of a built file by its plain name; empty when nothing was built."""
        found = self.files.get(name)
        return PREFIX + found if found else ""


def read(dist: Path) -> Assets:
    """Load a folder of built assets into memory; without a manifest there are none and pages come without style."""
    try:
        manifest = json.loads((dist / "manifest.json").read_bytes())
    except (OSError, ValueError):
        print("xrm: no browser assets found; build them with: python -m xrm_core.web build", file=sys.stderr)
        return Assets()
    served: dict[str, Asset] = {}
    for path in sorted(dist.iterdir()):
        media_type = TYPES.get(path.suffix)
        if media_type is None:
            continue
        encoded = {
            coding: sibling.read_bytes()
            for coding, suffix in (("br", ".br"), ("gzip", ".gz"))
            if (sibling := path.with_name(path.name + suffix)).exists()
        }
        served[path.name] = Asset(media_type, path.read_bytes(), encoded, immutable=path.suffix != ".txt")
    return Assets(dict(manifest["files"]), tuple(manifest["preload"]), frozenset(manifest["icons"]), served)


@cache
def assets() -> Assets:
    """The assets of this process, read once."""
    return read(DIST)


@cache
def icon(name: str, css: str = "") -> Markup:
    """An icon from the sprite; an unknown name shows a box. Decoration only: the text beside it says the same."""
    found = assets()
    known = name if name in found.icons else FALLBACK_ICON
    target = f"{found.url('icons.svg')}#{known}"
    return Markup('<svg class="{}" aria-hidden="true" focusable="false"><use href="{}"></use></svg>').format(
        f"icon {css}".strip(), target
    )

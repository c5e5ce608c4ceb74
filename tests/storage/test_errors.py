"""SQLSTATE to kernel error, also as a distributed server words it."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
import pytest
from psycopg_pool import PoolTimeout

from xrm_core.kernel.errors import Conflict, Invalid, Unavailable, XrmError
from xrm_core.kernel.problem import Problem
from xrm_core.storage import errors
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import Workspace


@dataclass
class _Diagnostic:
    """What a server says; a distributed one leaves the names empty."""

    message_primary: str
    constraint_name: str | None = None


class _Said(psycopg.Error):
    def __init__(self, state: str | None, message: str, constraint: str | None = None) -> None:
        super().__init__(message)
        self.sqlstate = state  # type: ignore[misc]
        self._said = _Diagnostic(message, constraint)

    @property
    def diag(self) -> _Diagnostic:  # type: ignore[override]
        return self._said


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("23505", errors.Taken),
        ("23503", errors.InUse),
        ("23502", Invalid),
        ("23514", Invalid),
        ("22001", Invalid),
        ("22P02", Invalid),
        ("22003", Invalid),
        ("22021", Invalid),
        ("54001", Invalid),
        ("40001", errors.Busy),
        ("40P01", errors.Busy),
        ("55P03", errors.Busy),
        ("57014", Unavailable),
        ("57P01", Unavailable),
        ("57P03", Unavailable),
        ("08006", Unavailable),
        ("53300", Unavailable),
        ("53100", Unavailable),
        ("25006", Unavailable),
        ("28000", Unavailable),
        ("3D000", Unavailable),
    ],
)
def test_states(state: str, kind: type[XrmError]) -> None:
    found = errors.translate(_Said(state, "it went wrong"))
    assert type(found) is kind
    assert found.problems[0].message
    assert found.status < 500 or found.status == 503


@pytest.mark.parametrize("state", ["42P01", "42703", "42601", "0A000", "XX000", "P0001"])
def test_faults_of_the_program_stay_faults(state: str) -> None:
    assert errors.translate(_Said(state, "it went wrong")) is None


@pytest.mark.parametrize(
    ("message", "constraint"),
    [
        ('duplicate key value violates unique constraint "iu_people$email"', None),
        ('duplicate key value violates unique constraint "iu_people$email_102014"', None),
        ("doppelter Schlüsselwert verletzt Unique-Constraint „iu_people$email“", None),
        ("something else", "iu_people$email"),
        ("something else", "iu_people$email_102014"),
    ],
)
def test_the_constraint_is_named_without_its_shard(message: str, constraint: str | None) -> None:
    found = errors.translate(_Said("23505", message, constraint))
    assert isinstance(found, errors.Taken)
    assert found.constraint == "iu_people$email"


def test_an_unknown_outcome_is_told() -> None:
    found = errors.translate(_Said("XX000", "could not commit transaction for shard 102 on at least one node"))
    assert isinstance(found, errors.OutcomeUnknown)


def test_what_is_no_server_error() -> None:
    assert isinstance(errors.translate(PoolTimeout("waited")), Unavailable)
    assert isinstance(errors.translate(psycopg.OperationalError("server closed the connection")), Unavailable)
    assert isinstance(errors.translate(psycopg.DataError("cannot contain NUL (0x00) bytes")), Invalid)
    assert errors.translate(ValueError()) is None
    known = Conflict(Problem("x", "", "x"))
    assert errors.translate(known) is known


def test_only_what_the_server_undid_is_repeated() -> None:
    assert errors.is_retryable(_Said("40P01", ""))
    assert not errors.is_retryable(_Said("23505", ""))
    caused = errors.Busy(Problem("busy", "", "busy"))
    caused.__cause__ = _Said("40001", "")
    assert errors.is_retryable(caused)
    assert not errors.is_retryable(ValueError())


async def test_real_errors_arrive_translated(database: Database, workspace: Workspace) -> None:
    with pytest.raises(errors.InUse) as used:
        async with database.writing() as connection:
            await connection.execute(
                f"insert into {workspace.schema}.file_content (id, content) values (%s, '')", [workspace.id]
            )
    assert used.value.constraint == "file_content_id_fkey"
    with pytest.raises(Invalid):
        async with database.writing() as connection:
            await connection.execute(f"insert into {workspace.schema}.counter (name) values ('a')")
    with pytest.raises(Invalid):
        async with database.writing() as connection:
            await connection.execute("select %s::text", ["a\0b"])
    with pytest.raises(psycopg.errors.UndefinedTable):
        async with database.writing() as connection:
            await connection.execute(f"select 1 from {workspace.schema}.nothing")

"""Errors of PostgreSQL as errors of the kernel, told apart by SQLSTATE and the constraint that the message names."""

from __future__ import annotations

import re

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from xrm_core.kernel.errors import Conflict, Invalid, Unavailable, XrmError
from xrm_core.kernel.problem import Problem

# A distributed server appends "_<shard number>" to the names in its messages and fills no diagnostic fields.
_SHARD = re.compile(r"_\d+$")
_QUOTED = re.compile(r'["“„»«]([^"”“„»«]+)["”“»«]')

RETRYABLE = frozenset({"40001", "40P01"})
"""The transaction did nothing and may be run again from its beginning."""

_AGAIN = "Try again in a moment."
_UNAVAILABLE = frozenset({"57P01", "57P02", "57P03", "57P05", "25006", "25P03"})


class Taken(Conflict):
    """A unique constraint refused a value; `constraint` is its name."""

    def __init__(self, constraint: str, detail: str = "") -> None:
        self.constraint = constraint
        super().__init__(Problem("taken", "", "Another record has this value already.", detail))


class InUse(Conflict):
    """A foreign key refused a change; `constraint` is its name."""

    def __init__(self, constraint: str) -> None:
        self.constraint = constraint
        super().__init__(Problem("in_use", "", "This is used elsewhere, or refers to something that is gone."))


class Busy(Conflict):
    """Others changed the same rows at the same time, again and again; nothing was written."""


class OutcomeUnknown(Unavailable):
    """The connection broke at commit: the change may or may not have been made."""


def sqlstate(error: BaseException) -> str | None:
    """The SQLSTATE of a driver error, or of the driver error that caused `error`."""
    if isinstance(error, psycopg.Error):
        return error.sqlstate
    return error.__cause__.sqlstate if isinstance(error.__cause__, psycopg.Error) else None


def constraint_name(error: psycopg.Error) -> str:
    """The name of the violated constraint or index as the schema knows it; empty when there is none."""
    found = error.diag.constraint_name
    if not found:
        # In the messages of all these states the constraint is what is named last.
        quoted = _QUOTED.findall(error.diag.message_primary or str(error))
        found = quoted[-1] if quoted else ""
    return _SHARD.sub("", found)


def is_retryable(error: BaseException) -> bool:
    """Whether the transaction was undone by the server only because of others' transactions."""
    return sqlstate(error) in RETRYABLE


def translate(error: Exception) -> XrmError | None:
    """The kernel error that `error` means; None for what can only be a fault of the program."""
    if isinstance(error, XrmError):
        return error
    if isinstance(error, PoolTimeout | TooManyRequests):
        return Unavailable(Problem("busy", "", "All database connections are in use.", _AGAIN))
    if isinstance(error, PoolClosed):
        return Unavailable(Problem("closed", "", "The database connections are closed."))
    if not isinstance(error, psycopg.Error):
        return None
    state = error.sqlstate
    if state is None:
        if isinstance(error, psycopg.OperationalError):
            return Unavailable(Problem("database", "", "The connection to the database was lost.", _AGAIN))
        if isinstance(error, psycopg.DataError):
            return Invalid(Problem("value", "", f"The database cannot store this value: {error}."))
        return None
    if state == "23505":
        return Taken(constraint_name(error))
    if state in ("23503", "23001"):
        return InUse(constraint_name(error))
    if state in RETRYABLE:
        return Busy(Problem("busy", "", "Others changed the same records at the same time.", "Try again."))
    if state in ("55P03", "55006"):
        return Busy(Problem("locked", "", "This is being changed by somebody else just now.", _AGAIN))
    if state.startswith("23") or state.startswith("22"):
        return Invalid(Problem("value", "", f"The database cannot store this value: {error.diag.message_primary}."))
    if state in ("54000", "54001", "54011", "54023"):
        return Invalid(Problem("too_complex", "", "This is too large or too complex for the database."))
    if state == "57014":
        hint = "Ask for less, or filter by an indexed field."
        return Unavailable(Problem("too_slow", "", "The database gave up because this took too long.", hint))
    if state == "XX000" and "could not commit transaction" in str(error):
        hint = "Look before trying again."
        return OutcomeUnknown(Problem("outcome_unknown", "", "It is not known whether the change was made.", hint))
    if state in _UNAVAILABLE or state.startswith(("08", "53", "58", "28")) or state == "3D000":
        reason = error.diag.message_primary or error
        return Unavailable(Problem("database", "", f"The database is not available: {reason}."))
    return None

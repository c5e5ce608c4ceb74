"""What can go wrong on the way of a request; each error knows its HTTP status and carries problems."""

from __future__ import annotations

from collections.abc import Sequence

from xrm_core.kernel.problem import Problem


class XrmError(Exception):
    """Base of all errors that the product raises on purpose; `problems` is never empty."""

    status = 500
    title = "Error"

    def __init__(self, problems: Sequence[Problem] | Problem) -> None:
        self.problems: list[Problem] = [problems] if isinstance(problems, Problem) else list(problems)
        super().__init__("; ".join(f"{p.path}: {p.message}" if p.path else p.message for p in self.problems))


class Malformed(XrmError):
    """The request itself cannot be read: broken JSON, filter, cursor."""

    status = 400
    title = "Malformed request"


class Unauthenticated(XrmError):
    """Nobody is signed in, or the token is not valid."""

    status = 401
    title = "Not signed in"


class Forbidden(XrmError):
    """The actor may not do this."""

    status = 403
    title = "Not allowed"


class NotFound(XrmError):
    """There is no such thing, or the actor may not know of it."""

    status = 404
    title = "Not found"


class Conflict(XrmError):
    """The state of the data forbids it: in use, taken, changed meanwhile."""

    status = 409
    title = "Conflict"


class Stale(XrmError):
    """The version that the caller expected is not the current one."""

    status = 412
    title = "Changed meanwhile"


class Invalid(XrmError):
    """The request can be read, but its values are not acceptable."""

    status = 422
    title = "Not valid"


class Unavailable(XrmError):
    """Something we depend on (the database, a mail server) cannot be reached now."""

    status = 503
    title = "Not available"

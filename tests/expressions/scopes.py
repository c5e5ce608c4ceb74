"""A small world of customers, jobs and tasks that the expression tests look at."""

from __future__ import annotations

from xrm_core.expressions import Names, Symbol, Type
from xrm_core.expressions import types as t
from xrm_core.kernel.kinds import Kind


def reference(*modules: str) -> Type:
    return Type(Kind.REFERENCE, modules=modules)


SYSTEM = [
    Symbol("id", "id", t.REFERENCE, "system"),
    Symbol("title", "title", t.TEXT, "system"),
    Symbol("stage", "stage", t.TEXT, "system"),
    Symbol("created_at", "created_at", t.INSTANT, "system"),
    Symbol("owner", "owner", reference("users"), "system"),
]


def _customers() -> Names:
    return CUSTOMERS


def _jobs() -> Names:
    return JOBS


def _tasks() -> Names:
    return TASKS


CUSTOMERS = Names.of(
    [
        *SYSTEM,
        Symbol("name", "name", t.TEXT),
        Symbol("code", "code_1", t.TEXT),
        Symbol("rating", "rating", t.INTEGER),
        Symbol("limit", "limit", t.DECIMAL),
        Symbol("balance", "balance", t.MONEY),
        Symbol("active", "active", t.BOOLEAN),
        Symbol("since", "since", t.DATE),
        Symbol("tags", "tags", t.list_of(Kind.TEXT)),
        Symbol("parent", "parent", reference("customers"), "link", target=_customers),
        Symbol("jobs", "jobs", t.list_of(Kind.REFERENCE), "links", target=_jobs),
    ]
)

JOBS = Names.of(
    [
        *SYSTEM,
        Symbol("name", "name", t.TEXT),
        Symbol("status", "status", Type(Kind.TEXT, options=frozenset({"open", "closed", "on_hold"}))),
        Symbol("positions", "positions", t.INTEGER),
        Symbol("score", "score", t.DECIMAL),
        Symbol("fee", "fee", t.MONEY),
        Symbol("pay", "pay", t.RATE),
        Symbol("urgent", "urgent", t.BOOLEAN),
        Symbol("start", "start", t.DATE),
        Symbol("end", "end_1", t.DATE),
        Symbol("seen_at", "seen_at", t.INSTANT),
        Symbol("notice", "notice", t.DURATION),
        Symbol("skills", "skills", t.list_of(Kind.TEXT)),
        Symbol("extra", "extra", t.OBJECT),
        Symbol(
            "period",
            "period",
            t.OBJECT,
            attributes={
                "start": Symbol("start", "start", t.DATE, "attribute"),
                "end": Symbol("end", "end", t.DATE, "attribute"),
            },
        ),
        Symbol("customer", "customer", reference("customers"), "link", target=_customers),
        Symbol("about", "about", reference("customers", "jobs"), "link"),
        Symbol("tasks", "tasks", t.list_of(Kind.REFERENCE), "links", target=_tasks),
    ]
)

TASKS = Names.of(
    [
        *SYSTEM,
        Symbol("name", "name", t.TEXT),
        Symbol("hours", "hours", t.DECIMAL),
        Symbol("count", "count", t.INTEGER),
        Symbol("cost", "cost", t.MONEY),
        Symbol("done", "done", t.BOOLEAN),
        Symbol("due", "due", t.DATE),
        Symbol("job", "job", reference("jobs"), "link", target=_jobs),
    ]
)

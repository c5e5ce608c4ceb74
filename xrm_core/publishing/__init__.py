"""Publishing: the only way to change definitions. A change is planned, shown, and published in one transaction."""

from __future__ import annotations

from xrm_core.publishing.apply import apply, change, erase, plan_change, plan_erase
from xrm_core.publishing.background import build_indexes, run_backfill
from xrm_core.publishing.history import History, get_version, history, plan_rollback
from xrm_core.publishing.plan import ChangePlan, plan
from xrm_core.publishing.publish import Published, publish

__all__ = [
    "ChangePlan",
    "History",
    "Published",
    "apply",
    "build_indexes",
    "change",
    "erase",
    "get_version",
    "history",
    "plan",
    "plan_change",
    "plan_erase",
    "plan_rollback",
    "publish",
    "run_backfill",
]

"""A call from outside: another program told something, and an automation that waits for it begins."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from xrm_core.automation.compiled import listeners
from xrm_core.automation.match import start
from xrm_core.definitions.triggers.received import Called
from xrm_core.kernel.errors import Conflict, Invalid
from xrm_core.kernel.problem import Problem
from xrm_core.records.unit import Unit
from xrm_core.storage.occurrences import Occurrence

MARK = "called"


async def call(unit: Unit, automation_id: str | None, name: str, body: Any) -> Occurrence | None:
    """Let an automation run for the record that a call names in `record`, its condition permitting; None without one."""
    if automation_id is None:
        return None
    one = listeners(unit.catalog).by_id.get(automation_id)
    if one is None or not one.automation.live or not any(isinstance(t, Called) for t in one.automation.triggers):
        # The caller may try again: what it says is not marked as told before.
        raise Conflict(Problem("not_on", "", "The automation that this call is for is not switched on."))
    record = None
    if one.module is not None:
        given = body.get("record") if isinstance(body, dict) else None
        try:
            record = UUID(str(given))
        except ValueError:
            hint = f'Send {{"record": id}} with the id of one of {one.module.name}.'
            raise Invalid(Problem("record", "/record", "The call names no record.", hint)) from None
    made = await start(unit, await unit.transaction(), one, record, facts={"webhook": name, "body": body}, mark=MARK)
    if made is None and one.module is not None and not one.automation.once_per:
        raise Invalid(Problem("record", "/record", f"There is no such record in {one.module.name}."))
    return made

"""Who may be written to: those who asked for no more mail, and those whose records say that they may not be."""

from __future__ import annotations

from collections.abc import Collection

import orjson

from xrm_core.catalog import CompiledModule
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem
from xrm_core.messaging.addresses import Mailable
from xrm_core.messaging.events import mail_fields
from xrm_core.messaging.mail import Mail
from xrm_core.records import read
from xrm_core.records.query import RecordQuery
from xrm_core.records.unit import Unit
from xrm_core.storage import messages_suppression as suppression
from xrm_core.storage.database import Connection

MOST_RECORDS = 20
NOT_ALLOWED = "not allowed"
_TOLD = {
    "unsubscribed": "asked for no more mail of this kind",
    "bounced": "does not exist: a mail came back",
    "by hand": "is on the list of those who get no more mail",
    NOT_ALLOWED: "must not be written to: the record with this address says so",
}


async def refusals(
    unit: Unit, connection: Connection, addresses: Collection[str], *, marketing: bool
) -> dict[str, str]:
    """Which of these addresses must not get a mail, and why; what counts is the records, not who sees them."""
    found = {}
    scopes = ["all", "marketing"] if marketing else ["all"]
    for address, entry in (await suppression.of(connection, unit.schema, addresses, scopes)).items():
        found[address] = f"{entry.reason}: {entry.details}".rstrip(": ")
    everything = unit.acting(SYSTEM, unit.cause)
    for module in unit.catalog.modules.values():
        reachable = module.definition.reachable
        if reachable is None:
            continue
        conditions = [one for one in (reachable.allowed_when, reachable.marketing_when if marketing else None) if one]
        names = mail_fields(module)
        for address in addresses if conditions and names else ():
            if address not in found and await _forbidden(everything, module, names, address, conditions):
                found[address] = f"{NOT_ALLOWED}: {label_text(module.definition.label, 'en')}"
    return found


async def _forbidden(
    unit: Unit, module: CompiledModule, names: Collection[str], address: str, conditions: Collection[str]
) -> bool:
    """Whether there is a record with this address for which a condition does not hold."""
    wanted = {"or": [{"field": name, "op": "eq", "value": address} for name in names]}
    query = RecordQuery(module.name, filter=wanted, limit=MOST_RECORDS, fields=("title",))
    known = {row["id"] for row in map(orjson.loads, (await read.find(unit, query)).rows)}
    if not known:
        return False
    ids = ", ".join(f"'{one}'" for one in sorted(known))
    both = " and ".join(f"({one})" for one in conditions)
    allowed = RecordQuery(module.name, filter=f"id in [{ids}] and {both}", limit=MOST_RECORDS, fields=("title",))
    return len((await read.find(unit, allowed)).rows) < len(known)


async def require(unit: Unit, mail: Mail) -> None:
    """Raises Invalid with a problem for everybody who must not get a mail that a person is about to send."""
    refused = await refusals(
        unit, await unit.transaction(), [one.address for one in mail.recipients], marketing=mail.category == "marketing"
    )
    problems = [
        problem
        for place, people in (("/to", mail.to), ("/cc", mail.cc), ("/bcc", mail.bcc))
        for problem in _problems(refused, people, place)
    ]
    if problems:
        raise Invalid(problems)


def _problems(refused: dict[str, str], people: Collection[Mailable], place: str) -> list[Problem]:
    found = []
    for index, one in enumerate(people):
        if one.address in refused:
            reason = refused[one.address].partition(":")[0]
            message = f"{one.address} {_TOLD.get(reason, 'gets no more mail')}."
            found.append(Problem(f"refused_{reason.replace(' ', '_')}", f"{place}/{index}", message, "Take it out."))
    return found

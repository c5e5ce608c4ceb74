"""Random things that people do in the shop, as data: generated, run alone or two at a time, and shrunk when something breaks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tests.records.conftest import Shop
from tests.records.oracle import MODULES
from xrm_core.kernel.errors import XrmError
from xrm_core.records import batch, clockwork, relating, stages, write

NAMES = ("Desk", "Ada", "lamp", "Ölofen", "Łukasz", "ada")
PRICES: tuple[Any, ...] = ("10.00", "0.05", "333.33", {"amount": "7", "currency": "USD"}, None, "1000")
DAYS = ("2026-01-31", "2026-02-28", "2026-03-30", "2026-04-01", None, "2024-02-29")


@dataclass(frozen=True)
class Act:
    """One thing done: what, and numbers that choose among the records and values there are."""

    kind: str
    a: int
    b: int
    c: int


KINDS = (
    "new_customer new_product new_person new_order new_order new_line new_line new_line new_note "
    "customer customer order order order line line product person note stage stage "
    "link unlink link_back archive archive restore restore erase batch batch_update night"
).split()


def acts(kinds: list[str] = KINDS) -> st.SearchStrategy[Act]:
    numbers = st.integers(0, 11)
    return st.builds(Act, st.sampled_from(kinds), numbers, numbers, numbers)


class Walk:
    """Runs acts in a shop; what is refused with a problem is fine, everything else is a fault."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.ids: dict[str, list[UUID]] = {name: [] for name in MODULES}
        self.done = 0
        self.refused: Counter[str] = Counter()
        """Codes of the problems for which acts were refused."""

    async def empty(self) -> None:
        """Begin with nothing."""
        schema = self.shop.workspace.schema
        async with self.shop.units.database.writing() as connection:
            for table in (*(f"m_{name}" for name in MODULES), "link", "event", "search", "long_text", "counter", "setting"):
                await connection.execute(f"delete from {schema}.{table}")
        self.ids = {name: [] for name in MODULES}

    async def found(self) -> None:
        """A few records to begin with."""
        for act in ("new_product", "new_person", "new_customer", "new_customer", "new_order", "new_line", "new_order", "new_line"):
            for number in range(2):
                await self.act(Act(act, number, number + 1, number))

    async def act(self, act: Act) -> None:
        try:
            await getattr(self, "do_" + act.kind)(act)
            self.done += 1
        except XrmError as error:
            assert error.problems, error
            assert error.status < 500, error.problems
            self.refused.update({problem.code for problem in error.problems})

    def pick(self, module: str, number: int) -> UUID:
        known = self.ids[module]
        return known[number % len(known)] if known else UUID(int=number)

    async def new(self, module: str, values: dict[str, Any]) -> None:
        stored = await self.shop.run(lambda unit: write.create(unit, module, values))
        self.ids[module].append(stored.id)

    async def change(self, module: str, identifier: UUID, values: dict[str, Any]) -> None:
        await self.shop.run(lambda unit: write.update(unit, module, identifier, values))

    # -- creating -------------------------------------------------------------------------------------------------------

    async def do_new_customer(self, act: Act) -> None:
        parent = str(self.pick("customers", act.b)) if act.c % 2 and self.ids["customers"] else None
        await self.new("customers", {"name": NAMES[act.a % 6], "since": DAYS[act.b % 6], "discount": str(act.c), "parent": parent})

    async def do_new_product(self, act: Act) -> None:
        await self.new("products", {"name": NAMES[act.a % 6], "price": PRICES[act.b % 6]})

    async def do_new_person(self, act: Act) -> None:
        await self.new("people", {"name": NAMES[act.a % 6]})

    async def do_new_order(self, act: Act) -> None:
        helpers = [str(self.pick("people", act.b))] if act.c % 2 and self.ids["people"] else []
        values = {"customer": str(self.pick("customers", act.a)), "shipping": PRICES[act.b % 6], "helpers": helpers}
        await self.new("orders", values | ({"ordered_on": DAYS[act.c % 6]} if act.c % 3 else {}))

    async def do_new_line(self, act: Act) -> None:
        product = str(self.pick("products", act.b)) if act.c % 4 and self.ids["products"] else None
        await self.new("lines", {"order": str(self.pick("orders", act.a)), "product": product, "quantity": act.c + 1})

    async def do_new_note(self, act: Act) -> None:
        await self.new("notes", {"text": NAMES[act.a % 6], "about": self.about(act)})

    def about(self, act: Act) -> Any:
        module = ("customers", "orders")[act.b % 2]
        return {"module": module, "id": str(self.pick(module, act.c))} if act.b % 3 else None

    # -- changing -------------------------------------------------------------------------------------------------------

    async def do_customer(self, act: Act) -> None:
        options: list[dict[str, Any]] = [
            {"factor": act.c or None}, {"discount": str(act.c)}, {"since": DAYS[act.c % 6]}, {"level": ("gold", None)[act.c % 2]},
            {"name": NAMES[act.c % 6]}, {"parent": str(self.pick("customers", act.c))}, {"parent": None}, {"factor": act.c, "notes": "x" * act.c},
        ]  # fmt: skip
        await self.change("customers", self.pick("customers", act.a), options[act.b % len(options)])

    async def do_order(self, act: Act) -> None:
        helpers = [str(one) for one in self.ids["people"][: act.c % 3]]
        options: list[dict[str, Any]] = [
            {"shipping": PRICES[act.c % 6]}, {"ordered_on": DAYS[act.c % 6]}, {"customer": str(self.pick("customers", act.c))}, {"helpers": helpers},
            {"shipping": PRICES[act.c % 6], "customer": str(self.pick("customers", act.c)), "helpers": helpers}, {"reason": "x" * act.c},
        ]  # fmt: skip
        await self.change("orders", self.pick("orders", act.a), options[act.b % len(options)])

    async def do_line(self, act: Act) -> None:
        options: list[dict[str, Any]] = [
            {"quantity": act.c + 1}, {"unit_price": PRICES[act.c % 6]}, {"product": str(self.pick("products", act.c))}, {"product": None},
            {"order": str(self.pick("orders", act.c))}, {"order": str(self.pick("orders", act.c)), "quantity": act.b + 1},
        ]  # fmt: skip
        await self.change("lines", self.pick("lines", act.a), options[act.b % len(options)])

    async def do_product(self, act: Act) -> None:
        options: list[dict[str, Any]] = [{"name": NAMES[act.c % 6]}, {"price": PRICES[act.c % 6]}]
        await self.change("products", self.pick("products", act.a), options[act.b % 2])

    async def do_person(self, act: Act) -> None:
        await self.change("people", self.pick("people", act.a), {"name": NAMES[act.c % 6]})

    async def do_note(self, act: Act) -> None:
        await self.change("notes", self.pick("notes", act.a), {"text": NAMES[act.a % 6], "about": self.about(act)})

    async def do_stage(self, act: Act) -> None:
        stage = ("draft", "sent", "paid", "cancelled")[act.b % 4]
        reason = "price" if stage == "cancelled" else None
        await self.shop.run(lambda unit: stages.move(unit, "orders", self.pick("orders", act.a), stage, reason=reason))

    # -- linking --------------------------------------------------------------------------------------------------------

    async def do_link(self, act: Act) -> None:
        attributes = {"share": str(act.c)} if act.c % 2 else None
        order, person = self.pick("orders", act.a), self.pick("people", act.b)
        await self.shop.run(lambda unit: relating.link(unit, "orders", order, "helpers", person, attributes))

    async def do_unlink(self, act: Act) -> None:
        module, name, far = (("orders", "helpers", "people"), ("people", "helped", "orders"), ("products", "lines", "lines"), ("customers", "orders", "orders"))[act.c % 4]
        await self.shop.run(lambda unit: relating.unlink(unit, module, self.pick(module, act.a), name, self.pick(far, act.b)))

    async def do_link_back(self, act: Act) -> None:
        options = (
            ("people", "helped", "orders"), ("products", "lines", "lines"), ("customers", "orders", "orders"), ("orders", "lines", "lines"),
            ("customers", "branches", "customers"), ("lines", "product", "products"), ("orders", "remarks", "notes"), ("notes", "about", "customers"),
        )  # fmt: skip
        module, name, far = options[act.c % len(options)]
        await self.shop.run(lambda unit: relating.link(unit, module, self.pick(module, act.a), name, self.pick(far, act.b)))

    # -- coming and going -----------------------------------------------------------------------------------------------

    def any(self, act: Act) -> tuple[str, UUID]:
        module = MODULES[act.a % len(MODULES)]
        return module, self.pick(module, act.b)

    async def do_archive(self, act: Act) -> None:
        await self.shop.archive(*self.any(act))

    async def do_restore(self, act: Act) -> None:
        await self.shop.restore(*self.any(act))

    async def do_erase(self, act: Act) -> None:
        await self.shop.erase(*self.any(act))

    async def do_batch(self, act: Act) -> None:
        rows = [{"order": str(self.pick("orders", act.a + n)), "product": str(self.pick("products", act.b)), "quantity": n + 1} for n in range(act.c % 4)]
        gone = [str(self.pick("lines", act.b))] if act.a % 3 == 0 else []
        body = {"create": rows, "archive": gone, "atomic": bool(act.a % 2)}
        done = await self.shop.run(lambda unit: batch.batch(unit, "lines", body))
        self.ids["lines"] += [UUID(one["id"]) for one in done["results"].get("create", ()) if one["status"] == "created"]

    async def do_batch_update(self, act: Act) -> None:
        chosen = {self.pick("orders", act.a + n) for n in range(act.b % 4 + 1)}
        changes = [{"id": str(one), "shipping": PRICES[act.c % 6], "customer": str(self.pick("customers", act.c))} for one in chosen]
        await self.shop.run(lambda unit: batch.batch(unit, "orders", {"update": changes, "atomic": bool(act.c % 2)}))

    async def do_night(self, act: Act) -> None:
        here = self.shop.clock.now().astimezone(ZoneInfo(self.shop.workspace.time_zone))
        midnight = (here + timedelta(days=act.a % 3 + 1)).replace(hour=0, minute=0, second=act.b, microsecond=0)
        self.shop.clock.set(midnight)
        await clockwork.run_due(self.shop.units, self.shop.workspace)

    # -- looking --------------------------------------------------------------------------------------------------------

    async def later(self) -> None:
        """Time goes on a little, so that transactions that began before midnight are accounted for."""
        self.shop.clock.move(timedelta(minutes=5))
        await clockwork.run_due(self.shop.units, self.shop.workspace)

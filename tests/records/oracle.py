"""The shop's computed values worked out in plain Python from the raw tables, without any of the engine's code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

from xrm_core.storage.database import Database

MODULES = ("customers", "products", "orders", "lines", "people", "notes")
Amount = tuple[Decimal, str] | None


@dataclass
class Raw:
    """A stored record: the document and what the engine keeps in columns."""

    id: str
    data: dict[str, Any]
    title: str
    stage: str | None
    live: bool
    created_at: datetime
    columns: dict[str, Any]


@dataclass
class Tables:
    """Everything that is stored in the shop's workspace."""

    rows: dict[str, dict[str, Raw]] = field(default_factory=dict)
    links: list[tuple[str, str, str, str]] = field(default_factory=list)
    """(link, source, module of the target, target)"""
    search: dict[tuple[str, str], str] = field(default_factory=dict)
    texts: set[tuple[str, str]] = field(default_factory=set)

    def behind(self, module: str, identifier: Any) -> Raw | None:
        return self.rows[module].get(identifier) if isinstance(identifier, str) else None

    def live(self, module: str, key: str, target: str) -> list[Raw]:
        return [row for row in self.rows[module].values() if row.live and target_id(row.data.get(key)) == target]

    def helpers(self, order: str) -> list[Raw]:
        found = [self.rows["people"][target] for link, source, _, target in self.links if link == "orders.helpers" and source == order]
        return [row for row in found if row.live]

    def helped(self, person: str) -> list[Raw]:
        found = [self.rows["orders"][source] for link, source, _, target in self.links if link == "orders.helpers" and target == person]
        return [row for row in found if row.live]


def target_id(value: Any) -> Any:
    return value["id"] if isinstance(value, dict) else value


async def read_tables(database: Database, schema: str) -> Tables:
    """One consistent look at all tables."""
    tables = Tables()
    async with database.writing() as connection, connection.transaction():
        await connection.execute("set transaction isolation level repeatable read")
        for name in MODULES:
            cursor = await connection.execute(f"select to_jsonb(t) - 'data', t.data, t.created_at from {schema}.m_{name} t")
            tables.rows[name] = {
                row["id"]: Raw(row["id"], data, row["title"], row["stage"], row["archived_at"] is None, created, row)
                for row, data, created in await cursor.fetchall()
            }
        cursor = await connection.execute(f"select x.link_id, x.source_id, x.target_module, x.target_id from {schema}.link x")
        tables.links = [(link, str(source), module, str(target)) for link, source, module, target in await cursor.fetchall()]
        cursor = await connection.execute(f"select s.module_id, s.record_id, s.title from {schema}.search s")
        tables.search = {(module, str(record)): title for module, record, title in await cursor.fetchall()}
        cursor = await connection.execute(f"select x.module_id, x.record_id from {schema}.long_text x")
        tables.texts = {(module, str(record)) for module, record in await cursor.fetchall()}
    return tables


# -- arithmetic ---------------------------------------------------------------------------------------------------------


def money(value: Any) -> Amount:
    return None if value is None else (Decimal(value["amount"]), value["currency"])


def stored(value: Amount) -> Any:
    if value is None:
        return None
    return {"amount": str(value[0].quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)), "currency": value[1]}


def total(values: Iterable[Amount]) -> Amount:
    found = [value for value in values if value is not None]
    if not found or len({currency for _, currency in found}) > 1:
        return None
    return sum((amount for amount, _ in found), Decimal(0)), found[0][1]


def plus(one: Amount, other: Amount) -> Amount:
    return (one[0] + other[0], one[1]) if one and other and one[1] == other[1] else None


def months_later(day: date, count: int) -> date:
    month = day.month - 1 + count
    year, month = day.year + month // 12, month % 12 + 1
    last = (date(year + month // 12, month % 12 + 1, 1) - date(year, month, 1)).days
    return date(year, month, min(day.day, last))


def day_of(value: Any) -> date | None:
    return None if value is None else date.fromisoformat(value)


def listed(values: Iterable[Any]) -> Any:
    return sorted({value for value in values if value is not None}) or None


# -- the shop -----------------------------------------------------------------------------------------------------------


def expected(tables: Tables, today: date) -> dict[str, dict[str, dict[str, Any]]]:
    """Every computed value (and title) by module and record; None where there is none."""
    found: dict[str, dict[str, dict[str, Any]]] = {name: {one: {} for one in tables.rows[name]} for name in MODULES}
    products, people, customers = found["products"], found["people"], found["customers"]
    for row in tables.rows["people"].values():
        people[row.id]["title"] = row.data["name"]
    for row in tables.rows["notes"].values():
        found["notes"][row.id]["title"] = row.data["text"]
    for row in tables.rows["lines"].values():
        price = money(row.data.get("unit_price"))
        product = tables.behind("products", row.data.get("product"))
        found["lines"][row.id] |= {
            "amount": stored((price[0] * row.data["quantity"], price[1])) if price else None,
            "title": product.data["name"] if product else "#" + row.id.replace("-", "")[-6:],
        }
    for row in tables.rows["orders"].values():
        lines = tables.live("lines", "order", row.id)
        _order(tables, row, lines, found, today)
    for row in tables.rows["customers"].values():
        _customer(tables, row, found, today)
    for row in tables.rows["customers"].values():
        branches = tables.live("customers", "parent", row.id)
        customers[row.id]["group_spent"] = stored(total(money(customers[one.id]["spent"]) for one in branches))
        parent = tables.behind("customers", row.data.get("parent"))
        customers[row.id]["siblings"] = len(tables.live("customers", "parent", parent.id)) if parent else 0
    for row in tables.rows["lines"].values():
        order = tables.rows["orders"][row.data["order"]]
        customer = tables.rows["customers"][order.data["customer"]]
        found["lines"][row.id] |= {"customer_name": customer.data["name"], "customer_spent": customers[customer.id]["spent"]}
    for row in tables.rows["products"].values():
        lines = tables.live("lines", "product", row.id)
        orders = [tables.rows["orders"][line.data["order"]] for line in lines]
        paid = [line for line, order in zip(lines, orders, strict=True) if order.stage == "paid"]
        products[row.id] |= {
            "title": row.data["name"],
            "sold": sum(line.data["quantity"] for line in lines),
            "buyers": len({order.data["customer"] for order in orders}),
            "revenue": stored(total(money(found["lines"][line.id]["amount"]) for line in paid)),
        }
    for row in tables.rows["people"].values():
        helped = tables.helped(row.id)
        people[row.id] |= {
            "help_total": stored(total(money(found["orders"][order.id]["total"]) for order in helped)),
            "helped_customers": len({order.data["customer"] for order in helped}),
            "helped_lines": sum(line.data["quantity"] for order in helped for line in tables.live("lines", "order", order.id)),
        }
    return found


def _order(tables: Tables, row: Raw, lines: list[Raw], found: dict[str, Any], today: date) -> None:
    customer = tables.rows["customers"][row.data["customer"]]
    lines_total = total(money(found["lines"][line.id]["amount"]) for line in lines)
    nothing = (Decimal(0), "EUR")
    whole = plus(lines_total or nothing, money(row.data.get("shipping")) or nothing)
    discount = Decimal(customer.data.get("discount", 0))
    ordered = day_of(row.data.get("ordered_on"))
    due = months_later(ordered, 1) if ordered else None
    names = [tables.behind("products", line.data.get("product")) for line in lines]
    helpers = tables.helpers(row.id)
    found["orders"][row.id] |= {
        "title": f"{row.data['number']} {customer.data['name']}",
        "lines_total": stored(lines_total),
        "total": stored(whole),
        "customer_level": customer.data.get("level"),
        "discounted": stored((rounded(whole)[0] * (100 - discount) / 100, whole[1])) if whole else None,
        "due_on": due.isoformat() if due else None,
        "is_late": due is not None and due < today,
        "has_desk": any(product is not None and product.data["name"].lower() == "desk" for product in names),
        "helper_names": listed(person.data["name"] for person in helpers),
        "helper_count": len(helpers),
    }


def rounded(value: tuple[Decimal, str]) -> tuple[Decimal, str]:
    return value[0].quantize(Decimal("0.01"), rounding=ROUND_HALF_UP), value[1]


def _customer(tables: Tables, row: Raw, found: dict[str, Any], today: date) -> None:
    orders = tables.live("orders", "customer", row.id)
    made = found["orders"]
    kept = [money(made[order.id]["total"]) for order in orders if order.stage != "cancelled"]
    spent = total(kept)
    known = [value for value in kept if value is not None]
    totals = [value for order in orders if (value := money(made[order.id]["total"])) is not None]
    one_currency = len({currency for _, currency in totals}) == 1
    days = sorted(order.data["ordered_on"] for order in orders if order.data.get("ordered_on"))
    since = day_of(row.data.get("since"))
    lines = [line for order in orders for line in tables.live("lines", "order", order.id)]
    bought = [tables.behind("products", line.data.get("product")) for line in lines]
    latest = max(orders, key=lambda order: (order.data.get("ordered_on") or "", UUID(order.id).int), default=None)
    found["customers"][row.id] |= {
        "title": row.data["name"],
        "orders_count": len(orders),
        "spent": stored(spent),
        "mean_total": stored((spent[0] / len(known), spent[1])) if spent else None,
        "best_total": stored(max(totals)) if one_currency else None,
        "first_order": days[0] if days else None,
        "last_order": days[-1] if days else None,
        "latest_number": latest.data["number"] if latest else None,
        "line_count": len(lines),
        "bought": listed(product.data["name"] for product in bought if product is not None),
        "is_big": spent is not None and rounded(spent)[0] > 1000,
        "age_days": (today - since).days if since else None,
        "weighted": sum(order.stage == "draft" for order in orders) * row.data.get("factor", 1),
        "late": sum(made[order.id]["is_late"] for order in orders),
        "helped_by": listed(person.data["name"] for order in orders for person in tables.helpers(order.id)),
        "remark_count": len(tables.live("notes", "about", row.id)),
    }


def differences(tables: Tables, today: date) -> list[str]:
    """Where what is stored is not what it should be; empty when all is well."""
    broken = dangling(tables)
    if broken:
        return broken
    wrong = []
    for module, records in expected(tables, today).items():
        for identifier, values in records.items():
            row = tables.rows[module][identifier]
            for key, value in values.items():
                is_now = row.title if key == "title" else row.data.get(key)
                if is_now != value:
                    wrong.append(f"{module} {identifier[-6:]} {'' if row.live else '(archived) '}{key}: {is_now!r} should be {value!r}")
            searched = tables.search.get((module, identifier))
            if searched != (row.title if row.live and module != "lines" else None):
                wrong.append(f"{module} {identifier[-6:]} is searched as {searched!r}, title {row.title!r}, live {row.live}")
    wrong += [f"search of {key} that is gone" for key in tables.search if key[1] not in tables.rows[key[0]]]
    return wrong + [f"text of {key} that is gone" for key in tables.texts if key[1] not in tables.rows[key[0]]]


OWNED = {("lines", "order"): "orders"}
KEPT = {("orders", "customer"): "customers", ("notes", "about"): None} | OWNED
LINKS = {("customers", "parent"): "customers", ("lines", "product"): "products"} | KEPT
REQUIRED = {("orders", "customer"), ("lines", "order")}


def dangling(tables: Tables) -> list[str]:
    """Links that lead nowhere, columns that say something else than the document, children without their owner."""
    wrong = []
    for (module, key), target_module in LINKS.items():
        for row in tables.rows[module].values():
            value = row.data.get(key)
            name = f"{module} {row.id[-6:]} {key}"
            if row.columns[f"p_{key}"] != target_id(value):
                wrong.append(f"{name}: the column says {row.columns[f'p_{key}']}, the document {value}")
            if value is None:
                if (module, key) in REQUIRED:
                    wrong.append(f"{name} is missing")
                continue
            at = target_module or value["module"]
            target = tables.rows[at].get(target_id(value))
            if target is None:
                wrong.append(f"{name} leads to {at} {target_id(value)}, which is not there")
            elif row.live and not target.live and (module, key) in KEPT:
                wrong.append(f"{name} is live, its {at} archived")
    for link, source, module, target in tables.links:
        if source not in tables.rows[link.partition(".")[0]] or target not in tables.rows[module]:
            wrong.append(f"link {link} from {source} to {module} {target} has lost an end")
    return wrong

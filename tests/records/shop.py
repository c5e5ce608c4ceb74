"""A small business as definitions: what the tests of records work on."""

from __future__ import annotations

from typing import Any

from xrm_core.definitions import DefinitionSet, Module, Role


def module(name: str, label: str, **settings: Any) -> Module:
    """A module from plain data."""
    return Module.model_validate({"name": name, "label": label, "label_plural": label + "s", **settings})


CUSTOMERS = module(
    "customers",
    "Customer",
    title="{{ name }}",
    fields=[
        {"name": "name", "type": "text", "label": "Name", "required": True, "indexed": True, "searchable": True},
        {"name": "email", "type": "email", "label": "E-mail", "unique": True, "searchable": True},
        {"name": "tags", "type": "multi_select", "label": "Tags", "open": True, "indexed": True, "options": []},
        {"name": "level", "type": "select", "label": "Level", "indexed": True, "options": [
            {"name": "gold", "label": "Gold"}, {"name": "silver", "label": "Silver"}, {"name": "iron", "label": "Iron", "archived": True}]},
        {"name": "since", "type": "date", "label": "Since", "indexed": True},
        {"name": "discount", "type": "percent", "label": "Discount", "default": "0"},
        {"name": "notes", "type": "long_text", "label": "Notes", "searchable": True},
        {"name": "orders_count", "type": "rollup", "label": "Orders", "link": "orders", "function": "count", "indexed": True},
        {"name": "spent", "type": "rollup", "label": "Spent", "link": "orders", "function": "sum", "field": "total",
         "where": "stage != 'cancelled'", "indexed": True},
        {"name": "last_order", "type": "rollup", "label": "Last order", "link": "orders", "function": "max", "field": "ordered_on"},
        {"name": "latest_number", "type": "rollup", "label": "Latest", "link": "orders", "function": "latest", "field": "number", "order_by": "ordered_on"},
        {"name": "line_count", "type": "rollup", "label": "Lines", "link": "orders.lines", "function": "count"},
        {"name": "bought", "type": "rollup", "label": "Bought", "link": "orders.lines", "function": "list", "field": "product.name"},
        {"name": "is_big", "type": "formula", "label": "Big", "formula": "coalesce(amount(spent), 0) > 1000"},
        {"name": "age_days", "type": "formula", "label": "Days since", "formula": "days_between(since, today())"},
        {"name": "group_spent", "type": "rollup", "label": "Group spent", "link": "branches", "function": "sum", "field": "spent"},
    ],
    links=[{"name": "parent", "label": "Parent", "to": ["customers"], "inverse": {"name": "branches", "label": "Branches"}}],
    rules=[{"kind": "validation", "name": "discount_limit", "check": "discount <= 50", "message": "At most half.", "fields": ["discount"]}],
)

PRODUCTS = module(
    "products",
    "Product",
    fields=[
        {"name": "name", "type": "text", "label": "Name", "required": True, "indexed": True},
        {"name": "price", "type": "money", "label": "Price"},
        {"name": "sold", "type": "rollup", "label": "Sold", "link": "lines", "function": "sum", "field": "quantity"},
    ],
)

ORDERS = module(
    "orders",
    "Order",
    title="{{ number }} {{ customer.name }}",
    fields=[
        {"name": "number", "type": "auto_number", "label": "Number", "prefix": "O-", "digits": 4},
        {"name": "ordered_on", "type": "date", "label": "Ordered", "indexed": True, "default": {"expression": "today()"}},
        {"name": "shipping", "type": "money", "label": "Shipping"},
        {"name": "reason", "type": "text", "label": "Reason"},
        {"name": "lines_total", "type": "rollup", "label": "Lines", "link": "lines", "function": "sum", "field": "amount"},
        {"name": "total", "type": "formula", "label": "Total", "indexed": True,
         "formula": "coalesce(lines_total, money(0, 'EUR')) + coalesce(shipping, money(0, 'EUR'))"},
        {"name": "customer_level", "type": "lookup", "label": "Level", "link": "customer", "field": "level"},
        {"name": "discounted", "type": "formula", "label": "After discount", "formula": "total * (100 - coalesce(customer.discount, 0)) / 100"},
        {"name": "due_on", "type": "formula", "label": "Due", "formula": "ordered_on + months(1)", "indexed": True},
    ],
    links=[
        {"name": "customer", "label": "Customer", "to": ["customers"], "required": True, "on_delete": "restrict",
         "inverse": {"name": "orders", "label": "Orders"}},
        {"name": "helpers", "label": "Helpers", "to": ["people"], "many": True, "inverse": {"name": "helped", "label": "Helped"},
         "attributes": [{"name": "share", "type": "percent", "label": "Share"}]},
    ],
    pipelines=[{"name": "order", "label": "Order", "stages": [
        {"name": "draft", "label": "Draft"},
        {"name": "sent", "label": "Sent", "requires": ["shipping"]},
        {"name": "paid", "label": "Paid", "category": "won"},
        {"name": "cancelled", "label": "Cancelled", "category": "lost", "reasons": [{"name": "price", "label": "Price"}, {"name": "other", "label": "Other"}]},
    ]}],
)

LINES = module(
    "lines",
    "Line",
    kind="child",
    title="{{ product.name }}",
    fields=[
        {"name": "quantity", "type": "integer", "label": "Quantity", "required": True, "min": 1},
        {"name": "unit_price", "type": "money", "label": "Price", "default": {"expression": "product.price"}},
        {"name": "amount", "type": "formula", "label": "Amount", "formula": "unit_price * quantity"},
    ],
    links=[
        {"name": "order", "label": "Order", "to": ["orders"], "required": True, "owner": True, "on_delete": "cascade",
         "inverse": {"name": "lines", "label": "Lines"}},
        {"name": "product", "label": "Product", "to": ["products"], "on_delete": "unlink", "inverse": {"name": "lines", "label": "Lines"}},
    ],
)

PEOPLE = module(
    "people",
    "Person",
    fields=[
        {"name": "name", "type": "text", "label": "Name", "required": True, "indexed": True},
        {"name": "salary", "type": "money_rate", "label": "Salary"},
        {"name": "help_total", "type": "rollup", "label": "Helped", "link": "helped", "function": "sum", "field": "total"},
        {"name": "helped_customers", "type": "rollup", "label": "Customers", "link": "helped.customer", "function": "count"},
    ],
)

NOTES = module(
    "notes",
    "Note",
    title="{{ text }}",
    fields=[
        {"name": "text", "type": "text", "label": "Text", "required": True},
        {"name": "at", "type": "datetime", "label": "At", "default": {"expression": "now()"}},
    ],
    links=[{"name": "about", "label": "About", "to": ["customers", "orders"], "inverse": {"name": "remarks", "label": "Remarks"}, "on_delete": "cascade"}],
)

CLERK = Role.model_validate(
    {
        "name": "clerk",
        "label": "Clerk",
        "modules": {
            "*": {"see": "all"},
            "orders": {"see": "own", "create": True, "edit": "own", "archive": "own"},
            "people": {"see": "none"},
        },
        "hidden_fields": {"customers": ["discount", "spent"]},
    }
)

SHOP = DefinitionSet(modules=(CUSTOMERS, PRODUCTS, ORDERS, LINES, PEOPLE, NOTES), roles=(CLERK,))

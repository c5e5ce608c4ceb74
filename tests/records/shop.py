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
        {"name": "phone", "type": "phone", "label": "Phone", "searchable": True},
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
        {"name": "factor", "type": "integer", "label": "Factor"},
        {"name": "weighted", "type": "formula", "label": "Weighted", "formula": "count(orders, stage == 'draft') * coalesce(factor, 1)"},
        {"name": "late", "type": "rollup", "label": "Late", "link": "orders", "function": "count", "where": "due_on < today()", "indexed": True},
        {"name": "mean_total", "type": "rollup", "label": "Mean", "link": "orders", "function": "avg", "field": "total", "where": "stage != 'cancelled'"},
        {"name": "best_total", "type": "rollup", "label": "Best", "link": "orders", "function": "max", "field": "total"},
        {"name": "first_order", "type": "rollup", "label": "First order", "link": "orders", "function": "min", "field": "ordered_on"},
        {"name": "helped_by", "type": "rollup", "label": "Helped by", "link": "orders.helpers", "function": "list", "field": "name"},
        {"name": "remark_count", "type": "rollup", "label": "Remarks", "link": "remarks", "function": "count"},
        {"name": "siblings", "type": "rollup", "label": "Siblings", "link": "parent.branches", "function": "count"},
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
        {"name": "buyers", "type": "rollup", "label": "Buyers", "link": "lines.order.customer", "function": "count"},
        {"name": "revenue", "type": "rollup", "label": "Revenue", "link": "lines", "function": "sum", "field": "amount", "where": "order.stage == 'paid'"},
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
        {"name": "helper_names", "type": "rollup", "label": "Helper names", "link": "helpers", "function": "list", "field": "name"},
        {"name": "helper_count", "type": "rollup", "label": "Helper count", "link": "helpers", "function": "count", "indexed": True},
        {"name": "is_late", "type": "formula", "label": "Late", "formula": "due_on < today()", "indexed": True},
        {"name": "has_desk", "type": "formula", "label": "Has a desk", "formula": "any(lines, product.name == 'Desk')"},
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
        {"name": "customer_name", "type": "formula", "label": "Customer", "formula": "order.customer.name", "indexed": True},
        {"name": "customer_spent", "type": "formula", "label": "Customer spent", "formula": "order.customer.spent"},
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
        {"name": "helped_lines", "type": "rollup", "label": "Helped lines", "link": "helped.lines", "function": "sum", "field": "quantity"},
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

COMPLAINTS = module(
    "complaints",
    "Complaint",
    title="{{ text }}",
    fields=[{"name": "text", "type": "text", "label": "Text", "required": True}],
    links=[
        {
            "name": "customer",
            "label": "Customer",
            "to": ["customers"],
            "required": True,
            "default": {"expression": "order.customer"},
            "inverse": {"name": "complaints", "label": "Complaints"},
        },
        {
            "name": "order",
            "label": "Order",
            "to": ["orders"],
            "default": {"expression": "line.order"},
            "inverse": {"name": "complaints", "label": "Complaints"},
        },
        {"name": "line", "label": "Line", "to": ["lines"], "inverse": {"name": "complaints", "label": "Complaints"}},
    ],
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

SHOP = DefinitionSet(modules=(CUSTOMERS, PRODUCTS, ORDERS, LINES, PEOPLE, NOTES, COMPLAINTS), roles=(CLERK,))

"""View models with literal content, one of each page, for template tests and the preview."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from markupsafe import Markup

from xrm_core.web import pages as p
from xrm_core.web.formatters import Reader, show
from xrm_core.web.rows import RowRenderer
from xrm_core.web.views_record import RecordPage

NOW = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)
USERS = {
    "u1": p.UserView("u1", "Desk North", "north@example.org"),
    "u2": p.UserView("u2", "Desk South", "south@example.org"),
}
READER = Reader(locale="en", zone="Europe/Berlin", now=NOW, users=USERS)

STATUS = {
    o.name: o
    for o in (
        p.OptionView("active", "Active", "green"),
        p.OptionView("paused", "Paused", "amber"),
        p.OptionView("ended", "Ended", "gray"),
    )
}
TAGS = {
    o.name: o
    for o in (
        p.OptionView("steel", "Steel", "blue"),
        p.OptionView("paper", "Paper", "teal"),
        p.OptionView("rush", "Rush", "red"),
        p.OptionView("export", "Export", "violet"),
    )
}
STAGES = [
    ("new", "New", "gray", "open"),
    ("quoted", "Quoted", "blue", "open"),
    ("sample", "Sample sent", "violet", "open"),
    ("contract", "Contract", "amber", "open"),
    ("won", "Won", "green", "won"),
    ("lost", "Lost", "red", "lost"),
]
STAGE_OPTIONS = {name: p.OptionView(name, label, hue) for name, label, hue, _ in STAGES}
NAMES = [
    "Harbour Freight Works",
    "Oak Lane Printing",
    "Blue Ridge Ceramics",
    "Ferrous & Daughters",
    "Łódź Optyka",
    "Kiln & Co",
    "Tidewater Rope",
    "Greenfield Seeds",
    "Polar Instruments",
    "Ashgrove Timber",
    "Meridian Clockworks",
    "Saltmarsh Glass",
    "Copper Beech Paper",
    "Longacre Tools",
]

COLUMNS = (
    p.ColumnView("title", "Name", "title", sortable=True, sort="asc", sort_url="?sort=-title"),
    p.ColumnView("stage", "Stage", "stage", options=STAGE_OPTIONS, sortable=True, sort_url="?sort=stage"),
    p.ColumnView("status", "Status", "select", options=STATUS, sortable=True, sort_url="?sort=status"),
    p.ColumnView("supplier", "Supplier", "link"),
    p.ColumnView("value", "Value", "money", sortable=True, sort_url="?sort=-value"),
    p.ColumnView("tags", "Tags", "multi_select", options=TAGS),
    p.ColumnView("due", "Due", "date", sortable=True, sort_url="?sort=due"),
    p.ColumnView("owner", "Owner", "user"),
    p.ColumnView("updated_at", "Changed", "instant"),
)


def records(count: int = 50) -> list[dict[str, Any]]:
    """Records in the form of the API."""
    found = []
    for i in range(count):
        name = NAMES[i % len(NAMES)] + (f" {i // len(NAMES) + 1}" if i >= len(NAMES) else "")
        item: dict[str, Any] = {
            "id": f"0197a000-0000-7000-8000-{i:012d}",
            "version": 1 + i % 3,
            "title": name,
            "stage": STAGES[i * 7 % 6][0],
            "status": list(STATUS)[i % 3],
            "supplier": {
                "id": f"0197b000-0000-7000-8000-{i % 5:012d}",
                "module": "suppliers",
                "title": NAMES[(i * 3) % len(NAMES)],
            },
            "value": {
                "amount": str(1500 + i * 731) + (".50" if i % 4 == 0 else ".00"),
                "currency": "EUR" if i % 3 else "GBP",
            },
            "tags": list(TAGS)[: i % 5],
            "due": (NOW.date() + timedelta(days=i * 9 - 60)).isoformat(),
            "owner": "u1" if i % 3 else "u2",
            "updated_at": (NOW - timedelta(hours=i * i)).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }
        if i % 6 == 5:
            del item["tags"], item["due"]
        found.append(item)
    return found


ORDERS = p.ModuleView("orders", "Order", "Orders", "package", "/m/orders", "indigo", create_url="/m/orders/new")
TASKS = p.ModuleView("tasks", "Task", "Tasks", "square-check", "/m/tasks", "amber", create_url="/m/tasks/new")


def shell(title: str = "Orders", **changes: Any) -> p.Shell:
    """The frame of a signed-in user."""
    nav = tuple(
        p.NavItem(name, label, icon, f"/m/{name}", key, name == "orders", f"/m/{name}/new", one)
        for name, label, one, icon, key in [
            ("suppliers", "Suppliers", "Supplier", "building-2", "S"),
            ("contacts", "Contacts", "Contact", "contact", "P"),
            ("orders", "Orders", "Order", "package", "O"),
            ("invoices", "Invoices", "Invoice", "receipt", "I"),
            ("tasks", "Tasks", "Task", "square-check", "T"),
            ("events", "Events", "Event", "calendar-days", "E"),
        ]
    )
    values: dict[str, Any] = {
        "nonce": "preview",
        "csrf": "token",
        "create_url": "/m/orders/new",
        "path": "/m/orders",
    } | changes
    return p.Shell(title=title, workspace="North Quay Trading", user=USERS["u1"], nav=nav, **values)


OPERATORS = (
    p.FilterOperator("contains", "contains", "text"),
    p.FilterOperator("eq", "is", "text"),
    p.FilterOperator("is_empty", "is empty", "none"),
)
FILTERS = p.FilterBar(
    action="/m/orders",
    chips=(
        p.FilterChip("Status", "is any of", "Active, Paused", "/m/orders"),
        p.FilterChip("Due", "is within", "next 90 days", "/m/orders"),
    ),
    fields=(
        p.FilterField("title", "Name", OPERATORS),
        p.FilterField(
            "status",
            "Status",
            (p.FilterOperator("in", "is any of", "options"), p.FilterOperator("is_empty", "is empty", "none")),
            tuple(STATUS.values()),
        ),
        p.FilterField(
            "due", "Due", (p.FilterOperator("within", "is within", "span"), p.FilterOperator("lt", "is before", "date"))
        ),
        p.FilterField("value", "Value", (p.FilterOperator("gt", "is more than", "number"),)),
        p.FilterField("supplier", "Supplier", (p.FilterOperator("eq", "is", "record"),), modules=("suppliers",)),
    ),
    keep=(("view", "all"),),
    clear_url="/m/orders",
)
TABS = (
    p.TabView("All orders", "/m/orders", True),
    p.TabView("Mine", "/m/orders?view=mine", count=12),
    p.TabView("Due soon", "/m/orders?view=due"),
)
LAYOUTS = (
    p.LayoutLink("list", "List", "list", "/m/orders", True),
    p.LayoutLink("board", "Board", "square-kanban", "/m/orders/board"),
)
BOARD_LAYOUTS = (
    p.LayoutLink("list", "List", "list", "/m/orders"),
    p.LayoutLink("board", "Board", "square-kanban", "/m/orders/board", True),
)


def list_page(count: int = 50) -> p.ListPage:
    rows = RowRenderer(COLUMNS, "orders").render(records(count), READER)
    return p.ListPage(
        ORDERS,
        COLUMNS,
        rows,
        count,
        TABS,
        LAYOUTS,
        FILTERS,
        total=41200,
        total_exact=False,
        next_url="/m/orders?cursor=abc",
    )


def empty_page() -> p.ListPage:
    state = p.EmptyState(
        "package", "No orders yet", "Orders are what suppliers deliver to us.", "New order", "/m/orders/new"
    )
    return p.ListPage(
        ORDERS, COLUMNS, Markup(""), 0, TABS, LAYOUTS, p.FilterBar(action="/m/orders"), total=0, empty=state
    )


def board_page() -> p.BoardPage:
    lanes = []
    items = records(40)
    reasons = (p.OptionView("price", "Price"), p.OptionView("late", "Too late"))
    for name, _, _, category in STAGES:
        cards = tuple(
            p.CardView(
                r["id"],
                r["title"],
                f"/m/orders/{r['id']}",
                r["version"],
                (
                    ("", Markup("<span>{}</span>").format(r["supplier"]["title"])),
                    ("Value", show(COLUMNS[4], r, READER, False)),
                ),
                USERS[r["owner"]],
                i * 3 + 1,
                i % 4 == 3,
            )
            for i, r in enumerate(items)
            if r["stage"] == name and name != "sample"
        )
        lanes.append(
            p.LaneView(
                STAGE_OPTIONS[name],
                category,
                len(cards) * 9,
                cards,
                "€184,200" if cards else "",
                "/m/orders/board/lane?stage=won" if name == "won" else None,
                f"/m/orders/new?stage={name}",
                reasons if name == "lost" else (),
            )
        )
    return p.BoardPage(ORDERS, tuple(lanes), TABS, BOARD_LAYOUTS, FILTERS, 240)


def record_page() -> RecordPage:
    record = records(8)[7] | {
        "notes": "Wants **two** deliveries:\n\n- half in June\n- half in *September*",
        "email": "office@example.org",
        "phone": "+442079460018",
        "site": "https://www.example.org/orders",
        "rating": 4,
        "address": {"street": "12 Quay Street", "postcode": "20457", "city": "Hamburg", "country": "Germany"},
        "period": {"start": "2026-06-01", "end": "2026-09-30"},
        "rate": {"amount": "85.00", "currency": "EUR", "per": "hour"},
        "rush": True,
        "terms": {"value": 30, "unit": "days"},
        "share": "12.5",
        "files": [{"id": "f1", "name": "Contract.pdf", "size": 184320, "type": "application/pdf"}],
    }
    kinds = [
        ("status", "Status", "select"),
        ("value", "Value", "money"),
        ("supplier", "Supplier", "link"),
        ("due", "Due", "date"),
        ("period", "Delivery", "date_range"),
        ("rate", "Handling rate", "money_rate"),
        ("share", "Our share", "percent"),
        ("terms", "Payment terms", "duration"),
        ("rush", "Rush", "boolean"),
        ("rating", "Rating", "rating"),
        ("tags", "Tags", "multi_select"),
        ("email", "E-mail", "email"),
        ("phone", "Phone", "phone"),
        ("site", "Web page", "url"),
        ("address", "Address", "address"),
        ("files", "Files", "file"),
        ("fax", "Fax", "phone"),
        ("code", "Code", "text"),
        ("notes", "Notes", "rich_text"),
    ]
    options = {"status": STATUS, "tags": TAGS}
    values = {}
    for key, label, kind in kinds:
        html = show(p.ColumnView(key, label, kind, options=options.get(key, {}), settings={"max": 5}), record, READER)
        values[key] = p.ValueView(label, html, empty=not html, wide=kind == "rich_text")
    rows = RowRenderer(COLUMNS[:5], "orders").render(records(4), READER)
    steps = tuple(
        p.StepView(
            name,
            label,
            "done" if i < 2 else "now" if i == 2 else "open",
            category,
            12 if i == 2 else None,
            True,
            (p.OptionView("price", "Price"),) if name == "lost" else (),
        )
        for i, (name, label, _, category) in enumerate(STAGES)
    )
    timeline = (
        p.EntryView(
            "e1",
            "message-square",
            "Desk North",
            "wrote a note",
            "2026-06-15T08:10:00Z",
            "1 hr ago",
            "Today",
            body=Markup("<p>Called about the <strong>second</strong> delivery.</p>"),
        ),
        p.EntryView(
            "e2", "arrow-right", "Desk South", "moved it to Sample sent", "2026-06-15T07:00:00Z", "2 hr ago", "Today"
        ),
        p.EntryView(
            "e3",
            "pencil",
            "Desk North",
            "changed 2 fields",
            "2026-06-12T07:00:00Z",
            "12 Jun",
            "12 June",
            (
                p.ChangeView("Value", Markup("€6,000"), Markup("€6,617")),
                p.ChangeView(
                    "Status",
                    Markup(""),
                    show(p.ColumnView("status", "Status", "select", options=STATUS), {"status": "active"}, READER),
                ),
            ),
        ),
        p.EntryView("e4", "plus", "Import", "created it", "2026-06-01T07:00:00Z", "1 Jun", "1 June"),
    )
    return RecordPage(
        ORDERS,
        record["id"],
        record["title"],
        3,
        "Order 00042 · Hamburg",
        False,
        facts=(
            values["value"],
            values["supplier"],
            values["due"],
            p.ValueView("Owner", show(COLUMNS[7], record, READER)),
        ),
        stages=steps,
        move_url=f"/m/orders/{record['id']}/move",
        sections=(
            p.SectionView(
                "main",
                "Overview",
                tuple(
                    values[k]
                    for k in (
                        "status",
                        "value",
                        "supplier",
                        "due",
                        "period",
                        "rate",
                        "share",
                        "terms",
                        "rush",
                        "rating",
                        "tags",
                        "fax",
                        "code",
                    )
                ),
            ),
            p.SectionView(
                "contact", "Contact", tuple(values[k] for k in ("email", "phone", "site", "address", "files"))
            ),
            p.SectionView("notes", "Notes", (values["notes"],), 1),
        ),
        related=(
            p.RelatedView(
                "children", "Orders", ORDERS, COLUMNS[:5], rows, 24, "/m/orders/new?parent=1", "/m/orders?f=parent~eq~1"
            ),
            p.RelatedView("tasks", "Tasks", TASKS, COLUMNS[:3], Markup(""), 0, "/m/tasks/new?order=1"),
        ),
        timeline=timeline,
        timeline_next="/m/orders/1/timeline?cursor=x",
        edit_url="/m/orders/1/edit",
        actions=(
            p.ActionView("Archive", "archive", "/m/orders/1/archive"),
            p.ActionView("Erase for good", "trash-2", "/m/orders/1/erase", True, "Erase this order for good?"),
        ),
    )


def widgets(errors: bool = False) -> tuple[p.FieldWidget, ...]:
    """One of every widget."""
    w = p.FieldWidget
    ref = p.RecordRef("0197b000-0000-7000-8000-000000000001", "suppliers", "Oak Lane Printing")
    more = tuple(p.RecordRef(f"0197b000-0000-7000-8000-00000000010{i}", "suppliers", NAMES[i]) for i in range(5))
    return (
        w("name", "Name", "text", "Rope and twine", required=True, settings={"max_length": 200}),
        w(
            "supplier",
            "Supplier",
            "link",
            refs=(ref,),
            modules=(("suppliers", "Supplier"),),
            required=True,
            settings={"choices": more},
        ),
        w(
            "value",
            "Value",
            "money",
            {"amount": "abc" if errors else "12000.00", "currency": "EUR"},
            errors=("“abc” is not an amount.",) if errors else (),
        ),
        w(
            "rate",
            "Handling rate",
            "money",
            {"amount": "85.00", "currency": "EUR", "per": "hour"},
            settings={"per": ["hour", "day", "month"]},
        ),
        w("status", "Status", "select", "active", options=tuple(STATUS.values())),
        w("due", "Due", "date", "2026-07-01"),
        w("call_at", "Call at", "datetime", "2026-07-01T09:30"),
        w("count", "Pieces", "number", 12, settings={"integer": True}),
        w("terms", "Payment terms", "duration", {"value": 30, "unit": "days"}, settings={"units": ["days", "months"]}),
        w("period", "Delivery", "date_range", {"start": "2026-06-01", "end": "2026-09-30"}),
        w("rush", "Rush order", "boolean", True, help="Rush orders are packed first."),
        w("rating", "Rating", "rating", 3, settings={"max": 5}),
        w("owner", "Owner", "user", "u1", users=tuple(USERS.values())),
        w("email", "E-mail", "email", "office@", errors=("Not an e-mail address.",) if errors else ()),
        w("phone", "Phone", "phone", "+44 20 7946 0018"),
        w("site", "Web page", "url", "https://example.org"),
        w("who", "Contact", "person_name", {"first": "Front", "last": "Desk", "full": "Front Desk"}),
        w("number", "Number", "shown", shown=Markup("00042"), read_only=True),
        w(
            "tags",
            "Tags",
            "multi_select",
            ["steel", "rush"],
            options=tuple(TAGS.values()),
            settings={"open": True},
            wide=True,
        ),
        w(
            "others",
            "Other suppliers",
            "link",
            refs=(ref,),
            modules=(("suppliers", "Supplier"),),
            settings={"many": True, "choices": more},
        ),
        w(
            "about",
            "About",
            "link",
            refs=(ref,),
            modules=(("suppliers", "Supplier"), ("orders", "Order")),
            settings={"polymorphic": True},
        ),
        w("address", "Address", "address", {"street": "12 Quay Street", "city": "Hamburg"}, wide=True),
        w(
            "files",
            "Files",
            "files",
            [{"id": "f1", "name": "Contract.pdf", "size": 1, "type": "application/pdf"}],
            settings={"multiple": True},
            wide=True,
        ),
        w("text", "Description", "textarea", "One line\nand another", wide=True),
        w("notes", "Notes", "markdown", "Some **bold** text", wide=True),
        w("extra", "Extra", "json", {"a": [1, 2]}, wide=True),
    )


def form_page(errors: bool = False) -> p.FormPage:
    every = widgets(errors)
    return p.FormPage(
        ORDERS,
        "Edit order",
        "/m/orders/1/edit",
        "/m/orders/1",
        (p.FormSection("Overview", every[:10]), p.FormSection("Details", every[10:])),
        version=3,
        multipart=True,
        problems=("An order needs a supplier or a contact.",) if errors else (),
        another=not errors,
    )


def search_page(query: str = "oak") -> p.SearchPage:
    hits = tuple(p.HitView(f"{name} <b>", f"/m/orders/{i}", Markup("Hamburg")) for i, name in enumerate(NAMES[:4]))
    return (
        p.SearchPage(query, (p.HitGroup(ORDERS, hits), p.HitGroup(TASKS, hits[:2])))
        if query == "oak"
        else p.SearchPage(query)
    )


def message_page() -> p.MessagePage:
    return p.MessagePage(
        404,
        "This page does not exist",
        "The address may be wrong, or what it showed was erased.",
        "search-x",
        reference="0197a0c2",
    )


def login_page(problem: str = "") -> p.LoginPage:
    return p.LoginPage(
        "North Quay Trading", "token", "preview", email="north@example.org" if problem else "", problem=problem
    )

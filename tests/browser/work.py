"""What the tests of the shell work with: somebody signed in, a module of things to do, one of appointments."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser, Page, StorageState

from tests.browser.site import PASSWORD, Site

ERRANDS: dict[str, Any] = {
    "name": "errands", "label": {"en": "Errand", "de": "Besorgung"},
    "label_plural": {"en": "Errands", "de": "Besorgungen"},
    "icon": "list-checks", "title": "{{ what }}", "order": 30, "shortcut": "e",
    "fields": [
        {"name": "what", "type": "text", "label": "What", "required": True, "searchable": True},
        {"name": "due", "type": "date", "label": "Due", "indexed": True},
        {"name": "place", "type": "text", "label": "Place"},
        {"name": "state", "type": "select", "label": "State", "default": "open",
         "options": [{"name": "open", "label": "Open"}, {"name": "done", "label": "Done"}]},
    ],
    "task": {"assignee": "owner", "due": "due", "done_when": "state == 'done'", "done": {"state": "done"}},
    "views": [
        {"name": "all", "label": "All errands", "layout": "list", "default": True, "columns": ["what", "due", "state"]},
        {"name": "placeless", "label": {"en": "Without a place", "de": "Ohne Ort"}, "layout": "list",
         "filter": "is_empty(place) and state == 'open'", "attention": True, "columns": ["what", "due"]},
    ],
}  # fmt: skip
VISITS: dict[str, Any] = {
    "name": "visits", "label": "Visit", "label_plural": "Visits", "icon": "calendar-clock", "title": "{{ whom }}",
    "order": 40, "shortcut": "v",
    "fields": [
        {"name": "whom", "type": "text", "label": "Whom", "required": True, "searchable": True},
        {"name": "starts", "type": "datetime", "label": "Starts"},
    ],
    "event": {"start": "starts"},
}  # fmt: skip


def make_work(site: Site) -> None:
    """Errands of the administrator that are late, due and due later; one visit today."""
    for module in (ERRANDS, VISITS):
        site.api("POST", "/modules", json=module)
    errands = [
        {"what": "Return the keys", "due": "2026-03-28", "place": "Harbour"},
        {"what": "Sign the lease", "due": "2026-03-31", "place": "Town hall"},
        {"what": "Order paper", "due": "2026-03-31", "place": "Oak Lane"},
        {"what": "Buy stamps", "due": "2026-04-20"},
    ]
    me = site.api("GET", "/me")["id"]
    site.api("POST", "/records/errands/batch", json={"create": [{**one, "owner": me} for one in errands]})
    site.api("POST", "/records/visits", json={"whom": "Harbour master", "starts": "2026-03-31T12:00:00Z"})


def sign_in(page: Page, site: Site, who: str = "admin") -> Page:
    """Through the form."""
    page.goto(site.url + "/login")
    page.get_by_label("E-mail").fill(f"{who}@example.com")
    page.locator("#password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/login" not in url)
    return page


def cookies_of(browser: Browser, site: Site, who: str = "admin") -> StorageState:
    """The session of somebody, for pages that need not sign in again."""
    context = browser.new_context()
    sign_in(context.new_page(), site, who)
    found = context.storage_state()
    context.close()
    return found

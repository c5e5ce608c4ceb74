"""Why a computed value is what it is, as a page and as the part beside the value."""

from __future__ import annotations

import re

import httpx

from tests.web.test_pages_http import web

__all__ = ["web"]


async def some(web: httpx.AsyncClient, module: str) -> str:
    """The address of a record."""
    found = re.search(rf'href="(/m/{module}/[0-9a-f-]{{36}})"', (await web.get(f"/m/{module}")).text)
    assert found is not None
    return found[1]


async def test_every_computed_value_leads_to_its_lineage_without_scripts(web: httpx.AsyncClient) -> None:
    supplier = await some(web, "suppliers")
    page = (await web.get(supplier)).text
    links = re.findall(r'href="([^"]+)" data-why', page)
    assert sorted(link.rpartition("/")[2] for link in links) == ["orders_count", "orders_value"]
    told = await web.get(links[0])
    assert told.status_code == 200 and told.text.count("<h1") == 1 and "The number of linked records" in told.text
    assert told.text.count("/m/orders/") >= 6 and ">Order " in told.text
    order = await some(web, "orders")
    double = await web.get(f"{order}/why/double")
    assert "pieces * 2" in double.text and "Pieces" in double.text
    part = await web.get(f"{order}/why/double", headers={"HX-Request": "true"})
    assert "<html" not in part.text and 'class="why-told"' in part.text


async def test_what_was_written_by_hand_and_what_is_not_there_has_no_lineage(web: httpx.AsyncClient) -> None:
    order = await some(web, "orders")
    for path in (f"{order}/why/subject", f"{order}/why/nothing", "/m/orders/00000000-0000-0000-0000-000000000000/why/double"):
        assert (await web.get(path)).status_code == 404, path
    assert "data-why" not in (await web.get(f"{order}/edit")).text

"""What was published just now is there for the next request, also while others were reading the definitions."""

from __future__ import annotations

import asyncio

from tests.publishing.conftest import Place
from xrm_core.definitions import edit


async def test_a_catalog_read_while_somebody_published_is_not_worked_on_with(place: Place) -> None:
    catalogs = place.units.catalogs
    for number in range(8):
        catalogs.forget(place.workspace)
        reading = asyncio.create_task(catalogs.get(place.workspace))
        await asyncio.sleep(0.002 * number)
        module = {
            "name": f"things_{number}", "label": "Thing", "label_plural": f"Things {number}", "title": "{{ name }}",
            "fields": [{"name": "name", "type": "text", "label": "Name"}],
        }  # fmt: skip
        await place.publish(lambda old, module=module: edit.add_module(old, module))
        await reading
        assert f"things_{number}" in (await catalogs.get(place.workspace)).by_name

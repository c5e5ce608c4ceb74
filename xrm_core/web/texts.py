"""Files of the browser: what was built, and the scripts' texts in each language."""

from __future__ import annotations

import gzip
from functools import cache

from xrm_core.web import i18n
from xrm_core.web.assets import Asset, assets


def built(name: str) -> Asset | None:
    """A file by its name, with its hash; None for one that does not exist."""
    if name.startswith("texts-"):
        return _texts().get(name)
    return assets().served.get(name)


@cache
def _texts() -> dict[str, Asset]:
    found = {}
    for locale in (*i18n.languages(), i18n.PSEUDO):
        name, body = i18n.browser_script(locale)
        found[name] = Asset("text/javascript", body, {"gzip": gzip.compress(body, 9)}, immutable=True)
    return found

"""Package build hook: makes the browser assets before the wheel is put together."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface  # type: ignore[import-not-found,unused-ignore]


class AssetsHook(BuildHookInterface):  # type: ignore[type-arg,misc,unused-ignore]
    """Runs xrm_core/web/build.py, loaded by its path because the package is not installed yet."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the assets, or stop with one clear line."""
        path = Path(self.root) / "xrm_core" / "web" / "build.py"
        spec = importlib.util.spec_from_file_location("xrm_web_build", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self.app.display_info(module.build())

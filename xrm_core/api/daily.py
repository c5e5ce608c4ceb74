"""The routes that daily work needs: undo, many records at once, views, settings, notifications, and what to do today."""

from __future__ import annotations

from typing import Any

from xrm_core.api import bulk, changes, glance, notifications, stream, views

HANDLERS: list[Any] = [*changes.HANDLERS, *bulk.HANDLERS, *views.HANDLERS, *glance.HANDLERS, *notifications.HANDLERS, *stream.HANDLERS]
"""Below /api/v1."""

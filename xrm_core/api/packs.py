"""Packs: which there are, what installing one would change, and installing it."""

from __future__ import annotations

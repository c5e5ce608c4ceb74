"""Definitions: modules, links, pipelines, rules, views, layouts, roles and packs as frozen data."""

from __future__ import annotations

from xrm_core.definitions.collection import KINDS, DefinitionSet, body
from xrm_core.definitions.layout import Layout, Section
from xrm_core.definitions.link import Inverse, Link
from xrm_core.definitions.module import Module
from xrm_core.definitions.pack import Pack
from xrm_core.definitions.pipeline import Pipeline, Stage
from xrm_core.definitions.role import Grants, Role
from xrm_core.definitions.rule import DuplicateRule, Rule, UniqueRule, ValidationRule
from xrm_core.definitions.view import View

__all__ = [
    "KINDS",
    "DefinitionSet",
    "DuplicateRule",
    "Grants",
    "Inverse",
    "Layout",
    "Link",
    "Module",
    "Pack",
    "Pipeline",
    "Role",
    "Rule",
    "Section",
    "Stage",
    "UniqueRule",
    "ValidationRule",
    "View",
    "body",
]

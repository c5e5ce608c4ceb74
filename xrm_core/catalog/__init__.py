"""The catalog: the live definitions of a workspace, compiled."""

from xrm_core.catalog.catalog import Catalog
from xrm_core.catalog.catalogs import Catalogs
from xrm_core.storage.model import CompiledField, CompiledInverse, CompiledLink, CompiledModule

__all__ = ["Catalog", "Catalogs", "CompiledField", "CompiledInverse", "CompiledLink", "CompiledModule"]

"""XRM: model a business as data and run it: modules, links, pipelines, views and roles are definitions."""

__version__ = "0.1.0"

"""The command `xrm` with its groups."""

from __future__ import annotations

import click

from xrm_core import __version__
from xrm_core.cli import (
    automations,
    database,
    definitions,
    demo,
    docs,
    doctor,
    importing,
    mailboxes,
    packs,
    people,
    running,
    schemas,
    workspaces,
)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\nExample:\n  xrm demo",
)
@click.version_option(__version__, prog_name="xrm", message="%(prog)s %(version)s")
def xrm() -> None:
    """A metadata engine for running a business: modules, links, pipelines and roles are data."""


for part in (demo, running, database, workspaces, people, mailboxes, packs, importing, definitions, automations, schemas, docs, doctor):
    part.register(xrm)


def run(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    xrm.main(args=arguments, prog_name="xrm")

"""The commands: usage, arguments and options of each, as its `--help` says them."""

from __future__ import annotations

from collections.abc import Iterator

import click

from xrm_core.cli.reference.pages import table


def text(xrm: click.Group) -> str:
    """A section for each command."""
    return "\n\n".join(_section(name, command) for name, command in commands(xrm, "xrm"))


def commands(group: click.Group, prefix: str) -> Iterator[tuple[str, click.Command]]:
    """All commands below a group that do something, with their full names."""
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", command


def _section(name: str, command: click.Command) -> str:
    found = [f"## {name}", " ".join((command.help or "").split())]
    example = (command.epilog or "").replace("\b", "").strip()
    if example.startswith("Example:"):
        found.append("```console\n" + example.removeprefix("Example:").split("\n\n")[0].strip() + "\n```")
    rows = [row for parameter in command.params if (row := _row(parameter, command)) is not None]
    if rows:
        found.append(table(("", "what it means"), rows))
    return "\n\n".join(found)


def _row(parameter: click.Parameter, command: click.Command) -> tuple[str, str] | None:
    context = click.Context(command)
    if isinstance(parameter, click.Argument):
        return (f"`{parameter.make_metavar(context)}`", "" if parameter.required else "may be left out")
    record = parameter.get_help_record(context)
    return None if record is None else (f"`{record[0]}`", record[1])

"""Settings: XRM_* environment variables and a .env file, each value with its source; secrets are masked when shown."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from zoneinfo import available_timezones

from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.problem import Problem

_LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$")
_PASSWORD = re.compile(r"(//[^:/@\s]*:)[^@\s]*(@)")


@dataclass(frozen=True, slots=True)
class Option:
    """One setting that exists: its variable, default, and what it is for."""

    name: str
    default: str
    help: str
    secret: bool = False
    url: bool = False
    """An address that may hold a password: only that is masked."""

    @property
    def variable(self) -> str:
        return "XRM_" + self.name.upper()


OPTIONS: tuple[Option, ...] = (
    Option(
        "database_url",
        "",
        "PostgreSQL 15 or newer for the workspaces; empty: the embedded server in the data directory.",
        url=True,
    ),
    Option("ddl_database_url", "", "Where schema changes are sent; empty: the same server.", url=True),
    Option(
        "control_database_url",
        "",
        "Where accounts, sessions and the list of workspaces live; empty: the same server.",
        url=True,
    ),
    Option(
        "data_dir",
        "",
        "Directory of the embedded server, files and generated secrets; empty: the system's place for application data.",
    ),
    Option("host", "127.0.0.1", "Address that the web process listens on."),
    Option("port", "8000", "Port that the web process listens on."),
    Option(
        "secret_key",
        "",
        "Signs what leaves the server and comes back; empty: made up and kept in the data directory.",
        secret=True,
    ),
    Option("admin_email", "", "E-mail address of the first administrator; empty: admin@example.com."),
    Option("admin_password", "", "Password of the first administrator; empty: made up and printed.", secret=True),
    Option("smtp_url", "", "Mail server, such as smtp://user:password@mail.example.com:587.", url=True),
    Option("mail_from", "", "Address in From of mail that goes out by XRM_SMTP_URL; empty: its user."),
    Option("mail_limit_mb", "25", "Largest mail that is sent with its attachments, or read whole, in megabytes."),
    Option(
        "public_url",
        "",
        "Address under which people reach the product, such as https://xrm.example.com; empty: this computer's.",
    ),
    Option("private_hosts", "false", "Whether webhooks and calendars may be at addresses of a private network."),
    Option("time_zone", "UTC", "Time zone of new workspaces, such as Europe/Berlin."),
    Option("currency", "EUR", "Currency of new workspaces, an ISO 4217 code."),
    Option("locale", "en", "Language and notation of new workspaces, such as en or de."),
    Option("log_level", "info", "debug, info, warning or error."),
    Option("log_format", "auto", "json, text, or auto: text on a terminal, JSON otherwise."),
    Option("body_limit_mb", "10", "Largest request body that is not a file upload, in megabytes."),
    Option("file_limit_mb", "50", "Largest uploaded file, in megabytes."),
    Option("session_days", "14", "Days without use after which a browser session ends."),
    Option("pool_size", "10", "Database connections of one process for reading, and as many for writing."),
    Option("prepare", "true", "Keep prepared statements; false behind a pooler that cannot hold them."),
)
_BY_NAME = {option.name: option for option in OPTIONS}


@dataclass(frozen=True, slots=True)
class Value:
    """What a setting is now, and where that comes from."""

    option: Option
    text: str
    source: str

    @property
    def shown(self) -> str:
        """The value as it may be printed."""
        if self.option.secret:
            return "********" if self.text else ""
        return _PASSWORD.sub(r"\1********\2", self.text) if self.option.url else self.text


@dataclass(frozen=True)
class Settings:
    """All settings of a process, checked on first use; `values` knows the source of each."""

    values: Mapping[str, Value] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    """XRM_* variables that mean nothing, most likely misspelt."""

    @classmethod
    def load(
        cls, environment: Mapping[str, str] | None = None, env_file: Path | None = None, **given: str | int | None
    ) -> Settings:
        """Settings from the command line (`given`), else the environment, else the .env file, else their defaults."""
        environment = os.environ if environment is None else environment
        path = env_file or Path(".env")
        from_file = read_env_file(path)
        values: dict[str, Value] = {}
        for option in OPTIONS:
            chosen = given.get(option.name)
            if chosen is not None:
                values[option.name] = Value(option, str(chosen), "command line")
            elif option.variable in environment:
                values[option.name] = Value(option, environment[option.variable], "environment")
            elif option.variable in from_file:
                values[option.name] = Value(option, from_file[option.variable], str(path))
            else:
                values[option.name] = Value(option, option.default, "default")
        known = {option.variable for option in OPTIONS}
        named = {
            name for name in (*environment, *from_file) if name.startswith("XRM_") and not name.startswith("XRM_TEST_")
        }
        return cls(values, tuple(sorted(named - known)))

    def with_values(self, **given: str | None) -> Settings:
        """A copy with some values from the command line; None leaves a value alone."""
        chosen = {
            name: Value(_BY_NAME[name], value, "command line") for name, value in given.items() if value is not None
        }
        return Settings({**self.values, **chosen}, self.unknown)

    def __getitem__(self, name: str) -> str:
        return self.values[name].text.strip()

    def check(self) -> list[Problem]:
        """Everything that is wrong with the values."""
        problems: list[Problem] = []
        for name in ("port", "body_limit_mb", "file_limit_mb", "mail_limit_mb", "session_days", "pool_size"):
            most = 65535 if name == "port" else 100_000
            if not (
                self[name].isascii()
                and self[name].isdigit()
                and (0 if name == "port" else 1) <= int(self[name]) <= most
            ):
                problems.append(self._problem(name, f"is {self[name]!r}, not a number up to {most}"))
        if self["time_zone"] not in available_timezones():
            problems.append(
                self._problem(
                    "time_zone", f"is {self['time_zone']!r}, which is no time zone", "Use a name such as Europe/Berlin."
                )
            )
        if not re.fullmatch(r"[A-Z]{3}", self["currency"]):
            problems.append(self._problem("currency", f"is {self['currency']!r}, not three capital letters"))
        if not re.fullmatch(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*", self["locale"]):
            problems.append(self._problem("locale", f"is {self['locale']!r}, which is no language tag"))
        if self["log_level"].lower() not in ("debug", "info", "warning", "error"):
            problems.append(
                self._problem("log_level", f"is {self['log_level']!r}", "Use debug, info, warning or error.")
            )
        if self["log_format"].lower() not in ("auto", "json", "text"):
            problems.append(self._problem("log_format", f"is {self['log_format']!r}", "Use json, text or auto."))
        for name in ("prepare", "private_hosts"):
            if self[name].lower() not in ("true", "false", "1", "0", "yes", "no"):
                problems.append(self._problem(name, f"is {self[name]!r}", "Use true or false."))
        if self["public_url"] and not re.fullmatch(r"https?://[^\s/@?#]+(/[^\s?#]*)?", self["public_url"]):
            problems.append(self._problem("public_url", "is no address", "Write it like https://xrm.example.com."))
        return problems

    def checked(self) -> Settings:
        """These settings; raises Invalid with all problems."""
        problems = self.check()
        if problems:
            raise Invalid(problems)
        return self

    @staticmethod
    def _problem(name: str, text: str, hint: str = "") -> Problem:
        return Problem("setting", "/" + name, f"{_BY_NAME[name].variable} {text}.", hint)

    @property
    def host(self) -> str:
        return self["host"]

    @property
    def port(self) -> int:
        return int(self["port"])

    @property
    def database_url(self) -> str | None:
        """The address of a server of the user's own; None: the embedded one."""
        return self["database_url"] or None

    @cached_property
    def data_dir(self) -> Path | None:
        """Where the user wants the data; None: the default place."""
        return Path(self["data_dir"]).expanduser().resolve() if self["data_dir"] else None

    @property
    def time_zone(self) -> str:
        return self["time_zone"]

    @property
    def currency(self) -> str:
        return self["currency"]

    @property
    def locale(self) -> str:
        return self["locale"]

    @property
    def admin_email(self) -> str | None:
        return self["admin_email"] or None

    @property
    def admin_password(self) -> str | None:
        return self["admin_password"] or None

    @property
    def body_limit(self) -> int:
        """In bytes."""
        return int(self["body_limit_mb"]) * 1024 * 1024

    @property
    def file_limit(self) -> int:
        """In bytes."""
        return int(self["file_limit_mb"]) * 1024 * 1024

    @property
    def session_days(self) -> int:
        return int(self["session_days"])

    @property
    def pool_size(self) -> int:
        return int(self["pool_size"])

    @property
    def mail_limit(self) -> int:
        """In bytes."""
        return int(self["mail_limit_mb"]) * 1024 * 1024

    @property
    def public_url(self) -> str:
        """Without a slash at its end."""
        return (self["public_url"] or f"http://localhost:{self.port}").rstrip("/")

    @property
    def private_hosts(self) -> bool:
        return self["private_hosts"].lower() in ("true", "1", "yes")

    @property
    def prepare(self) -> bool:
        return self["prepare"].lower() in ("true", "1", "yes")


def read_env_file(path: Path) -> dict[str, str]:
    """The assignments of a .env file: NAME=value, quotes optional, # starts a comment; {} when there is no such file."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    found: dict[str, str] = {}
    for line in lines:
        match = _LINE.match(line)
        if not match or line.lstrip().startswith("#"):
            continue
        name, value = match.groups()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        else:
            value = value.split(" #", 1)[0].rstrip()
        found[name] = value
    return found

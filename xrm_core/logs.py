"""Logging of a process: one JSON object per line for machines, short lines for people at a terminal."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import IO

import orjson

from xrm_core.settings import Settings

_EXTRA = ("request_id", "status", "ms", "route", "workspace", "job")


class JsonLines(logging.Formatter):
    """One JSON object per record."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        found = {"at": at, "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage()}
        found |= {key: getattr(record, key) for key in _EXTRA if hasattr(record, key)}
        if record.exc_info:
            found["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(found, default=str).decode()


class PlainLines(logging.Formatter):
    """`12:31:07 warning xrm.worker: …`, with a trace only for faults."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        more = "".join(f" {key}={getattr(record, key)}" for key in _EXTRA if hasattr(record, key))
        text = f"{at} {record.levelname.lower()} {record.name}: {record.getMessage()}{more}"
        return text + ("\n" + self.formatException(record.exc_info) if record.exc_info else "")


def set_up(settings: Settings, stream: IO[str] | None = None, *, quiet: bool = False) -> None:
    """Send all logs of the process to standard error; `quiet` leaves out what only says that all is well."""
    stream = stream or sys.stderr
    wanted = settings["log_format"].lower()
    as_json = wanted == "json" or (wanted == "auto" and not stream.isatty())
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False  # nobody prints them, each line asks
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines() if as_json else PlainLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    level = logging.WARNING if quiet else getattr(logging, settings["log_level"].upper())
    logging.getLogger("xrm").setLevel(level)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)

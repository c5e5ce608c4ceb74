"""Progress of something long: one line that changes on a terminal, a line per step in a log, nothing for machines."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import IO

_WIDTH = 28
_EVERY = 0.1


class Progress:
    """`with Progress("Loading") as progress: progress.step("people", 10, 100)`."""

    def __init__(self, title: str, *, quiet: bool = False, stream: IO[str] | None = None) -> None:
        self.title = title
        self.quiet = quiet
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._said = ""
        self._shown = 0.0

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._terminal and self._said:
            print("\r\x1b[K", end="", file=self._stream, flush=True)

    def step(self, what: str, done: int, total: int | None = None) -> None:
        """So much of `total` is done, `what` is under way."""
        if self.quiet:
            return
        now = time.monotonic()
        if self._terminal:
            if what != self._said or now - self._shown >= _EVERY:
                self._said, self._shown = what, now
                print(f"\r\x1b[K{self.title} {_bar(done, total)}{what}", end="", file=self._stream, flush=True)
        elif what != self._said:
            self._said = what
            of = f" ({done:,} of {total:,})" if total else ""
            print(f"{self.title}: {what}{of}", file=self._stream, flush=True)


def _bar(done: int, total: int | None) -> str:
    if not total:
        return ""
    full = min(_WIDTH, _WIDTH * done // total)
    return f"[{'#' * full}{'.' * (_WIDTH - full)}] {done:,}/{total:,} "

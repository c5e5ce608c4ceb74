"""Progress of something long: a bar on a terminal, a line now and then in a log, nothing for machines."""

from __future__ import annotations

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars


class Progress:
    """`with Progress("Loading") as progress: progress.step("people", 10, 100)`."""

    def __init__(self, title: str, *, quiet: bool = False) -> None:
        self.title = title
        self.quiet = quiet
        console = Console(stderr=True)
        self._bars: Bars | None = None
        if console.is_terminal and not quiet:
            self._bars = Bars(
                SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                console=console, transient=True,
            )  # fmt: skip
        self._task: TaskID | None = None
        self._said = ""

    def __enter__(self) -> Progress:
        if self._bars is not None:
            self._bars.start()
            self._task = self._bars.add_task(self.title, total=None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def step(self, what: str, done: int, total: int | None = None) -> None:
        """So much of `total` is done, `what` is under way."""
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, description=f"{self.title}: {what}", completed=done, total=total)
        elif not self.quiet and what != self._said:
            self._said = what
            of = f" ({done:,} of {total:,})" if total else ""
            print(f"{self.title}: {what}{of}", file=sys.stderr, flush=True)

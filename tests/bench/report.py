"""Results: what was measured, against what target, printed as one table."""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Result:
    """One measured thing; `at_most` says whether the target is an upper or a lower limit. No target: told, not judged."""

    name: str
    measured: float
    target: float | None = None
    at_most: bool = True
    unit: str = "x"
    note: str = ""

    @property
    def missed(self) -> bool:
        if self.target is None:
            return False
        return self.measured > self.target if self.at_most else self.measured < self.target

    def cells(self) -> tuple[str, str, str, str, str]:
        target = "" if self.target is None else ("<= " if self.at_most else ">= ") + _number(self.target, self.unit)
        margin = "" if not self.target else f"{self.measured / self.target:.2f}"
        verdict = "" if self.target is None else "MISSED" if self.missed else "ok"
        return (
            self.name,
            target,
            _number(self.measured, self.unit),
            margin,
            f"{verdict}{'  ' if self.note else ''}{self.note}",
        )


def _number(value: float, unit: str) -> str:
    shown = f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
    return f"{shown} {unit}".strip() if unit != "x" else f"{shown}x"


@dataclass
class Report:
    """All results of a run; printed as they come in groups."""

    results: list[Result] = field(default_factory=list)

    def add(self, title: str, results: Sequence[Result]) -> None:
        self.results += results
        rows = [("", "target", "measured", "ratio", ""), *(result.cells() for result in results)]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        print(f"\n{title}")
        for name, target, measured, ratio, verdict in rows:
            print(
                f"  {name:<{widths[0]}}  {target:>{widths[1]}}  {measured:>{widths[2]}}  {ratio:>{widths[3]}}  {verdict}",
                flush=True,
            )

    @property
    def missed(self) -> list[Result]:
        return [result for result in self.results if result.missed]


async def side_by_side(
    work: dict[str, Callable[[], Awaitable[object]]], *, rounds: int = 31, warm: int = 3, least: float = 0.004
) -> dict[str, float]:
    """The median seconds of each of several things, taken in turns so that all meet the same machine; fast ones are repeated."""
    repeats: dict[str, int] = {}
    for name, one in work.items():
        for _ in range(warm):
            started = time.perf_counter()
            await one()
            took = time.perf_counter() - started
        repeats[name] = max(1, min(50, round(least / max(took, 1e-6))))
    found: dict[str, list[float]] = {name: [] for name in work}
    names = list(work)
    for index in range(rounds):
        for name in names if index % 2 else reversed(names):
            one, times = work[name], repeats[name]
            started = time.perf_counter()
            for _ in range(times):
                await one()
            found[name].append((time.perf_counter() - started) / times)
    return {name: statistics.median(times) for name, times in found.items()}

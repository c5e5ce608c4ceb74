"""Numbers about the process in Prometheus' text format: requests, their latency, and the database pools."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_MOST_SERIES = 2000


class Telemetry:
    """Counts requests per route and status, and their durations per route; all in memory, one per process."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, int], int] = {}
        self._latency: dict[tuple[str, str], list[float]] = {}
        self.faults = 0

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        key = (method, route, status)
        if key not in self._counts and len(self._counts) >= _MOST_SERIES:
            key = (method, "other", status)
        self._counts[key] = self._counts.get(key, 0) + 1
        series = self._latency.get((method, key[1]))
        if series is None:
            # One counter per bucket, one for "longer", then the sum of all seconds.
            series = self._latency[(method, key[1])] = [0.0] * (len(BUCKETS) + 2)
        series[bisect_left(BUCKETS, seconds)] += 1
        series[-1] += seconds
        if status >= 500:
            self.faults += 1

    def text(self, gauges: Mapping[str, float]) -> str:
        """The exposition; `gauges` are further numbers of this moment, by metric name."""
        lines = ["# HELP xrm_http_requests_total Answered requests.", "# TYPE xrm_http_requests_total counter"]
        for (method, route, status), count in sorted(self._counts.items()):
            lines.append(
                f'xrm_http_requests_total{{method="{method}",route="{_escaped(route)}",status="{status}"}} {count}'
            )
        name = "xrm_http_request_duration_seconds"
        lines += [f"# HELP {name} Time from the request to the last byte of its answer.", f"# TYPE {name} histogram"]
        for (method, route), series in sorted(self._latency.items()):
            labels = f'method="{method}",route="{_escaped(route)}"'
            total = 0
            for limit, many in zip((*BUCKETS, float("inf")), series[:-1], strict=True):
                total += int(many)
                bound = "+Inf" if limit == float("inf") else f"{limit:g}"
                lines.append(f'{name}_bucket{{{labels},le="{bound}"}} {total}')
            lines += [f"{name}_sum{{{labels}}} {series[-1]:.6f}", f"{name}_count{{{labels}}} {total}"]
        for gauge, value in sorted(gauges.items()):
            lines += [f"# TYPE {gauge} gauge", f"{gauge} {value:g}"]
        return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

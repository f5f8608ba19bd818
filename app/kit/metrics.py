"""Counts and durations of requests in Prometheus' text format (exposition format 0.0.4)."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

BUCKETS_S = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass
class _Series:
    count: int = 0
    seconds: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * len(BUCKETS_S))


class Metrics:
    """Requests of one process, by route template (never by path: labels stay few)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._durations: dict[tuple[str, str], _Series] = {}
        self._statuses: dict[tuple[str, str, int], int] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request that took `seconds`."""
        method = method if method in _METHODS else "OTHER"
        with self._lock:
            series = self._durations.setdefault((method, route), _Series())
            series.count += 1
            series.seconds += seconds
            for i, bound in enumerate(BUCKETS_S):
                series.buckets[i] += seconds <= bound
            key = (method, route, status)
            self._statuses[key] = self._statuses.get(key, 0) + 1

    def text(self, build: Mapping[str, str]) -> str:
        """Return everything as Prometheus text; `build` labels the gauge hatang_build_info."""
        with self._lock:
            statuses = sorted(self._statuses.items())
            durations = sorted((k, s.count, s.seconds, tuple(s.buckets)) for k, s in self._durations.items())
        lines = [
            "# HELP hatang_build_info Version of the running program.",
            "# TYPE hatang_build_info gauge",
            f"hatang_build_info{_labels(build)} 1",
            "# HELP hatang_http_requests_total Requests answered.",
            "# TYPE hatang_http_requests_total counter",
        ]
        for (method, route, status), count in statuses:
            labels = _labels({"method": method, "route": route, "status": str(status)})
            lines.append(f"hatang_http_requests_total{labels} {count}")
        lines += [
            "# HELP hatang_http_request_duration_seconds Time until the whole answer was sent.",
            "# TYPE hatang_http_request_duration_seconds histogram",
        ]
        name = "hatang_http_request_duration_seconds"
        for (method, route), count, seconds, buckets in durations:
            base = {"method": method, "route": route}
            lines += [
                f"{name}_bucket{_labels(base | {'le': f'{bound:g}'})} {n}"
                for bound, n in zip(BUCKETS_S, buckets, strict=True)
            ]
            lines.append(f"{name}_bucket{_labels(base | {'le': '+Inf'})} {count}")
            lines.append(f"{name}_sum{_labels(base)} {seconds:.6f}")
            lines.append(f"{name}_count{_labels(base)} {count}")
        return "\n".join(lines) + "\n"


def _labels(values: Mapping[str, str]) -> str:
    def escaped(value: str) -> str:
        return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

    return "{" + ",".join(f'{k}="{escaped(v)}"' for k, v in values.items()) + "}"

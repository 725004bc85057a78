"""Resource use against limits: memory and CPU of containers, disks, the host's memory and load, stores."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from service_down.fixtures.evidence.observation import Observation
from service_down.fixtures.settings.schema import Settings, Thresholds
from service_down.reports.text import single_line


@dataclass(frozen=True)
class Bar:
    """One quantity against its limit."""

    name: str
    what: str
    used: str
    limit: str
    share: float  # in per cent
    level: str  # ok, degraded (above the warning threshold) or down (full), by the thresholds of the checks


def bars(observations: Mapping[str, Observation], settings: Settings) -> tuple[Bar, ...]:
    """Return every bar, the fullest first."""
    thresholds = settings.thresholds
    found = [
        *_host(observations, thresholds),
        *_containers(observations, thresholds),
        *_stores(observations, thresholds),
    ]
    return tuple(sorted(found, key=lambda bar: (-bar.share, bar.name, bar.what)))


def _bar(
    name: str, what: str, used: str, limit: str, share: float, warning: float = 100.0, full: float = math.inf
) -> Bar:
    level = "down" if share >= full else "degraded" if share >= warning else "ok"
    return Bar(single_line(name), what, used, limit, round(min(max(share, 0.0), 100.0), 1), level)


def _host(observations: Mapping[str, Observation], thresholds: Thresholds) -> Iterator[Bar]:
    mounts = set()
    for _, one in _of("disk:", observations):
        name, share = one["mount"], one["used_percent"]
        if name not in mounts:
            mounts.add(name)
            sizes = _size(one["used"]), _size(one["size"])
            yield _bar(name, "disk", *sizes, share, thresholds.disk_warn_percent, thresholds.disk_full_percent)
    for _, one in _of("memory", observations):
        total, free = one["total"], one["available"]
        limit = 100 - thresholds.memory_available_percent
        yield _bar("host", "memory", _size(total - free), _size(total), 100 * (1 - free / total), limit, limit)
    for _, one in _of("load", observations):
        most = one["cpus"] * thresholds.load_per_cpu
        yield _bar("host", "load, 1 min", f"{one['1']:g}", f"{most:g} ({one['cpus']} cores)", 100 * one["1"] / most)


def _containers(observations: Mapping[str, Observation], thresholds: Thresholds) -> Iterator[Bar]:
    cpus = next((one.get("cpus") for _, one in _of("engine", observations) if "containers" in one), None)
    for _, value in _of("usage:", observations):
        for one in value:
            limit, allowed = one["memory_limit"], one["cpu_limit"] or cpus
            if limit and one["memory"]:
                share, sizes = 100 * one["memory"] / limit, (_size(one["memory"]), _size(limit))
                yield _bar(one["container"], "memory", *sizes, share, thresholds.container_memory_percent)
            if allowed and one["cpus"] is not None:
                share, cores = 100 * one["cpus"] / allowed, (f"{one['cpus']:.2f}", f"{allowed:g} cores")
                yield _bar(one["container"], "CPU", *cores, share, thresholds.container_cpu_percent)


def _stores(observations: Mapping[str, Observation], thresholds: Thresholds) -> Iterator[Bar]:
    for name, one in _of("postgres:", observations):
        if one.get("allowed"):
            used, allowed = one["used"], one["allowed"]
            share = 100 * used / allowed
            yield _bar(name, "connections", str(used), str(allowed), share, thresholds.connections_warn_percent)
    for name, one in _of("redis:", observations):
        if one.get("maxmemory"):
            sizes = _size(one["used_memory"]), _size(one["maxmemory"])
            share = 100 * one["used_memory"] / one["maxmemory"]
            yield _bar(name, "memory", *sizes, share, thresholds.redis_memory_percent)


def _of(start: str, observations: Mapping[str, Observation]) -> Iterator[tuple[str, Any]]:
    """Yield id and value of each answered probe with this id, or, when it ends with a colon, with this prefix."""
    for probe, observation in sorted(observations.items()):
        matches = probe.startswith(start) if start.endswith(":") else probe == start
        if matches and observation.outcome == "seen" and observation.value:
            yield probe, observation.value


def _size(amount: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024 or unit == "GiB":
            return f"{amount:.0f} {unit}" if unit in ("B", "KiB", "MiB") else f"{amount:.1f} {unit}"
        amount /= 1024
    raise AssertionError  # the loop ends at GiB

"""Bars for the page: how much of each limited resource is used; pure."""

from __future__ import annotations

from dataclasses import dataclass

from service_down.fixtures.evidence.observation import Observations
from service_down.fixtures.probes.registry import subjects
from service_down.fixtures.probes.subject import ResourceUsage
from service_down.fixtures.settings.schema import Settings
from service_down.fixtures.text import single_line


@dataclass(frozen=True)
class Bar:
    """One quantity against its limit; `share` in per cent, `level` by the thresholds of the checks."""

    name: str
    what: str
    used: str
    limit: str
    share: float
    level: str  # ok, degraded (from the warning's threshold on) or down (full)


def bars(observations: Observations, settings: Settings) -> tuple[Bar, ...]:
    """Return a bar for each resource of each registered subject, the fullest first."""
    found = [_bar(usage) for subject in subjects() for usage in subject.resources(observations, settings.thresholds)]
    return tuple(sorted(found, key=lambda bar: (-bar.share, bar.name, bar.what)))


def _bar(usage: ResourceUsage) -> Bar:
    if usage.percent >= usage.full_percent:
        level = "down"
    else:
        level = "degraded" if usage.percent >= usage.warning_percent else "ok"
    share = round(min(max(usage.percent, 0.0), 100.0), 1)
    return Bar(single_line(usage.name), usage.what, usage.used, usage.limit, share, level)

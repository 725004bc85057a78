"""The verdict in one sentence; pure."""

from __future__ import annotations

from collections.abc import Sequence

from service_down.fixtures.catalog.finding import Finding
from service_down.reports.text import shortened
from service_down.reports.verdict import Cause, CheckResult, VerdictWord

MAX_REASON_CHARACTERS = 160


def summary_sentence(
    word: VerdictWord, causes: Sequence[Cause], unknown: Sequence[tuple[str, str]], results: Sequence[CheckResult]
) -> str:
    """The verdict in one sentence, for an incident commander to read aloud."""
    judged = sum(result.outcome not in ("skipped", "unknown") for result in results)
    parts = []
    if causes:
        first = causes[0]
        parts.append(first.summary + _followers([service for service in first.blocks if service not in first.shares]))
        if len(causes) > 1:
            others = ", ".join(f"{cause.service} ({cause.code})" for cause in causes[1:4])
            more = f" and {len(causes) - 4} more" if len(causes) > 4 else ""
            parts.append(f"besides: {others}{more}")
    elif judged:
        parts.append(f"the {judged} checks that could look found nothing wrong" if unknown else _all_fine(results))
    parts += _unlooked(unknown, results)
    if not parts:
        parts.append("no check was run, so nothing is known")
    return "; ".join(parts)


def set_up_sentence(
    warnings: Sequence[Finding],
    unknown: Sequence[tuple[str, str]],
    results: Sequence[CheckResult],
    service_count: int,
) -> str:
    """The verdict on how a stack is set up, in one sentence. It must not be taken for a verdict on how it works."""
    judged = sum(result.outcome not in ("skipped", "unknown") for result in results)
    concerned = len({finding.service for finding in warnings})
    things = f"{len(warnings)} thing{'' if len(warnings) == 1 else 's'} to improve"
    parts = []
    if warnings:
        parts.append(f"{things}, in {concerned} of {service_count} services")
    elif judged:
        parts.append(f"nothing to improve in what {judged} check{'' if judged == 1 else 's'} looked at")
    parts += _unlooked(unknown, results)
    if not parts:
        parts.append("no check was run, so nothing is known")
    return "; ".join([*parts, "whether the services work was not looked at (pytest -m triage)"])


def _unlooked(unknown: Sequence[tuple[str, str]], results: Sequence[CheckResult]) -> list[str]:
    if not unknown:
        return []
    check, why = unknown[0]
    reason = shortened(why, MAX_REASON_CHARACTERS)
    return [f"{len(unknown)} of {len(results)} checks could not look ({check}: {reason})"]


def _all_fine(results: Sequence[CheckResult]) -> str:
    warned = sum(result.outcome == "warned" for result in results)
    ran = sum(result.outcome != "skipped" for result in results)
    return f"all {ran} checks passed" + (f", {warned} of them with a warning" if warned else "")


def _followers(services: Sequence[str]) -> str:
    if not services:
        return ""
    if len(services) == 1:
        return f"; {services[0]} only follows"
    return f"; {', '.join(services[:-1])} and {services[-1]} only follow"

"""The verdict in one sentence; pure."""

from __future__ import annotations

from collections.abc import Sequence

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
    if unknown:
        check, why = unknown[0]
        parts.append(
            f"{len(unknown)} of {len(results)} checks could not look ({check}: {shortened(why, MAX_REASON_CHARACTERS)})"
        )
    if not parts:
        parts.append("no check was run, so nothing is known")
    return "; ".join(parts)


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

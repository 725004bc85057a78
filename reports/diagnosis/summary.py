"""The verdict in one sentence, for a commander to read out; pure."""

from __future__ import annotations

from collections.abc import Sequence

from service_down.reports.verdict import Cause, CheckResult, VerdictWord


def sentence(
    word: VerdictWord, causes: Sequence[Cause], unknown: Sequence[tuple[str, str]], results: Sequence[CheckResult]
) -> str:
    """One sentence that a commander can read out."""
    judged = sum(one.outcome not in ("skipped", "unknown") for one in results)
    parts = []
    if causes:
        parts.append(causes[0].summary + _follow([one for one in causes[0].blocks if one not in causes[0].shares]))
        if len(causes) > 1:
            others = ", ".join(f"{one.service} ({one.code})" for one in causes[1:4])
            more = f" and {len(causes) - 4} more" if len(causes) > 4 else ""
            parts.append(f"besides: {others}{more}")
    elif judged:
        parts.append(f"the {judged} checks that could look found nothing wrong" if unknown else _all_fine(results))
    if unknown:
        parts.append(
            f"{len(unknown)} of {len(results)} checks could not look ({unknown[0][0]}: {_clipped(unknown[0][1])})"
        )
    if not parts:
        parts.append("no check was run, so nothing is known")
    return "; ".join(parts)


def _all_fine(results: Sequence[CheckResult]) -> str:
    warned = sum(one.outcome == "warned" for one in results)
    ran = sum(one.outcome != "skipped" for one in results)
    return f"all {ran} checks passed" + (f", {warned} of them with a warning" if warned else "")


def _clipped(text: str) -> str:
    return text if len(text) <= 160 else text[:159] + "…"


def _follow(blocks: Sequence[str]) -> str:
    if not blocks:
        return ""
    names = blocks[0] if len(blocks) == 1 else f"{', '.join(blocks[:-1])} and {blocks[-1]}"
    return f"; {names} only {'follows' if len(blocks) == 1 else 'follow'}"

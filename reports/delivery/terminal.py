"""The verdict at the end of the terminal's output: cause, proof, what follows, what to type next."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from service_down.fixtures.catalog.finding import Finding
from service_down.fixtures.evidence.observation import parse_time
from service_down.reports.history.compare import Comparison
from service_down.reports.text import NO_REASON, ago, listed, proof_text, single_line
from service_down.reports.verdict import Cause, Verdict

Line = tuple[str, Mapping[str, bool]]  # text, and pytest's markup

COLOUR: Mapping[str, Mapping[str, bool]] = {
    "healthy": {"green": True, "bold": True},
    "degraded": {"yellow": True, "bold": True},
    "unknown": {"purple": True, "bold": True},
    "down": {"red": True, "bold": True},
}
BOLD = {"bold": True}
DIM = {"light": True}
MOST = 5


def lines(
    verdict: Verdict,
    run: Mapping[str, Any],
    mode: str,
    files: Mapping[str, str],
    width: int,
    compared: Comparison | None = None,
) -> Iterator[Line]:
    """What the terminal shows, line by line; `files`: those of the report that are there, by what they are for."""
    width = max(60, min(width, 120))
    yield "", {}
    yield "━" * width, COLOUR[verdict.word]
    first, *rest = textwrap.wrap(single_line(verdict.summary), width - 11) or [""]
    yield f"{verdict.word.upper():<10} {first}", COLOUR[verdict.word]
    yield from ((" " * 11 + line, BOLD) for line in rest)
    yield " " * 11 + _about(run, mode), DIM
    if verdict.alert:
        text = f"{verdict.alert.name} looks {verdict.alert.looks}: {verdict.alert.why}"
        yield from _labelled("alert", text, width)
    for entry in verdict.changes:
        yield from _labelled("changed", f"{entry.at[11:19]} {entry.service}: {entry.what}", width)
    if compared:
        yield from _labelled("since", since_then(compared, parse_time(run["started"])), width)
    for number, cause in enumerate(verdict.causes, 1):
        yield "", {}
        yield from _cause(number, cause, parse_time(run["started"]), width)
    yield from _warnings(verdict.warnings, width)
    yield from _unknown(verdict.unknown, width)
    yield "", {}
    if verdict.reasons:
        yield f"ESCALATE   {', '.join(verdict.reasons)}", COLOUR["down"]
    elif verdict.causes:
        yield f"escalate   {NO_REASON}", {}
    yield from ((f"{label:<11}{path}", {}) for label, path in files.items())
    yield "━" * width, COLOUR[verdict.word]


def _labelled(name: str, text: str, width: int) -> Iterator[Line]:
    for row, line in enumerate(textwrap.wrap(single_line(text), width - 11)):
        yield (f"{name:<11}" if not row else " " * 11) + line, BOLD


def since_then(compared: Comparison, now: datetime | None) -> str:
    """What has changed since another run, in one sentence."""
    then = parse_time(compared.started)
    when = f"{then:%H:%M}" if then and now and then.date() == now.date() else compared.started[:16].replace("T", " ")
    said = "; ".join(f"{name}: {listed(sentences)}" for name, sentences in compared.parts())
    return f"{when} UTC ({compared.mode}: {compared.verdict})  {said or 'nothing has changed'}"


def _about(run: Mapping[str, Any], mode: str) -> str:
    parts = [
        f"{run['stack']} on {run['host']}",
        mode,
        str(run["started"])[:19].replace("T", " ") + " UTC",
        f"{run['seconds']:.1f} s",
    ]
    if run.get("incident"):
        parts.append(str(run["incident"]))
    if run.get("scope"):
        parts.append(f"ONLY {run['scope']}")
    if run.get("replayed"):
        parts.append("REPLAY of a recording")
    if run.get("interrupted"):
        parts.append("INTERRUPTED")
    return single_line(" · ".join(parts))


def _cause(number: int, cause: Cause, now: datetime | None, width: int) -> Iterator[Line]:
    title = f"{number}. {cause.service}: {cause.code} ({cause.severity}){_since(cause.since, now)}"
    yield single_line(title), COLOUR["down" if cause.severity == "critical" else "degraded"]
    yield from _block("what", [cause.summary], width)
    yield from _block("proof", [proof_text(one) for one in cause.proof[:MOST]], width)
    if cause.shares:
        yield from _block("shared", [", ".join(cause.shares)], width)
    if follow := [one for one in cause.blocks if one not in cause.shares]:
        yield from _block("blocks", [", ".join(follow)], width)
    yield from _block("runbook", [cause.runbook], width)
    if cause.caution:
        yield from _block("caution", [cause.caution], width)
    yield from (
        (f"   {'next' if not index else '':<8}{single_line(command)}", BOLD) for index, command in enumerate(cause.next)
    )


def _block(name: str, texts: Sequence[str], width: int) -> Iterator[Line]:
    for index, text in enumerate(texts):
        head = f"   {name if not index else '':<8}"
        for row, line in enumerate(textwrap.wrap(single_line(text), width - 11) or [""]):
            yield (head if not row else " " * 11) + line, {}


def _since(since: str | None, now: datetime | None) -> str:
    begun = parse_time(since)
    if begun is None or now is None:
        return ""
    return f", since {begun:%Y-%m-%d %H:%M:%S} UTC ({ago((now - begun).total_seconds())})"


def _warnings(warnings: Sequence[Finding], width: int) -> Iterator[Line]:
    if warnings:
        yield "", {}
    by_code: dict[str, list[Finding]] = {}
    for one in warnings:
        by_code.setdefault(one.code, []).append(one)
    for code, found in by_code.items():
        text = found[0].summary if len(found) == 1 else f"{code}: {', '.join(one.service for one in found)}"
        head = "warning    "
        for row, line in enumerate(textwrap.wrap(single_line(text), width - 11)):
            yield (head if not row else " " * 11) + line, {"yellow": True}


def _unknown(unknown: Sequence[tuple[str, str]], width: int) -> Iterator[Line]:
    if not unknown:
        return
    yield "", {}
    by_reason: dict[str, list[str]] = {}
    for check, why in unknown:
        by_reason.setdefault(why, []).append(check)
    yield f"could not look ({len(unknown)} checks):", COLOUR["unknown"]
    for why, checks in by_reason.items():
        for row, line in enumerate(textwrap.wrap(single_line(f"{listed(checks, 6)}: {why}"), width - 5)):
            yield ("   - " if not row else "     ") + line, {}

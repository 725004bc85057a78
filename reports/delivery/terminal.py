"""The verdict as the last lines on the terminal: cause, proof, what follows, and the commands to run next."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from service_down.fixtures.evidence.observation import parse_time
from service_down.fixtures.text import single_line
from service_down.reports.diagnosis.unlooked import by_reason
from service_down.reports.history.compare import comparison_text
from service_down.reports.text import NO_ESCALATION_REASON, ago, listed, shortened
from service_down.reports.verdict_file import CauseEntry, ProofEntry, RunInfo, UnknownEntry, VerdictFile, WarningEntry

Line = tuple[str, Mapping[str, bool]]  # text, and pytest's markup

COLOUR: Mapping[str, Mapping[str, bool]] = {
    "healthy": {"green": True, "bold": True},
    "degraded": {"yellow": True, "bold": True},
    "unknown": {"purple": True, "bold": True},
    "down": {"red": True, "bold": True},
}
BOLD = {"bold": True}
DIM = {"light": True}
YELLOW = {"yellow": True}
MIN_WIDTH, MAX_WIDTH = 60, 120  # columns
LABEL_WIDTH = 11  # columns
INDENT = " " * LABEL_WIDTH
MAX_PROOFS, MAX_CHECKS, MAX_REMEDIES = 5, 6, 6
MAX_VALUE_CHARACTERS = 300


def lines(verdict: VerdictFile, files: Mapping[str, str], width: int) -> Iterator[Line]:
    """Yield the summary line by line.

    `files`: the paths of the report's files, by their purpose; `width`: the terminal's columns.
    """
    width = max(MIN_WIDTH, min(width, MAX_WIDTH))
    started = parse_time(verdict.run.started)
    colour = COLOUR[verdict.verdict]
    yield "", {}
    yield "━" * width, colour
    yield from ((line, colour if not row else BOLD) for row, line in enumerate(_headline(verdict, width)))
    yield INDENT + _run_line(verdict.run, verdict.mode), DIM
    if verdict.alert:
        yield from _labelled_lines(
            "alert", f"{verdict.alert.name} looks {verdict.alert.looks}: {verdict.alert.why}", width
        )
    for event in verdict.changes:
        yield from _labelled_lines("changed", f"{event.at[11:19]} {event.service}: {event.what}", width)
    if verdict.compared:
        yield from _labelled_lines("since", comparison_text(verdict.compared, started), width)
    for number, cause in enumerate(verdict.causes, 1):
        yield "", {}
        yield from _cause(number, cause, started, width)
    yield from _warnings(verdict.warnings, width)
    yield from _unknown(verdict.unknown, width)
    yield from _derived(verdict, width)
    yield "", {}
    if verdict.escalate.needed:
        yield f"ESCALATE   {', '.join(verdict.escalate.reasons)}", COLOUR["down"]
    elif verdict.causes:
        yield f"escalate   {NO_ESCALATION_REASON}", {}
    yield from ((f"{label:<{LABEL_WIDTH}}{path}", {}) for label, path in files.items())
    yield "━" * width, colour


def _headline(verdict: VerdictFile, width: int) -> list[str]:
    first, *rest = textwrap.wrap(single_line(verdict.summary), width - LABEL_WIDTH) or [""]
    return [f"{verdict.verdict.upper():<10} {first}", *(INDENT + line for line in rest)]


def _run_line(run: RunInfo, mode: str) -> str:
    parts = [
        f"{run.stack} on {run.host}",
        mode,
        f"{run.started[:19].replace('T', ' ')} UTC",
        f"{run.seconds:.1f} s",
        run.incident or "",
        f"ONLY {run.scope}" if run.scope else "",
        "REPLAY of a recording" if run.replayed else "",
        "INTERRUPTED" if run.interrupted else "",
    ]
    return single_line(" · ".join(part for part in parts if part))


def _labelled_lines(label: str, text: str, width: int, markup: Mapping[str, bool] = BOLD) -> Iterator[Line]:
    """A text beside a label, at the left margin."""
    for row, line in enumerate(textwrap.wrap(single_line(text), width - LABEL_WIDTH)):
        yield (INDENT if row else f"{label:<{LABEL_WIDTH}}") + line, markup


def _cause(number: int, cause: CauseEntry, now: datetime | None, width: int) -> Iterator[Line]:
    title = f"{number}. {cause.service}: {cause.code} ({cause.severity}){_since(cause.since, now)}"
    yield single_line(title), COLOUR["down" if cause.severity == "critical" else "degraded"]
    yield from _indented_block("what", [cause.summary], width)
    yield from _indented_block("proof", [_proof(proof) for proof in cause.evidence[:MAX_PROOFS]], width)
    if cause.shares:
        yield from _indented_block("shared", [", ".join(cause.shares)], width)
    if following := [service for service in cause.blocks if service not in cause.shares]:
        yield from _indented_block("blocks", [", ".join(following)], width)
    yield from _indented_block("runbook", [cause.runbook], width)
    if cause.caution:
        yield from _indented_block("caution", [cause.caution], width)
    for index, command in enumerate(cause.next):  # never wrapped: it must stay ready to paste
        yield f"   {'next' if not index else '':<8}{single_line(command)}", BOLD


def _indented_block(label: str, texts: Sequence[str], width: int) -> Iterator[Line]:
    """Texts beside a label, as a part of a cause."""
    for index, text in enumerate(texts):
        head = f"   {label if not index else '':<8}"
        for row, line in enumerate(textwrap.wrap(single_line(text), width - LABEL_WIDTH) or [""]):
            yield (INDENT if row else head) + line, {}


def _proof(proof: ProofEntry) -> str:
    at = parse_time(proof.at)
    time = f"  [{at:%H:%M:%S}]" if at else ""
    return f"{proof.what} = {shortened(proof.value, MAX_VALUE_CHARACTERS)}{time}"


def _since(since: str | None, now: datetime | None) -> str:
    begun = parse_time(since)
    if begun is None or now is None:
        return ""
    return f", since {begun:%Y-%m-%d %H:%M:%S} UTC ({ago((now - begun).total_seconds())})"


def _warnings(warnings: Sequence[WarningEntry], width: int) -> Iterator[Line]:
    if warnings:
        yield "", {}
    by_code: dict[str, list[WarningEntry]] = {}
    for warning in warnings:
        by_code.setdefault(warning.code, []).append(warning)
    for code, of_code in by_code.items():
        services = ", ".join(warning.service for warning in of_code)
        yield from _labelled_lines(
            "warning", of_code[0].summary if len(of_code) == 1 else f"{code}: {services}", width, YELLOW
        )
        yield from _remedies(of_code, width)


def _remedies(warnings: Sequence[WarningEntry], width: int) -> Iterator[Line]:
    """What to write against warnings of one code: each text once, beside its services where there are several texts."""
    services: dict[str, list[str]] = {}
    for warning in warnings:
        if warning.remedy:
            services.setdefault(warning.remedy, []).append(warning.service)
    if len(services) == 1:
        lines = list(services)
    else:
        lines = [f"{listed(dict.fromkeys(names))}: {text}" for text, names in services.items()]
    more = len(lines) - MAX_REMEDIES
    shown = [*lines[:MAX_REMEDIES], *([f"and {more} more in the report"] if more > 0 else [])]
    yield from _indented_block("write", shown, width)


def _derived(verdict: VerdictFile, width: int) -> Iterator[Line]:
    """What was derived, and what only the settings could tell."""
    if verdict.run.derived:
        text = f"{verdict.run.derived_counts} in no settings file; `service-down init` writes one"
        yield from _labelled_lines("derived", text, width, DIM)
    for reason in verdict.not_asked:
        yield from _labelled_lines("not asked", reason, width, DIM)


def _unknown(unknown: Sequence[UnknownEntry], width: int) -> Iterator[Line]:
    if not unknown:
        return
    yield "", {}
    yield f"could not look ({len(unknown)} {'check' if len(unknown) == 1 else 'checks'}):", COLOUR["unknown"]
    for why, checks in by_reason((entry.check, entry.why) for entry in unknown):
        for row, line in enumerate(textwrap.wrap(single_line(f"{listed(checks, MAX_CHECKS)}: {why}"), width - 5)):
            yield ("     " if row else "   - ") + line, {}

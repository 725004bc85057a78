"""incident-update.md: the update of the runbook's section 9, made from the incident's runs, to paste; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Literal

from service_down.fixtures.run.modes import PREVENT, VERIFY
from service_down.reports.delivery.markdown import code, escaped, prose
from service_down.reports.history.compare import compare
from service_down.reports.text import listed
from service_down.reports.verdict_file import CauseEntry, VerdictFile

Status = Literal["INVESTIGATING", "IDENTIFIED", "MONITORING", "RESOLVED"]
NEXT_UPDATE = timedelta(minutes=30)  # the runbook escalates what is down for longer
MAX_ACTIONS, MAX_CAUSES, MAX_SERVICES = 10, 3, 8
IMPAIRED_STATES = ("down", "blocked", "degraded")
LINE_BREAK = "  \n"  # a line break in Markdown


def status_of(now: VerdictFile, earlier: Sequence[VerdictFile]) -> Status:
    """Return the runbook's status of the incident."""
    if now.mode == PREVENT:  # it says nothing of how the incident goes
        return status_of(earlier[-1], earlier[:-1]) if earlier else "INVESTIGATING"
    if now.mode == VERIFY:
        if now.verdict == "healthy":
            unknown = any(service.state == "unknown" for service in now.services)
            return "MONITORING" if now.run.scope or now.run.interrupted or unknown else "RESOLVED"
        return "IDENTIFIED" if now.verdict == "down" else "MONITORING"
    if now.verdict == "healthy":
        return "MONITORING" if any(run.causes for run in earlier) else "INVESTIGATING"
    return "IDENTIFIED" if now.causes and now.verdict != "unknown" else "INVESTIGATING"


def incident_update(now: VerdictFile, earlier: Sequence[VerdictFile], number: int, at: datetime, verify: str) -> str:
    """Return the update as Markdown. `earlier`: the incident's runs before this one; `verify`: the command for it."""
    status = status_of(now, earlier)
    names = " · ".join(escaped(text) for text in (now.run.incident, now.run.stack) if text)
    replay = " · replay of a recording" if now.run.replayed else ""
    head = [
        f"Status: {status}",
        f"Impact: {escaped(_impact(now))}",
        f"Root Cause: {_root_cause(now, earlier)}",
        "ETA: not known to the suite; to be given by whoever repairs",
        f"Next Update: {_next_update(status, at)}",
    ]
    actions = list(_actions((*earlier, now), at))
    dropped = len(actions) - MAX_ACTIONS
    if dropped > 0:
        actions = [f"{dropped} earlier ones are in timeline.md", *actions[dropped:]]
    no_action = f"none told to the suite; {now.mode} at {_clock(now.started, at)} has looked"
    parts = [
        f"**Incident Update #{number} - {at:%Y-%m-%d %H:%M} UTC** ({names}{replay})",
        LINE_BREAK.join(head),
        _list("Actions Taken", actions or [no_action]),
        _list("Next Steps", _next_steps(now, status, verify)),
    ]
    return "\n\n".join(parts) + "\n"


def _list(name: str, items: Sequence[str]) -> str:
    return "\n".join([f"{name}:", *(f"- {item}" for item in items)])


def _impact(now: VerdictFile) -> str:
    """Return the critical services that are not ok, by state, and what else limits the stack or the run."""
    parts: list[str] = []
    for state in (*IMPAIRED_STATES, "unknown"):
        names = [service.name for service in now.services if service.critical and service.state == state]
        if names:
            services = "critical services" if not parts else "services"
            state_text = state if state != "unknown" else "not fully seen"
            parts.append(f"{services} {state_text}: {listed(names, MAX_SERVICES)}")
    minor = [service for service in now.services if not service.critical and service.state in IMPAIRED_STATES]
    if minor:
        parts.append(f"not critical: {listed(f'{service.name} ({service.state})' for service in minor)}")
    unknown = now.counts.unknown
    if unknown:
        parts.append(f"{unknown} of {len(now.checks)} checks could not look")
    if now.run.scope:
        parts.append(f"only {now.run.scope} was looked at")
    no_impact = "no service is seen to be impaired" if unknown or now.causes else "none: every service is ok"
    return "; ".join(parts) or no_impact


def _root_cause(now: VerdictFile, earlier: Sequence[VerdictFile]) -> str:
    """Return the causes of this run; without any, those of the newest earlier run that had some."""
    if now.causes:
        return _causes(now.causes)
    last = next((run for run in reversed(earlier) if run.causes), None)
    if last is None:
        return "none found" if now.verdict == "healthy" and now.mode != PREVENT else "not known yet"
    looked = now.verdict == "healthy" and now.mode != PREVENT
    gone = "no longer seen" if looked else "not seen by this run"
    return f"{_causes(last.causes)}; {gone}"


def _causes(causes: Sequence[CauseEntry]) -> str:
    first = "; ".join(f"{escaped(cause.summary)} ({escaped(cause.name)})" for cause in causes[:MAX_CAUSES])
    return first + (f" and {len(causes) - MAX_CAUSES} more" if len(causes) > MAX_CAUSES else "")


def _next_update(status: Status, at: datetime) -> str:
    if status == "RESOLVED":
        return "none, unless it comes back"
    return f"{_clock(at + NEXT_UPDATE, at)} (in 30 minutes, when the runbook escalates what is still down)"


def _clock(time: datetime, now: datetime) -> str:
    return f"{time:%H:%M} UTC" if time.date() == now.date() else f"{time:%Y-%m-%d %H:%M} UTC"


def _actions(runs: Sequence[VerdictFile], at: datetime) -> Iterator[str]:
    """Yield the actions of each run, and then what had changed."""
    newest: dict[tuple[str, str], VerdictFile] = {}
    for run in runs:
        yield from (f"{_clock(run.started, at)}: {escaped(action)}" for action in run.run.actions)
        if run.mode == PREVENT:
            continue
        before, newest[run.stack] = newest.get(run.stack), run
        if before is None:
            continue
        compared = compare(before, run)
        services = [text for text in chain(compared.better, compared.worse) if not text.startswith("checks ")]
        parts = {"": services, "gone: ": compared.gone, "new: ": compared.new}
        changes = "; ".join(name + listed(texts) for name, texts in parts.items() if texts)
        if changes:
            yield f"{_clock(run.started, at)}: {run.mode} sees {escaped(changes)}"


def _next_steps(now: VerdictFile, status: Status, verify: str) -> list[str]:
    """Return the escalation, all commands of the first cause, and the first command of the next causes."""
    steps = [f"Escalate now: {', '.join(now.escalate.reasons)}"] if now.escalate.reasons else []
    for index, cause in enumerate(now.causes[:MAX_CAUSES]):
        if cause.caution:
            steps.append(f"{escaped(cause.service)}, with caution: {prose(cause.caution)}")
        steps += [code(command) for command in (cause.next[:1] if index else cause.next)]
    if status == "RESOLVED":
        return [*steps, "Clean up and document (runbook, section 10)"]
    if not now.causes and now.verdict == "unknown":
        steps.append(f"Look at what could not be looked at: {escaped(_first_unknown(now))}")
    after = "Then verify" if now.causes else "Verify"
    return [*steps, f"{after}: {code(verify)}"]


def _first_unknown(now: VerdictFile) -> str:
    first = next((check for check in now.checks if check.outcome == "unknown"), None)
    return f"{first.id}: {first.message}" if first else "no check was run"

"""The incident update of the runbook's section 9, filled in from the runs so far, to paste into a chat; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Literal

from service_down.reports.delivery.markdown import code, escaped, prose
from service_down.reports.history.compare import compare
from service_down.reports.history.saved_run import SavedFinding, SavedRun
from service_down.reports.text import listed

Status = Literal["INVESTIGATING", "IDENTIFIED", "MONITORING", "RESOLVED"]
NEXT_UPDATE = timedelta(minutes=30)  # the runbook escalates what is down for longer
MOST_ACTIONS, MOST_CAUSES = 10, 3
BREAK = "  \n"  # keeps lines apart also where Markdown is rendered


def status_of(now: SavedRun, earlier: Sequence[SavedRun]) -> Status:
    """The runbook's word for where the incident stands."""
    if now.mode == "verify":
        if now.verdict == "healthy":
            part = now.run.scope or now.run.interrupted or any(one.state == "unknown" for one in now.services)
            return "MONITORING" if part else "RESOLVED"  # a part that is well does not end it
        return "IDENTIFIED" if now.verdict == "down" else "MONITORING"
    if now.verdict == "healthy":
        return "MONITORING" if any(one.causes for one in earlier) else "INVESTIGATING"
    return "IDENTIFIED" if now.causes and now.verdict != "unknown" else "INVESTIGATING"


def incident_update(now: SavedRun, earlier: Sequence[SavedRun], number: int, at: datetime, verify: str) -> str:
    """The update as Markdown. `earlier`: the incident's runs before this one; `verify`: the command that ends it."""
    status = status_of(now, earlier)
    about = " · ".join(escaped(text) for text in (now.run.incident, now.run.stack) if text)
    replay = " · replay of a recording" if now.run.replayed else ""
    head = [
        f"Status: {status}",
        f"Impact: {escaped(_impact(now))}",
        f"Root Cause: {_root_cause(now, earlier)}",
        "ETA: not known to the suite; to be given by whoever repairs",
        f"Next Update: {_next_update(status, at)}",
    ]
    actions = list(_actions((*earlier, now), at))
    dropped = len(actions) - MOST_ACTIONS
    if dropped > 0:
        actions = [f"{dropped} earlier ones are in timeline.md", *actions[dropped:]]
    parts = [
        f"**Incident Update #{number} - {at:%Y-%m-%d %H:%M} UTC** ({about}{replay})",
        BREAK.join(head),
        _list("Actions Taken", actions or [f"none told to the suite; {now.mode} at {_clock(now.at, at)} has looked"]),
        _list("Next Steps", _next_steps(now, status, verify)),
    ]
    return "\n\n".join(parts) + "\n"


def _list(name: str, items: Sequence[str]) -> str:
    return "\n".join([f"{name}:", *(f"- {item}" for item in items)])


def _impact(now: SavedRun) -> str:
    """The critical services that do not work as they should, by how they are."""
    parts: list[str] = []
    for state in ("down", "blocked", "degraded", "unknown"):
        names = [one.name for one in now.services if one.critical and one.state == state]
        if names:
            word = "critical services" if not parts else "services"
            parts.append(f"{word} {state if state != 'unknown' else 'not fully seen'}: {listed(names, 8)}")
    minor = [f"{one.name} ({one.state})" for one in now.services if not one.critical and one.state in _BAD]
    if minor:
        parts.append(f"not critical: {listed(minor)}")
    unseen = sum(one.outcome == "unknown" for one in now.checks)
    if unseen:
        parts.append(f"{unseen} of {len(now.checks)} checks could not look")
    if now.run.scope:
        parts.append(f"only {now.run.scope} was looked at")
    fine = "no service is seen to be impaired" if unseen or now.causes else "none: every service is ok"
    return "; ".join(parts) if parts else fine


_BAD = ("down", "blocked", "degraded")


def _root_cause(now: SavedRun, earlier: Sequence[SavedRun]) -> str:
    """What it is now; else what it was, last seen in the newest run that saw any."""
    if now.causes:
        return _causes(now.causes)
    past = next((one for one in reversed(earlier) if one.causes), None)
    if past is None:
        return "none found" if now.verdict == "healthy" else "not known yet"
    gone = "no longer seen" if now.verdict == "healthy" else "not seen by this run"
    return f"{_causes(past.causes)}; {gone}"


def _causes(causes: Sequence[SavedFinding]) -> str:
    first = "; ".join(f"{escaped(one.summary)} ({escaped(one.name)})" for one in causes[:MOST_CAUSES])
    return first + (f" and {len(causes) - MOST_CAUSES} more" if len(causes) > MOST_CAUSES else "")


def _next_update(status: Status, at: datetime) -> str:
    if status == "RESOLVED":
        return "none, unless it comes back"
    return f"{_clock(at + NEXT_UPDATE, at)} (in 30 minutes, when the runbook escalates what is still down)"


def _clock(time: datetime, now: datetime) -> str:
    return f"{time:%H:%M} UTC" if time.date() == now.date() else f"{time:%Y-%m-%d %H:%M} UTC"


def _actions(runs: Sequence[SavedRun], at: datetime) -> Iterator[str]:
    """What was done, as it was told, and what then was seen to have changed."""
    known: dict[tuple[str, str], SavedRun] = {}
    for run in runs:
        yield from (f"{_clock(run.at, at)}: {escaped(action)}" for action in run.run.actions)
        before, known[run.stack] = known.get(run.stack), run
        if before is None:
            continue
        seen = compare(before, run)
        moved = [one for one in chain(seen.better, seen.worse) if not one.startswith("checks ")]
        parts = [("", moved), ("gone: ", seen.gone), ("new: ", seen.new)]
        said = "; ".join(name + listed(texts) for name, texts in parts if texts)
        if said:
            yield f"{_clock(run.at, at)}: {run.mode} sees {escaped(said)}"


def _next_steps(now: SavedRun, status: Status, verify: str) -> list[str]:
    """Escalation first; then all commands of the first cause, and the first command of the next ones."""
    steps = [f"Escalate now: {', '.join(now.escalate.reasons)}"] if now.escalate.reasons else []
    for number, cause in enumerate(now.causes[:MOST_CAUSES]):
        if cause.caution:
            steps.append(f"{escaped(cause.service)}, with caution: {prose(cause.caution)}")
        steps += [code(command) for command in (cause.next if not number else cause.next[:1])]
    if status == "RESOLVED":
        return [*steps, "Clean up and document (runbook, section 10)"]
    if not now.causes and now.verdict == "unknown":
        steps.append(f"Look at what could not be looked at: {escaped(_unseen(now))}")
    after = "Then verify" if now.causes else "Verify"
    return [*steps, f"{after}: {code(verify)}"]


def _unseen(now: SavedRun) -> str:
    first = next((one for one in now.checks if one.outcome == "unknown"), None)
    return f"{first.id}: {first.message}" if first else "no check was run"

"""What is new, gone, worse and better since an earlier run; pure.

What one of the two runs did not check is neither new nor gone: triage checks less than verify.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from service_down.fixtures.evidence.observation import parse_time
from service_down.reports.text import listed
from service_down.reports.verdict_file import CauseEntry, Comparison, VerdictFile, WarningEntry

PREVIOUS = "previous"
STATE_RANK = {"ok": 0, "degraded": 1, "blocked": 2, "down": 2}  # a blocked service works as little as one that is down
UNKNOWN_STATE_RANK = 1.5  # worse than degraded: the service may be down
OUTCOME_RANK = {"passed": 0, "warned": 1, "failed": 2}
SKIPPED_RANK = 9

FindingEntry = CauseEntry | WarningEntry


def compare(then: VerdictFile, now: VerdictFile) -> Comparison:
    """Return what has changed from one run to a later one."""
    gone, unseen = _gone(then, now)
    states = {service.name: service.state for service in then.services}
    changed = [
        (f"{service.name}: {states[service.name]} -> {service.state}", states[service.name], service.state)
        for service in now.services
        if service.name in states and service.state != states[service.name]
    ]
    checks = _changed_checks(then, now)
    return Comparison(
        id=then.run.id,
        started=then.run.started,
        mode=then.mode,
        verdict=then.verdict,
        new=tuple(_new(then, now)),
        gone=gone,
        worse=(
            *(text for text, old, new in changed if new != "unknown" and _rank(new) > _rank(old)),
            *_worse_checks(checks),
        ),
        better=(
            *(text for text, old, new in changed if new != "unknown" and _rank(new) < _rank(old)),
            *(f"{warning.name} (only a warning now)" for warning in now.warnings if _was_cause(warning, then, now)),
        ),
        unseen=(*unseen, *(text for text, _, new in changed if new == "unknown"), *_lost_checks(checks)),
    )


def comparison_text(compared: Comparison, now: datetime | None) -> str:
    """Return the comparison in one sentence. `now`: when the later run started."""
    then = parse_time(compared.started)
    same_day = then and now and then.date() == now.date()
    time = f"{then:%H:%M}" if same_day else compared.started[:16].replace("T", " ")
    changes = "; ".join(f"{kind}: {listed(texts)}" for kind, texts in compared.parts())
    return f"{time} UTC ({compared.mode}: {compared.verdict})  {changes or 'nothing has changed'}"


def _rank(state: str) -> float:
    return STATE_RANK.get(state, UNKNOWN_STATE_RANK)


def _was_cause(warning: WarningEntry, then: VerdictFile, now: VerdictFile) -> bool:
    return warning.name in _names(_causes(then)) - _names(_causes(now))


def _names(findings: Sequence[FindingEntry]) -> set[str]:
    return {finding.name for finding in findings}


def _new(then: VerdictFile, now: VerdictFile) -> Iterator[str]:
    before = _names(_findings(then))
    for finding in _findings(now):
        checked = _is_checked(finding, now, then)
        # A new warning is no news when nobody had checked for it.
        if finding.name not in before and (checked or isinstance(finding, CauseEntry)):
            yield finding.name + ("" if checked else " (not looked at then)")
    for cause in _causes(now):
        if cause.name in before - _names(_causes(then)):
            yield f"{cause.name} (only a warning then)"


def _gone(then: VerdictFile, now: VerdictFile) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the earlier findings that are gone, and those that this run did not check."""
    after = _names(_findings(now))
    blocked = {service.name for service in now.services if service.state == "blocked"}
    gone, unseen = [], []
    for finding in _findings(then):
        if finding.name in after:
            continue
        if not _is_checked(finding, then, now):
            unseen += [f"{finding.name} (not looked at now)"] if isinstance(finding, CauseEntry) else []
        elif finding.service in blocked:
            gone.append(f"{finding.name} (it now follows from another)")
        else:
            gone.append(finding.name)
    return tuple(gone), tuple(unseen)


def _findings(verdict: VerdictFile) -> Sequence[FindingEntry]:
    """Return warnings and causes, each name once; a cause replaces a warning of the same name."""
    findings: Sequence[FindingEntry] = (*verdict.warnings, *_causes(verdict))
    return list({finding.name: finding for finding in findings}.values())


def _causes(verdict: VerdictFile) -> Sequence[CauseEntry]:
    """Return the causes, a shared one once for each service that shares it."""
    return [cause for shared in verdict.causes for cause in shared.per_service()]


def _is_checked(finding: FindingEntry, source: VerdictFile, other: VerdictFile) -> bool:
    """Return whether the checks that reported the finding in `source` also judged in `other`."""
    reporting = [check for check in source.checks if check.outcome in ("warned", "failed")]
    ids = [check.id for check in reporting if finding.summary in check.message]
    ids = ids or [check.id for check in reporting if check.service == finding.service]
    if not ids:
        return any(check.service == finding.service and check.outcome in OUTCOME_RANK for check in other.checks)
    judged = {check.id for check in other.checks if check.outcome in OUTCOME_RANK}
    return judged.issuperset(ids)


ChangedChecks = dict[tuple[str, str], list[str]]  # (outcome then, outcome now) -> ids


def _changed_checks(then: VerdictFile, now: VerdictFile) -> ChangedChecks:
    before = {check.id: check.outcome for check in then.checks}
    changed: ChangedChecks = {}
    for check in now.checks:
        if check.id in before and check.outcome != before[check.id]:
            changed.setdefault((before[check.id], check.outcome), []).append(check.id)
    return dict(sorted(changed.items()))


def _worse_checks(changed: ChangedChecks) -> Iterator[str]:
    """Yield a sentence for each change to a worse outcome."""
    for (old, new), ids in changed.items():
        old_rank = OUTCOME_RANK.get(old, SKIPPED_RANK if old == "skipped" else 0)
        if new in OUTCOME_RANK and OUTCOME_RANK[new] > old_rank:
            yield f"checks {old} -> {new}: {listed(ids)}"


def _lost_checks(changed: ChangedChecks) -> Iterator[str]:
    """Yield a sentence for the checks that judged then and could not judge now."""
    for (old, new), ids in changed.items():
        if old in OUTCOME_RANK and new == "unknown":
            yield f"checks {old} -> {new}: {listed(ids)}"

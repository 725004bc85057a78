"""What is new, gone, worse and better since an earlier run; pure.

What was not looked at in one of the two runs is never said to be new or gone: triage asks less than verify.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service_down.reports.history.saved_run import SavedFinding, SavedRun
from service_down.reports.text import listed

PREVIOUS = "previous"
RANK = {"ok": 0, "degraded": 1, "blocked": 2, "down": 2}  # blocked or down: it does not work
OUTCOME = {"passed": 0, "warned": 1, "failed": 2}


@dataclass(frozen=True)
class Comparison:
    """What has changed since another run, in sentences; `unseen`: what can no longer be said."""

    id: str
    started: str
    mode: str
    verdict: str
    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    worse: tuple[str, ...] = ()
    better: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()

    def parts(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """What there is to say, by its kind; nothing when nothing has changed."""
        kinds = (("new", self.new), ("gone", self.gone), ("worse", self.worse), ("better", self.better))
        return ((name, said) for name, said in (*kinds, ("not seen now", self.unseen)) if said)


def compare(then: SavedRun, now: SavedRun) -> Comparison:
    """What has changed from one run to a later one."""
    gone, unseen = _gone(then, now)
    states = {one.name: one.state for one in then.services}
    moved = [
        (f"{one.name}: {states[one.name]} -> {one.state}", states[one.name], one.state)
        for one in now.services
        if one.name in states and one.state != states[one.name]
    ]
    checks = _checks(then, now)
    return Comparison(
        id=then.run.id,
        started=then.run.started,
        mode=then.mode,
        verdict=then.verdict,
        new=tuple(_new(then, now)),
        gone=gone,
        worse=(
            *(text for text, old, new in moved if new != "unknown" and _rank(new) > _rank(old)),
            *_grouped(checks, worse=True),
        ),
        better=(
            *(text for text, old, new in moved if new != "unknown" and _rank(new) < _rank(old)),
            *(f"{one.name} (only a warning now)" for one in now.warnings if _was_cause(one, then, now)),
        ),
        unseen=(*unseen, *(text for text, _, new in moved if new == "unknown"), *_grouped(checks, worse=False)),
    )


def _rank(state: str) -> float:
    """The place of a state; what is unknown is worse than degraded: it may hide what is down."""
    return RANK.get(state, 1.5)


def _was_cause(found: SavedFinding, then: SavedRun, now: SavedRun) -> bool:
    causes = {one.name for one in _causes(now)}
    return found.name not in causes and found.name in {one.name for one in _causes(then)}


def _new(then: SavedRun, now: SavedRun) -> Iterator[str]:
    before = {one.name for one in _found(then)}
    for one in _found(now):
        asked = _asked(one, now, then)
        if one.name not in before and (asked or one.severity != "warning"):  # a warning nobody asked about is no news
            yield one.name + ("" if asked else " (not looked at then)")
    for one in _causes(now):
        if one.name in before - {cause.name for cause in _causes(then)}:
            yield f"{one.name} (only a warning then)"


def _gone(then: SavedRun, now: SavedRun) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What was found then and no longer is: truly gone, and what nobody asked about now."""
    after = {one.name for one in _found(now)}
    blocked = {one.name for one in now.services if one.state == "blocked"}
    gone, unseen = [], []
    for one in _found(then):
        if one.name in after:
            continue
        if not _asked(one, then, now):
            unseen += [f"{one.name} (not looked at now)"] if one.severity != "warning" else []
        elif one.service in blocked:
            gone.append(f"{one.name} (it now follows from another)")
        else:
            gone.append(one.name)
    return tuple(gone), tuple(unseen)


def _found(account: SavedRun) -> Sequence[SavedFinding]:
    """Causes and warnings, each once."""
    return list({one.name: one for one in (*account.warnings, *_causes(account))}.values())


def _causes(account: SavedRun) -> Sequence[SavedFinding]:
    """The causes, each told of every service that shares it."""
    return [one for cause in account.causes for one in cause.each()]


def _asked(found: SavedFinding, here: SavedRun, there: SavedRun) -> bool:
    """Whether the checks that say this `here` could also say it `there`."""
    bad = [one for one in here.checks if one.outcome in ("warned", "failed")]
    said = [one.id for one in bad if found.summary in one.message]
    said = said or [one.id for one in bad if one.service == found.service]
    if not said:
        return any(one.service == found.service and one.outcome in OUTCOME for one in there.checks)
    judged = {one.id for one in there.checks if one.outcome in OUTCOME}
    return all(check in judged for check in said)


def _checks(then: SavedRun, now: SavedRun) -> dict[tuple[str, str], list[str]]:
    """The checks whose outcome has changed, by what it was and is."""
    before = {one.id: one.outcome for one in then.checks}
    changed: dict[tuple[str, str], list[str]] = {}
    for one in now.checks:
        if one.id in before and one.outcome != before[one.id]:
            changed.setdefault((before[one.id], one.outcome), []).append(one.id)
    return changed


def _grouped(changed: dict[tuple[str, str], list[str]], *, worse: bool) -> Iterator[str]:
    """One sentence for each kind of change to the worse, or from an answer to none."""
    for (old, new), checks in sorted(changed.items()):
        lost = old in OUTCOME and new == "unknown"
        fell = new in OUTCOME and OUTCOME[new] > OUTCOME.get(old, 9 if old == "skipped" else 0)
        if fell if worse else lost:
            yield f"checks {old} -> {new}: {listed(checks)}"

"""What explains what: on one service the lower layer, between services a failing dependency; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from service_down.fixtures.catalog.finding import SEVERITIES, Finding, Proof, catalogue
from service_down.fixtures.evidence.observation import parse_time
from service_down.fixtures.stack.model import Model

FUNCTION_LAYER = 5  # findings of this layer are effects: they explain nothing on another service
STACK = "stack"


def layer(found: Finding) -> int:
    """The finding's layer: the lower one explains the higher one on the same service."""
    return catalogue()[found.code].layer


def first_of(findings: Sequence[Finding]) -> list[Finding]:
    """The findings of a service that explain its others: those of the lowest layer, one for each code."""
    lowest = min(map(layer, findings))
    return list({one.code: one for one in sorted(findings, key=_strength) if layer(one) == lowest}.values())


def _strength(found: Finding) -> tuple[int, int]:
    """Weakest first, so that the strongest of a code is the one that stays."""
    return (-SEVERITIES[found.severity], len(found.proof))


def dated(found: Finding, effects: Sequence[Finding]) -> Finding:
    """The finding with a time: its own, else that of its earliest effect, which it cannot have begun after."""
    known = [(at, one) for one in effects if (at := parse_time(one.since))]
    if parse_time(found.since) or not known:
        return found
    _, first = min(known, key=lambda pair: (pair[0], pair[1].service, pair[1].code))
    proof = Proof(f"first known effect: {first.service}", first.code, first.since)
    return replace(found, since=first.since, proof=(*found.proof, proof))


def explained_by_others(
    failing: Mapping[str, Sequence[Finding]], model: Model, uses: Mapping[str, frozenset[str]]
) -> dict[str, frozenset[str]]:
    """For each failing service those other failing ones that may explain it; empty where none does."""
    return {name: _explained_by(name, failing, model, uses) for name in failing}


def roots_of(direct: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """For each failing service that only follows: those at the ends of what explains it."""
    followers = {name: others for name, others in direct.items() if others}
    return {name: roots for name in followers if (roots := _reached(name, followers))}


def _explained_by(
    name: str, failing: Mapping[str, Sequence[Finding]], model: Model, uses: Mapping[str, frozenset[str]]
) -> frozenset[str]:
    """The failing services that may explain all of this one's first findings; none when one of them cannot follow.

    What names a reason of its own, as a missing module in its log, follows from nobody.
    """
    first = first_of(failing[name])
    if not all(catalogue()[one.code].follows and not one.own for one in first):
        return frozenset()
    service = model.service(name)
    needed = set(model.needed_by([name])) if service else {name}
    needed |= {other for one in needed | {name} for other in uses.get(one, frozenset())}
    needed |= {other for one in first for other in one.blamed}
    blamed = {other for one in first for other in one.blamed}
    return frozenset(other for other in needed - {name} if _explains(failing.get(other, ()), first, other in blamed))


def _explains(findings: Sequence[Finding], followers: Sequence[Finding], blamed: bool) -> bool:
    """Whether these findings may explain another service's `followers`.

    Some may only when that service itself names theirs (`blamed`), as may what is only impaired, but for followers that
    fail in the same way, as when a replica hangs; an effect then explains other effects, as a target that cannot be
    scraped explains the alert about it.
    """
    alike = {one.code for one in followers}
    effects = all(layer(one) >= FUNCTION_LAYER for one in followers)
    return any(
        (blamed or not (catalogue()[one.code].when_blamed or (one.impaired and {one.code} != alike)))
        and (layer(one) < FUNCTION_LAYER or (effects and catalogue()[one.code].when_blamed))
        for one in findings
    )


def _reached(name: str, followers: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The services at the ends of the chains that start here; empty in a circle, which then explains nothing."""
    seen: set[str] = set()
    ends: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        if one in followers:
            waiting.extend(followers[one])
        else:
            ends.add(one)
    return frozenset(ends)

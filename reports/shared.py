"""Two services with the same cause (one bad release, one dead network) have one cause, at the stack; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from fixtures.evidence import parse_time
from fixtures.finding import Finding, catalogue
from reports.explain import ORDER, STACK, first_of
from reports.timeline import Release

SEVERAL = "\x1f"  # between the services of a shared cause


def with_shared_facts(found: Finding, releases: Mapping[str, Release], project: str, emptied: bool) -> Finding:
    """The finding with the facts that only the whole stack shows: its new release, or that nothing of it is left."""
    more = {}
    if found.service in releases:
        release = releases[found.service]
        more = {"release": release.new, "replaced": release.old}
    if emptied:
        more["emptied"] = project
    return replace(found, facts={**found.facts, **more}) if more else found


def merge_shared(failing: dict[str, list[Finding]]) -> dict[str, str]:
    """Adds one finding of the stack for each cause that several services share.

    Gives for each of those services the key in `failing` of what it shares.
    """
    groups: dict[tuple[str, str], list[Finding]] = {}
    for name in sorted(failing):
        for one in first_of(failing[name]):
            fact = catalogue()[one.code].shared_by
            if fact and one.facts.get(fact):
                groups.setdefault((fact, one.facts[fact]), []).append(one)
    sharing: dict[str, str] = {}
    for (fact, value), found in groups.items():
        found = [one for one in found if one.service not in sharing]
        if len({one.service for one in found}) > 1:
            key = f"{STACK}:{fact}:{value}"
            failing[key] = [_of_the_stack(fact, found)]
            sharing |= {one.service: key for one in found}
    return sharing


def _of_the_stack(fact: str, found: Sequence[Finding]) -> Finding:
    """The one finding that stands for these."""
    worst = min(found, key=lambda one: (ORDER[one.severity], one.service))
    services = sorted({one.service for one in found})
    starts = [since for one in found if (since := parse_time(one.since))]
    earliest = min(starts, default=None)
    return replace(
        worst,
        service=STACK,
        summary=_SUMMARY.get(fact, "{count} services share one cause: {worst}").format(
            count=len(services), worst=worst.summary, **worst.facts
        ),
        proof=tuple(one.proof[0] for one in found if one.proof),
        since=next((one.since for one in found if parse_time(one.since) == earliest), None) if earliest else None,
        facts={
            **worst.facts,
            "services": SEVERAL.join(services),
            "caution": _CAUTION.get(fact, "").format(**worst.facts),
        },
    )


_SUMMARY = {
    "release": "{count} services run the new release {release} (before: {replaced}) and fail: {worst}",
    "network": "{count} services are cut from network {network}: {worst}",
    "emptied": "no container of project {emptied} exists: {count} services are gone",
}

_CAUTION = {"release": "A restart runs {release} again: going back to {replaced} is the surest repair."}

"""Two services with the same cause (one bad release, one dead network) have one cause, at the stack; pure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files

from service_down.fixtures.catalog.finding import SEVERITIES, Finding, catalogue, fill
from service_down.fixtures.evidence.observation import parse_time
from service_down.reports.diagnosis.explain import STACK, first_of
from service_down.reports.diagnosis.timeline import Release

SEVERAL = "\x1f"  # between the services of a shared cause


@cache
def wordings() -> Mapping[str, Mapping[str, str]]:
    """The words for each fact that services may share, from `common_cause.toml`."""
    with files("service_down.reports.diagnosis").joinpath("common_cause.toml").open("rb") as file:
        return tomllib.load(file)


def with_shared_facts(found: Finding, releases: Mapping[str, Release], project: str, emptied: bool) -> Finding:
    """The finding with the facts that only the whole stack shows: its new release, or that nothing of it is left.

    A failure that began before the release was there is not the release's.
    """
    more = {}
    release = releases.get(found.service)
    since = parse_time(found.since)
    if release and not (since and since < release.at):
        more = {"release": release.new, "replaced": release.old}
    if emptied:
        more["emptied"] = project
    return replace(found, facts={**found.facts, **more}) if more else found


def shared_causes(
    failing: Mapping[str, Sequence[Finding]], explained: Mapping[str, frozenset[str]]
) -> tuple[dict[str, Finding], dict[str, str]]:
    """One finding of the stack, by its key, for each cause that several services share; and each service's key.

    A service shares a cause only when all its first findings do, and when nothing explains them but services that
    share it too (`explained`: by whom each could be).
    """
    groups: dict[tuple[str, str], dict[str, Finding]] = {}
    for name in sorted(failing):
        first = first_of(failing[name])
        common, *others = {_shared_fact(one) for one in first}
        if common and not others:
            groups.setdefault(common, {})[name] = min(first, key=lambda one: SEVERITIES[one.severity])
    causes: dict[str, Finding] = {}
    sharing: dict[str, str] = {}
    for (fact, value), members in groups.items():
        own = {name: one for name, one in members.items() if explained.get(name, frozenset()) <= set(members)}
        if len(own) > 1:
            key = f"{STACK}:{fact}:{value}"
            causes[key] = _of_the_stack(fact, list(own.values()))
            sharing |= dict.fromkeys(own, key)
    return causes, sharing


def _shared_fact(found: Finding) -> tuple[str, str] | None:
    """What this finding may have in common with another service's, and its value."""
    facts = catalogue()[found.code].shared_by
    return next(((fact, found.facts[fact]) for fact in facts if found.facts.get(fact)), None)


def _of_the_stack(fact: str, found: Sequence[Finding]) -> Finding:
    """The one finding that stands for these."""
    worst = min(found, key=lambda one: (SEVERITIES[one.severity], one.service))
    services = sorted({one.service for one in found})
    starts = [since for one in found if (since := parse_time(one.since))]
    earliest = min(starts, default=None)
    told = {**worst.facts, "count": str(len(services)), "worst": worst.summary}
    words = wordings()[fact]
    return replace(
        worst,
        service=STACK,
        summary=fill(words["summary"], told),
        proof=tuple(one.proof[0] for one in found if one.proof),
        since=next((one.since for one in found if parse_time(one.since) == earliest), None) if earliest else None,
        facts={
            **worst.facts,
            "services": SEVERAL.join(services),
            "caution": fill(words.get("caution", ""), told),
        },
    )

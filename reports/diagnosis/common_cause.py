"""Causes that several services share, such as a bad release or a missing network: one finding of the stack; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

import msgspec

from service_down.fixtures.catalog.finding import SEVERITIES, Finding, catalogue
from service_down.fixtures.catalog.templates import fill
from service_down.fixtures.evidence.observation import parse_time
from service_down.reports.diagnosis.timeline import Release

STACK = "stack"


@dataclass(frozen=True)
class CommonCauseText:
    """The texts for one fact that services may share."""

    summary: str
    caution: str | None = None


@cache
def common_cause_texts() -> Mapping[str, CommonCauseText]:
    """The texts of `common_cause.toml`, by fact."""
    source = files("service_down.reports.diagnosis") / "common_cause.toml"
    return msgspec.toml.decode(source.read_bytes(), type=dict[str, CommonCauseText])


def with_stack_facts(
    finding: Finding, releases: Mapping[str, Release], project: str, no_containers_left: bool
) -> Finding:
    """The finding with the facts that only the whole stack shows.

    These are the new release of its service, unless the failure began before it, and the project where no container of
    it is left (`emptied`).
    """
    facts = {}
    release = releases.get(finding.service)
    since = parse_time(finding.since)
    if release and not (since and since < release.at):
        facts = {"release": release.new, "replaced": release.old}
    if no_containers_left:
        facts["emptied"] = project
    return replace(finding, facts={**finding.facts, **facts}) if facts else finding


def shared_causes(
    first: Mapping[str, Sequence[Finding]], explainers: Mapping[str, frozenset[str]]
) -> tuple[dict[str, Finding], dict[str, str]]:
    """The causes that several services share: each cause's finding by its key, and the key for each of its services.

    `first` holds the first findings of each failing service, `explainers` the services that may explain it. A service
    shares a cause when all its first findings have the fact in common, and when only services that share it too may
    explain it.
    """
    groups: dict[tuple[str, str], dict[str, Finding]] = {}
    for service in sorted(first):
        common, *others = {_shared_fact(finding) for finding in first[service]}
        if common and not others:
            worst = min(first[service], key=lambda finding: SEVERITIES[finding.severity])
            groups.setdefault(common, {})[service] = worst
    causes: dict[str, Finding] = {}
    sharing: dict[str, str] = {}
    for (fact, value), members in groups.items():
        own = {name: finding for name, finding in members.items() if explainers[name] <= members.keys()}
        if len(own) > 1:
            key = f"{STACK}:{fact}:{value}"
            causes[key] = _stack_finding(fact, list(own.values()))
            sharing |= dict.fromkeys(own, key)
    return causes, sharing


def _shared_fact(finding: Finding) -> tuple[str, str] | None:
    """The fact that this finding may have in common with another service's, and its value."""
    facts = catalogue()[finding.code].shared_by
    return next(((fact, finding.facts[fact]) for fact in facts if finding.facts.get(fact)), None)


def _stack_finding(fact: str, findings: Sequence[Finding]) -> Finding:
    """One finding of the stack in place of `findings`, one of each service."""
    worst = min(findings, key=lambda finding: (SEVERITIES[finding.severity], finding.service))
    services = sorted({finding.service for finding in findings})
    begun = [(at, finding.since) for finding in findings if (at := parse_time(finding.since))]
    facts = {**worst.facts, "count": str(len(services)), "worst": worst.summary}
    texts = common_cause_texts()[fact]
    return replace(
        worst,
        service=STACK,
        summary=fill(texts.summary, facts),
        proof=tuple(finding.proof[0] for finding in findings if finding.proof),
        since=min(begun, key=lambda pair: pair[0])[1] if begun else None,
        caution=fill(texts.caution, facts) if texts.caution else None,
        services=tuple(services),
    )

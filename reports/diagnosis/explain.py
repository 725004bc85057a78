"""Which finding explains which: the catalogue's decision table, applied to the findings of one run; pure.

1. Only findings that are errors or worse explain and are explained; `severity.py` has raised some warnings before.
2. On one service, the findings of the lowest layer come first and explain the other findings.
3. A service may follow from another failing service that it depends on (also through others), uses or blames.
4. It follows only when the code of each first finding has `follows` and none of them names a reason of its own.
5. A first finding may be explained by each finding of layers 0 to 4.
6. A finding of layer 5 is an effect: it explains only other effects, and only where its code has `when_blamed`.
7. A finding whose code has `when_blamed` explains only services that blame its service.
8. A finding of an impaired service also explains only services that blame it, unless these fail with its code.
9. Services with a shared fact that nothing else explains have one cause of the stack in common (`common_cause.py`).
10. A service follows from the ends of its chains of explanations; a circle without an end explains nothing.

`python -m service_down.reports.diagnosis.explain` prints the table.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from service_down.fixtures.catalog.finding import LAYERS, SEVERITIES, Finding, FindingCode, Proof, RaisedBy, catalogue
from service_down.fixtures.evidence.observation import parse_time
from service_down.fixtures.stack.model import Model
from service_down.reports.diagnosis.common_cause import shared_causes


@dataclass(frozen=True)
class ExplainedFindings:
    """The findings that fail something, and what explains them.

    A key is the name of a service, or the key of a cause that several services share.
    """

    failing: Mapping[str, Sequence[Finding]]  # by key
    roots: Mapping[str, frozenset[str]]  # key of what is explained -> keys of its causes
    shared: Mapping[str, str]  # service -> key of the cause that it shares with others

    def causes(self) -> list[str]:
        """The keys that nothing explains."""
        return sorted(self.failing.keys() - self.roots.keys())

    def explained_by(self, cause: str) -> tuple[str, ...]:
        """The services that follow from a cause or share it."""
        return tuple(sorted(service for service, roots in self.roots.items() if cause in roots))

    def causes_of(self, service: str) -> frozenset[str]:
        """The causes that a service follows from; empty for a cause, and for a service that shares one."""
        return self.roots.get(service, frozenset()) if service not in self.shared else frozenset()

    def is_repeated(self, warning: Finding) -> bool:
        """Whether a warning says no more than the failure of its service, so that it need not be listed."""
        return warning.service in self.failing and catalogue()[warning.code].follows


def explain(findings: Iterable[Finding], model: Model, uses: Mapping[str, frozenset[str]]) -> ExplainedFindings:
    """What explains the findings that are errors or worse. `uses` holds each service's external systems."""
    failing: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.severity != "warning":
            failing.setdefault(finding.service, []).append(finding)
    first = {service: first_of(failing[service]) for service in failing}
    explainers = {service: _explainers(service, failing, first[service], model, uses) for service in failing}
    causes, shared = shared_causes(first, explainers)
    explainers |= {service: frozenset({key}) for service, key in shared.items()}
    return ExplainedFindings(failing | {key: [cause] for key, cause in causes.items()}, _roots(explainers), shared)


def layer(finding: Finding) -> int:
    """The layer of the finding's code."""
    return catalogue()[finding.code].layer


def first_of(findings: Sequence[Finding]) -> list[Finding]:
    """The findings of the lowest layer, the most severe one of each code. They explain the service's other findings.

    Of a code whose findings are different things, each one.
    """
    lowest = min(map(layer, findings))
    ascending = sorted(findings, key=lambda finding: (-SEVERITIES[finding.severity], len(finding.proof)))
    return list({_what_it_is(finding): finding for finding in ascending if layer(finding) == lowest}.values())


def _what_it_is(finding: Finding) -> tuple[str, str]:
    return finding.code, finding.summary if catalogue()[finding.code].several else ""


def with_time(cause: Finding, effects: Sequence[Finding]) -> Finding:
    """The finding with a time: its own, else that of its earliest effect, before which it must have begun."""
    known = [(at, effect) for effect in effects if (at := parse_time(effect.since))]
    if parse_time(cause.since) or not known:
        return cause
    _, earliest = min(known, key=lambda pair: (pair[0], pair[1].service, pair[1].code))
    proof = Proof(f"first known effect: {earliest.service}", earliest.code, earliest.since)
    return replace(cause, since=earliest.since, proof=(*cause.proof, proof))


def _explainers(
    name: str,
    failing: Mapping[str, Sequence[Finding]],
    first: Sequence[Finding],
    model: Model,
    uses: Mapping[str, frozenset[str]],
) -> frozenset[str]:
    """The failing services that may explain all the `first` findings of the service `name`."""
    if any(finding.own_reason for finding in first):
        return frozenset()
    needed = model.needed_by([name])  # its own name included
    blamed = {service for finding in first for service in finding.blamed}
    candidates = needed.union(blamed, *(uses.get(service, frozenset()) for service in needed)) - {name}
    return frozenset(
        service
        for service in candidates
        if any(_explains(cause, first, service in blamed) for cause in failing.get(service, ()))
    )


def _explains(cause: Finding, followers: Sequence[Finding], blamed: bool) -> bool:
    """Whether a finding may explain all the `followers` on another service, which `blamed` its service or not."""
    code = catalogue()[cause.code]
    if not all(code.may_explain(catalogue()[follower.code]) for follower in followers):
        return False
    same_code = all(follower.code == cause.code for follower in followers)
    return blamed or not (code.when_blamed or (cause.impaired and not same_code))


def _roots(explainers: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """The ends of the chains of explanations, for each service that is explained."""
    followers = {service: others for service, others in explainers.items() if others}
    return {service: ends for service in followers if (ends := _chain_ends(service, followers))}


def _chain_ends(start: str, followers: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The ends of all chains from `start`; empty where there is only a circle."""
    visited: set[str] = set()
    ends: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name in visited:
            continue
        visited.add(name)
        if name in followers:
            waiting.extend(followers[name])
        else:
            ends.add(name)
    return frozenset(ends)


@dataclass(frozen=True)
class Explanation:
    """A row of the decision table: what findings of a code may follow from, and what they may explain."""

    code: str
    layer: int
    follows_from: tuple[str, ...]  # the codes that may explain it
    explains: tuple[str, ...]  # the codes that it may explain
    when_blamed: bool  # whether it explains only services that blame its service
    raised_by: RaisedBy | None
    shared_by: tuple[str, ...]
    escalate: str | None


def explanations() -> tuple[Explanation, ...]:
    """The decision table: a row for every code, by layer."""
    codes = sorted(catalogue().values(), key=lambda code: code.layer)
    return tuple(_explanation(code, codes) for code in codes)


def _explanation(code: FindingCode, codes: Sequence[FindingCode]) -> Explanation:
    return Explanation(
        code=code.name,
        layer=code.layer,
        follows_from=tuple(other.name for other in codes if other.may_explain(code)),
        explains=tuple(other.name for other in codes if code.may_explain(other)),
        when_blamed=code.when_blamed,
        raised_by=code.raised_by,
        shared_by=code.shared_by,
        escalate=code.escalate,
    )


HEADER = ("code", "layer", "follows from", "explains", "when", "raised by", "shared by", "escalate")
LEGEND = (
    "follows from: the layers of the codes on other services that may explain this one.",
    "explains: the layers of the codes on other services that this one may explain, of those that follow from any.",
    "when: related: the other service depends on this one, uses it or blames it. blamed: its evidence blames this one.",
    "raised by: the error on another service that raises this warning to an error: its relation and its codes.",
    "shared by: several services with an equal value of this fact have one cause in common.",
    "On one service, the findings of the lowest layer explain the others.",
    "A warning explains nothing, unless its check reports it as an error or a rule raises it.",
    "A finding of an impaired service explains as if `blamed` stood there, except findings of the same code.",
    "A finding whose evidence names a reason of its own follows from nothing.",
)


def table_lines() -> list[str]:
    """The decision table as aligned text."""
    rows = [HEADER, *(_cells(row) for row in explanations())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [*lines, "", *LEGEND]


def _cells(row: Explanation) -> tuple[str, ...]:
    when = ("blamed" if row.when_blamed else "related") if row.explains else "-"
    return (
        row.code,
        f"{row.layer} {LAYERS[row.layer]}",
        _layers(row.follows_from),
        _layers(row.explains),
        when,
        _raised_by(row.raised_by) if row.raised_by else "-",
        ", ".join(row.shared_by) or "-",
        row.escalate or "-",
    )


def _layers(codes: Iterable[str]) -> str:
    return " ".join(map(str, sorted({catalogue()[code].layer for code in codes}))) or "-"


def _raised_by(rule: RaisedBy) -> str:
    condition = ", lock held" if rule.lock_held else ""
    return f"{rule.relation}: {', '.join(rule.codes) or 'any code'}{condition}"


if __name__ == "__main__":
    sys.stdout.write("\n".join(table_lines()) + "\n")

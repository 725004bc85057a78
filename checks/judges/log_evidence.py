"""What the log of a container or store that is not fine adds: a line proves a cause only beside another signal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from service_down.checks.framework.check import AnyTarget, CheckEvidence
from service_down.checks.framework.targets import own_log
from service_down.fixtures.catalog.finding import Finding, Proof, catalogue, finding
from service_down.fixtures.catalog.log_signatures import own_reasons, signature_of
from service_down.fixtures.evidence.observation import parse_time
from service_down.fixtures.stack.model import Model, Service

ENDED = {"container-exited", "crash-loop", "one-shot-failed", "container-killed"}
NEAR_THE_END = 30  # lines: the reason stands among the last words
MOST_LINES = 3
LAST_WORDS = 2
LATELY = 120.0  # seconds
REASON = 160  # characters
_STAMP = re.compile(r"^(\d{4}-\d\d-\d\dT[\d:.]+Z) ?(.*)$")
_PEER = (
    "connection-refused",
    "connection-timed-out",
    "name-not-resolved",
    "authentication-failed",
    "too-many-connections",
)


def with_log(
    found: Finding, log: Mapping[str, Any] | None, service: Service, model: Model, databases: Iterable[str]
) -> Finding:
    """The finding with what the last log lines prove, or with another code where only the log tells them apart."""
    if found.code not in ENDED or not log:
        return found
    lines = [line for one in log.values() for line in one["lines"][-NEAR_THE_END:]]
    marked = [(line, name) for line in lines if (name := signature_of(line))]
    if not marked:
        words = [line for line in lines if line.strip()][-LAST_WORDS:]
        return replace(found, proof=(*found.proof, *(_proof(service.name, line, "last words") for line in words)))
    names = {name for _, name in marked}
    proof = tuple(_proof(service.name, line, name) for line, name in marked[-MOST_LINES:])
    if "wrong-architecture" in names and found.code != "container-killed":
        return _renamed(
            "wrong-architecture", found, [line for line in marked if line[1] == "wrong-architecture"], service
        )
    if "corruption" in names and service.name in set(databases):
        return _renamed("db-corrupt", found, [line for line in marked if line[1] == "corruption"], service)
    blamed = set(found.blamed) | _peers(marked, model) | ({"host"} if "disk-full" in names else set())
    blamed -= {service.name}
    own = names <= own_reasons() | {"crash"} and bool(names & own_reasons())
    return replace(found, proof=(*found.proof, *proof), blamed=tuple(sorted(blamed)), own_reason=own)


def with_reason(found: Finding, said: Sequence[str], target: AnyTarget, seen: CheckEvidence) -> Finding:
    """What fails while it runs, with the known error that it tells: in its answer (`said`), or lately in its log.

    Whom such a line names is to blame, where that one has failed too.
    """
    view = seen.value("engine")
    if not catalogue()[found.code].follows:
        return found
    log = next((seen.value(probe) for probe in own_log(target)), None) or {}
    lines = [line for one in log.values() for line in one["lines"]] if view else []
    now = datetime.fromtimestamp(view["asked"], UTC) if view else None
    fresh = [line for line in lines if (at := _time_of(line)) and now and (now - at).total_seconds() <= LATELY]
    marked = [(line, name) for line in (*said, *fresh) if (name := signature_of(line))]
    if not marked:
        return found
    names = {name for _, name in marked}
    blamed = {*found.blamed, *_peers(marked, target.model), *({"host"} if "disk-full" in names else ())}
    proof = tuple(dict.fromkeys(_proof(target.service, line, name) for line, name in marked[-MOST_LINES:]))
    summary = f"{found.summary}; it says: {proof[-1].value[:REASON]}"
    blamed -= {target.service}
    return replace(found, summary=summary, proof=(*found.proof, *proof), blamed=tuple(sorted(blamed)))


def _time_of(line: str) -> datetime | None:
    match = _STAMP.match(line)
    return parse_time(match.group(1)) if match else None


def dated_by_log(found: Sequence[Finding], target: AnyTarget, seen: CheckEvidence) -> list[Finding]:
    """The findings of a store, each with the first line of its log that says the same: it tells since when."""
    log = next((seen.value(probe) for probe in own_log(target)), None) or {}
    lines = [line for one in log.values() for line in one["lines"]]
    return [_dated(one, lines, target.service) for one in found]


def _dated(found: Finding, lines: Sequence[str], service: str) -> Finding:
    signs = catalogue()[found.code].log
    first = next(((line, name) for line in lines if signs and (name := signature_of(line)) in signs), None)
    if first is None:
        return found
    line, name = first
    proof = _proof(service, line, name)
    return replace(found, proof=(*found.proof, proof), since=found.since or proof.at)


def _proof(service: str, line: str, name: str) -> Proof:
    match = _STAMP.match(line)
    at, text = (match.group(1), match.group(2)) if match else (None, line)
    return Proof(f"log of {service} ({name})", text[:300], at)


def _renamed(code: str, found: Finding, lines: Sequence[tuple[str, str]], service: Service) -> Finding:
    """The more exact code; exit and log stand in its proof side by side."""
    proof = tuple(_proof(service.name, line, name) for line, name in lines[-MOST_LINES:])
    error = proof[-1].value[:160]
    facts = {**found.facts, "error": error}
    return finding(code, service.name, proof=(*proof, *found.proof), since=found.since, facts=facts)


def about_peers(
    lines: Sequence[str], service: Service, model: Model, now: datetime, fresh: float
) -> tuple[list[str], list[Proof]]:
    """The other services that lines of the last `fresh` seconds complain of, and these lines."""
    peers: set[str] = set()
    proof = []
    for line in lines:
        name = signature_of(line)
        at = _time_of(line)
        if name is None or at is None or (now - at).total_seconds() > fresh:
            continue
        blamed = _peers([(line, name)], model) - {service.name}
        if blamed:
            peers |= blamed
            proof.append(_proof(service.name, line, name))
    return sorted(peers), proof


def _peers(marked: Sequence[tuple[str, str]], model: Model) -> set[str]:
    """The services that the lines about connections name as the other end, not as a word or a module's name."""
    lines = [line for line, signature in marked if signature in _PEER]
    return {one.name for one in model.services for line in lines if _other_end(one.name).search(line)}


@cache
def _other_end(name: str) -> re.Pattern[str]:
    """How programs name what they cannot reach: `to NAME`, `host "NAME"`, `lookup NAME`, `NAME:5432`."""
    word = re.escape(name) + r"(?![\w-]|\.[A-Za-z_])"
    before = r"(?:\b(?:to|host|name|lookup|at|server|resolve|resolving|for)|ENOTFOUND|EAI_AGAIN|Exception:)"
    return re.compile(rf"{before}[ :]+[\"'(]?{word}|[\"'(@]{word}|(?<![\w./-]){re.escape(name)}:\d", re.IGNORECASE)

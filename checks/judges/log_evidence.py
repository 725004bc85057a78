"""What log lines add to a finding. A line alone is never a finding of a cause: another check must fail too. Pure."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

from service_down.checks.framework.check import AnyTarget, CheckEvidence
from service_down.checks.framework.targets import own_log
from service_down.fixtures.catalog.finding import Finding, Proof, catalogue, finding
from service_down.fixtures.catalog.log_signatures import own_reasons, signature_of
from service_down.fixtures.engines.registry import ENGINE
from service_down.fixtures.evidence.observation import parse_time
from service_down.fixtures.probes.registry import subjects
from service_down.fixtures.settings.schema import Settings
from service_down.fixtures.stack.containers import LogTail
from service_down.fixtures.stack.model import Model, Service

MAX_LAST_LINES = 30  # the last lines of an ended container that may hold the reason
MAX_PROOF_LINES = 3
MAX_UNKNOWN_LINES = 2  # last lines that are shown when no signature matches
RECENT_SECONDS = 120.0
MAX_BEFORE_FAULT = timedelta(minutes=5)  # older lines are of an earlier fault
MAX_LINE_CHARACTERS = 300
MAX_REASON_CHARACTERS = 160
_STAMP = re.compile(r"^(\d{4}-\d\d-\d\dT[\d:.]+Z) ?(.*)$")
_CONNECTION_SIGNATURES = (
    "connection-refused",
    "connection-timed-out",
    "name-not-resolved",
    "authentication-failed",
    "too-many-connections",
)

Log = Mapping[str, LogTail]  # container -> the end of its log
SignedLine = tuple[str, str]  # a line and the name of its signature


def log_codes_of(service: str, settings: Settings) -> Mapping[str, str]:
    """Log signature -> finding code, for the logs of this service.

    A subject with a table in the settings speaks for the services that the table names; one without, for all.
    """
    codes: dict[str, str] = {}
    for subject in subjects():
        entries = settings.all_of(subject.table).values() if subject.table else ()
        if subject.table is None or any(getattr(entry, "service", None) == service for entry in entries):
            codes |= subject.log_codes
    return codes


def with_log(found: Finding, log: Log | None, service: Service, model: Model, log_codes: Mapping[str, str]) -> Finding:
    """The finding with what the last log lines prove: more proof, services to blame, or a more exact code."""
    if not catalogue()[found.code].reads_last_log_lines or not log:
        return found
    last_lines = (line for tail in log.values() for line in tail.lines[-MAX_LAST_LINES:])
    lines = [line for line in last_lines if not _is_stale(line, found.since)]
    signed = list(_signed(lines))
    if not signed:
        last = [line for line in lines if line.strip()][-MAX_UNKNOWN_LINES:]
        return replace(found, proof=(*found.proof, *(_proof(service.name, line, "last words") for line in last)))
    names = {name for _, name in signed}
    for name, code in log_codes.items():
        if name in names and _may_be_reason(name, found):
            return _with_code(code, found, [entry for entry in signed if entry[1] == name], service)
    proof = [_proof(service.name, line, name) for line, name in signed[-MAX_PROOF_LINES:]]
    blamed = {*found.blamed, *_blamed(signed, model)} - {service.name}
    own = names <= own_reasons() | {"crash"} and bool(names & own_reasons())
    return replace(found, proof=(*found.proof, *proof), blamed=tuple(sorted(blamed)), own_reason=own)


def _may_be_reason(signature: str, found: Finding) -> bool:
    """Whether a signature may replace the finding's code.

    A reason of the program's own does not explain the end of a container that was killed: it had started.
    """
    return catalogue()[found.code].follows or signature not in own_reasons()


def with_reason(found: Finding, texts: Sequence[str], target: AnyTarget, evidence: CheckEvidence) -> Finding:
    """The finding of a service that runs, with the known error in `texts`, its answer, or in its recent log lines.

    Such a line blames the services that it names.
    """
    engine = evidence.value(ENGINE)
    if not catalogue()[found.code].follows:
        return found
    lines = _log_lines(target, evidence)
    recent = [line for line in lines if engine and _is_recent(line, engine.now, RECENT_SECONDS)]
    signed = list(_signed((*texts, *recent)))
    if not signed:
        return found
    blamed = {*found.blamed, *_blamed(signed, target.model)} - {target.service}
    proof = tuple(dict.fromkeys(_proof(target.service, line, name) for line, name in signed[-MAX_PROOF_LINES:]))
    summary = with_words(found.summary, proof[-1].value)
    return replace(found, summary=summary, proof=(*found.proof, *proof), blamed=tuple(sorted(blamed)))


def with_words(summary: str, line: str) -> str:
    """The summary with what the service says, cut between words; the summary alone where it holds these words."""
    said = textwrap.shorten(line, MAX_REASON_CHARACTERS, placeholder=" …")
    is_said = said.removesuffix(" …") in " ".join(summary.split())
    return summary if is_said else f"{summary}; it says: {said}"


def dated_by_log(findings: Sequence[Finding], target: AnyTarget, evidence: CheckEvidence) -> list[Finding]:
    """The findings, each with the first log line of its service that proves it too, and the time of that line."""
    lines = _log_lines(target, evidence)
    return [_dated(found, lines, target.service) for found in findings]


def _dated(found: Finding, lines: Sequence[str], service: str) -> Finding:
    fresh = (line for line in lines if not _is_stale(line, found.since))
    signed = [(line, name) for line, name in _signed(fresh) if name in catalogue()[found.code].log]
    if not signed:
        return found
    proof = _proof(service, *_last_series(signed)[0])
    return replace(found, proof=(*found.proof, proof), since=found.since or proof.at)


def _is_stale(line: str, since: str | None) -> bool:
    """Whether a line was written minutes before the fault: it is of an earlier one. Without both times it is not."""
    at, began = _time_of(line), parse_time(since)
    return at is not None and began is not None and began - at > MAX_BEFORE_FAULT


def _last_series(signed: Sequence[SignedLine]) -> Sequence[SignedLine]:
    """The last lines without minutes of silence between them; what stands before is of an earlier fault."""
    start = len(signed) - 1
    while start > 0 and not _is_stale(signed[start - 1][0], _stamp(signed[start][0])):
        start -= 1
    return signed[start:]


def recent_peer_errors(
    lines: Sequence[str], service: Service, model: Model, now: datetime, within_seconds: float
) -> tuple[list[str], list[Proof]]:
    """The other services that recent log lines complain of, and these lines."""
    peers: set[str] = set()
    proof = []
    for line, name in _signed(line for line in lines if _is_recent(line, now, within_seconds)):
        blamed = _peers([(line, name)], model) - {service.name}
        if blamed:
            peers |= blamed
            proof.append(_proof(service.name, line, name))
    return sorted(peers), proof


def _log_lines(target: AnyTarget, evidence: CheckEvidence) -> list[str]:
    """The log lines of every container of the target's service."""
    return [line for key in own_log(target) for tail in (evidence.value(key) or {}).values() for line in tail.lines]


def _signed(lines: Iterable[str]) -> Iterator[SignedLine]:
    """The lines that match a signature, with its name."""
    for line in lines:
        name = signature_of(line)
        if name:
            yield line, name


def _stamp(line: str) -> str | None:
    """The engine's time in front of a line."""
    match = _STAMP.match(line)
    return match.group(1) if match else None


def _time_of(line: str) -> datetime | None:
    return parse_time(_stamp(line))


def _is_recent(line: str, now: datetime, within_seconds: float) -> bool:
    at = _time_of(line)
    return at is not None and (now - at).total_seconds() <= within_seconds


def _proof(service: str, line: str, signature: str) -> Proof:
    match = _STAMP.match(line)
    at, text = (match.group(1), match.group(2)) if match else (None, line)
    return Proof(f"log of {service} ({signature})", text[:MAX_LINE_CHARACTERS], at)


def _with_code(code: str, found: Finding, signed: Sequence[SignedLine], service: Service) -> Finding:
    """The same failure under a more exact code, with the log lines before the other proof."""
    proof = tuple(_proof(service.name, line, name) for line, name in signed[-MAX_PROOF_LINES:])
    facts = {**found.facts, "error": proof[-1].value[:MAX_REASON_CHARACTERS]}
    return finding(code, service.name, proof=(*proof, *found.proof), since=found.since, facts=facts)


def _blamed(signed: Sequence[SignedLine], model: Model) -> set[str]:
    """The services that the lines name as the reason; a full disk is the host's."""
    is_disk_full = any(name == "disk-full" for _, name in signed)
    return _peers(signed, model) | ({"host"} if is_disk_full else set())


def _peers(signed: Sequence[SignedLine], model: Model) -> set[str]:
    """The services that lines about connections name as the other end. A mere mention does not count."""
    lines = [line for line, name in signed if name in _CONNECTION_SIGNATURES]
    return {service.name for service in model.services for line in lines if _other_end(service.name).search(line)}


@cache
def _other_end(service: str) -> re.Pattern[str]:
    """How programs name what they cannot reach: `to NAME`, `host "NAME"`, `lookup NAME`, `NAME:5432`."""
    word = re.escape(service) + r"(?![\w-]|\.[A-Za-z_])"
    before = r"(?:\b(?:to|host|name|lookup|at|server|resolve|resolving|for)|ENOTFOUND|EAI_AGAIN|Exception:)"
    return re.compile(rf"{before}[ :]+[\"'(]?{word}|[\"'(@]{word}|(?<![\w./-]){re.escape(service)}:\d", re.IGNORECASE)

"""Health and readiness endpoints: status, body, latency, and that the right program answers (runbook 6, 8)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from checks.check import Seen, Settle, Target, check
from checks.targets import named
from fixtures.evidence import Observation
from fixtures.finding import Finding, Proof, finding
from fixtures.model import Model
from fixtures.probes.engine import containers_of
from fixtures.probes.http import json_of
from fixtures.settings import Endpoint

BAD = {
    "unhealthy",
    "unreachable",
    "not_ready",
    "not_healthy",
    "down",
    "error",
    "fail",
    "failed",
    "failing",
    "dead",
    "critical",
    "unavailable",
    "out_of_service",
    "offline",
    "disconnected",
    "red",
    "broken",
    "not_ok",
    "healthy:_false",
    "ok:_false",
    "success:_false",
    "ready:_false",
}  # fmt: skip
IMPAIRED = {"degraded", "warning", "warn", "partial", "starting", "yellow"}
OWN = ("status", "state", "health", "code")  # keys of a table that say how it is itself, the first of them first
GROUPS = ("components", "services", "dependencies", "checks", "details", "data")  # keys that others stand behind
SETTING = re.compile(r"(?:level|severity|colou?r|theme|mode|name|type|event)$", re.IGNORECASE)  # `log_level: error`
DEPTH = 8
_BY_KIND = {
    "refused": "endpoint-refused",
    "not-running": "endpoint-refused",
    "unreachable": "endpoint-refused",
    "timeout": "endpoint-timeout",
    "dns": "dns-failed",
    "tls": "tls-invalid",
}
TLS_DAYS = 14


@check(
    "endpoint",
    runbook=("6.curl-health", "8.curl-health"),
    over=named("endpoints"),
    asks=lambda target: (f"http:{target.id}",),
    uses=lambda target: ("engine",),
    absent="stack.toml has no [endpoints.*]",
)
def test_endpoint(target: Target[Endpoint], seen: Seen, settle: Settle) -> None:
    """The endpoint says that the service is healthy."""
    found = judge_endpoint(target.service, target.spec, seen[f"http:{target.id}"])
    settle(
        found or judge_stranger(target.service, target.spec, target.model, seen[f"http:{target.id}"], seen["engine"])
    )


def judge_endpoint(service: str, told: Endpoint, seen: Observation) -> list[Finding]:
    """At most one failing finding, or warnings when it answers but not well."""
    if seen.outcome == "error":
        return [unanswered(service, told.port, seen)]
    answer = seen.value
    url, status, body = answer["url"], answer["status"], answer["body"]
    facts: dict[str, Any] = {"url": url, "port": _port(url, told.port), "status": status}
    if status not in told.status:
        wanted = " or ".join(map(str, told.status))
        proof = [Proof(f"GET {url}", str(status), seen.at), Proof("body", body[:300], seen.at)]
        if 200 <= status < 500 and told.program and not re.search(told.program, body):
            return [_wrong_service(service, told, seen, facts)]
        return [
            finding(
                "endpoint-error", service, proof=proof, since=None, wanted=wanted, blamed=_blamed(body), facts=facts
            )
        ]
    if told.program and not re.search(told.program, body):
        return [_wrong_service(service, told, seen, facts)]
    return _judge_body(service, told, seen, facts)


def judge_stranger(service: str, told: Endpoint, model: Model, seen: Observation, engine: Observation) -> list[Finding]:
    """`endpoint-wrong-service` when all looks well, and none of the service's containers runs."""
    known = model.service(service)
    if known is None or engine.outcome != "seen" or told.host:
        return []
    containers = containers_of(engine.value, service, known.aliases)
    if any(one["State"].get("Running") for one in containers):
        return []
    proof = [
        Proof(f"running containers of {service}", "none", engine.at),
        Proof(f"GET {seen.value['url']}", str(seen.value["status"]), seen.at),
    ]
    what = "it answers well, but no container of the service runs"
    facts = {"url": seen.value["url"], "port": _port(seen.value["url"], told.port), "what": what}
    return [finding("endpoint-wrong-service", service, proof=proof, facts=facts)]


def _port(url: str, inside: int) -> int:
    """The port that was asked: the published one where there is one, which is what a command on the machine needs."""
    return urlsplit(url).port or inside


def unanswered(service: str, port: int, seen: Observation) -> Finding:
    """The finding for a request that got no HTTP answer."""
    url = (seen.value or {}).get("url", f"port {port}")
    code = _BY_KIND.get(seen.kind, "endpoint-error")
    proof = Proof(f"GET {url}", f"{seen.kind}: {seen.text}", seen.at)
    facts: dict[str, Any] = {
        "url": url,
        "port": _port(url, port),
        "error": seen.text,
        "status": seen.text,
        "wanted": "an HTTP answer",
    }
    return finding(code, service, proof=[proof], facts=facts)


def _wrong_service(service: str, told: Endpoint, seen: Observation, facts: dict[str, Any]) -> Finding:
    answer = seen.value
    server = answer["headers"].get("server", "no Server header")
    what = f"its answer does not match {told.program!r}"
    proof = [
        Proof(f"GET {answer['url']}", str(answer["status"]), seen.at),
        Proof("Server", server, seen.at),
        Proof("body", answer["body"][:200], seen.at),
    ]
    return finding("endpoint-wrong-service", service, proof=proof, what=what, facts=facts)


def _judge_body(service: str, told: Endpoint, seen: Observation, facts: dict[str, Any]) -> list[Finding]:
    answer, found = seen.value, []
    states = _read(answer)
    tops = [state for name, state in states if not name]
    top = next((state for state in tops if state in BAD), next(iter(tops), ""))
    parts = {name: state for name, state in sorted(states, key=lambda pair: pair[1] in BAD) if name}
    bad_parts = [name for name, state in parts.items() if state in BAD]
    said = ", ".join(f"{name}: {parts[name]}" for name in bad_parts)
    if top in BAD:
        what = f"{top} ({said})" if said else top
        proof = Proof(f"GET {answer['url']} body", f"status: {what}", seen.at)
        return [finding("endpoint-unhealthy-body", service, proof=[proof], what=what, blamed=bad_parts, facts=facts)]
    if top in IMPAIRED or bad_parts:
        what = f"it says {', with '.join(filter(None, (top, said)))}"
        proof = Proof(f"GET {answer['url']} body", what, seen.at)
        found.append(finding("endpoint-degraded", service, proof=[proof], what=what, blamed=bad_parts, facts=facts))
    if answer.get("first"):
        what = f"it flapped: {answer['first']} at first, {answer['status']} on a second look"
        found.append(
            finding(
                "endpoint-degraded",
                service,
                proof=[Proof(f"GET {answer['url']}", what, seen.at)],
                what=what,
                facts=facts,
            )
        )
    if answer["seconds"] > told.slow_seconds:
        what = f"took {answer['seconds']:.1f} s (wanted less than {told.slow_seconds:g} s)"
        proof = Proof(f"GET {answer['url']}", f"{answer['seconds']:.2f} s", seen.at)
        found.append(finding("endpoint-degraded", service, proof=[proof], what=what, facts=facts))
    days = answer.get("certificate_days")
    if days is not None and days < TLS_DAYS:
        found.append(
            finding(
                "tls-expiring",
                service,
                proof=[Proof("certificate", f"{days:.1f} days left", seen.at)],
                what=f"{days:.1f} days",
                facts=facts,
            )
        )
    return found


def _states(value: Any) -> Iterator[tuple[str, str]]:
    """Every status in a health body by the component it is about; the whole's own has the name ''."""
    if isinstance(value, str):
        yield "", _word(value)
    elif isinstance(value, list):
        yield from _parts("?", value, 0)
    elif isinstance(value, dict):
        own = list(_own(value, 0))
        yield from (("", state) for state in own)
        yield from _flat(value)
        for key in GROUPS:
            inner = value.get(key)
            if not own and isinstance(inner, dict) and isinstance(inner.get("status"), str):
                yield from _states(inner)  # an envelope around the whole; beside a status of its own it is a part
            else:
                yield from _parts(key, inner, 1)


def _own(table: dict[str, Any], depth: int) -> Iterator[str]:
    """What a table says of itself."""
    said = _said_in(table)
    if isinstance(said, str):
        yield _word(said)
    elif isinstance(said, dict) and depth < DEPTH:
        yield from _own(said, depth + 1)
    for key in ("healthy", "ok", "success", "ready"):
        if table.get(key) is False:
            yield _word(f"{key}: false")


def _said_in(table: dict[str, Any]) -> Any:
    return next((table[key] for key in OWN if isinstance(table.get(key), str | dict)), None)


def _flat(table: dict[str, Any], depth: int = 0) -> Iterator[tuple[str, str]]:
    """The parts that stand beside the whole's own status as mere words: `"database": "disconnected"`."""
    said = _said_in(table)
    if isinstance(said, dict) and depth < DEPTH:
        yield from _flat(said, depth + 1)
    for key, value in table.items():
        if isinstance(value, str) and value is not said and _word(value) in BAD and not SETTING.search(key):
            yield key, _word(value)


def _word(state: str) -> str:
    return state.strip().lower().replace("-", "_").replace(" ", "_")


def _parts(owner: str, parts: Any, depth: int) -> Iterator[tuple[str, str]]:
    """The states of a group's members; a bare `status` among them is that of whom the group belongs to."""
    if depth > DEPTH:
        return
    if isinstance(parts, dict):
        for name, one in parts.items():
            for inner in one if isinstance(one, list) else [one]:
                yield from _part(owner if name == "status" else name, inner, depth)
    elif isinstance(parts, list):
        for one in parts:
            if isinstance(one, dict):
                yield from _part(str(one.get("name", one.get("service", "?"))), one, depth)


def _part(name: str, value: Any, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, _word(value)
    elif isinstance(value, dict):
        yield from ((name, state) for state in _own(value, depth))
        for key in GROUPS:
            yield from _parts(name, value.get(key), depth + 1)


def _read(answer: Any) -> list[tuple[str, str]]:
    """The statuses of an answer: of its JSON, of the beginning of one that was cut, of a text that is one word."""
    found = json_of(answer["body"])
    if found is not None:
        return list(_states(found))
    text = answer["body"].lstrip("\ufeff").strip()
    cut = re.match(r'\s*\{\s*"(?:status|state)"\s*:\s*"([^"]{1,40})"', text)
    if cut:
        return [("", _word(cut.group(1)))]
    return [("", _word(text))] if len(text) < 40 else []


def _blamed(body: str) -> Iterable[str]:
    """The components that the body of an error names as broken."""
    return [name for name, state in _states(json_of(body)) if name and state in BAD]

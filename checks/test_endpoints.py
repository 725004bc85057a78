"""Health and readiness endpoints: status, body, latency, and that the right program answers (runbook 6, 8)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from checks.check import Seen, Settle, Target, check
from checks.targets import named
from fixtures.evidence import Observation
from fixtures.finding import Finding, Proof, finding
from fixtures.settings import Endpoint

BAD = {
    "unhealthy", "unreachable", "not_ready", "not ready", "down", "error", "fail", "failed", "failing", "dead",
    "critical", "unavailable",
}  # fmt: skip
IMPAIRED = {"degraded", "warning", "warn", "partial", "starting"}
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
    settle(judge_endpoint(target.service, target.spec, seen[f"http:{target.id}"]))


def judge_endpoint(service: str, told: Endpoint, seen: Observation) -> list[Finding]:
    """At most one failing finding, or warnings when it answers but not well."""
    if seen.outcome == "error":
        return [unanswered(service, told.port, seen)]
    answer = seen.value
    url, status, body = answer["url"], answer["status"], answer["body"]
    facts: dict[str, Any] = {"url": url, "port": told.port, "status": status}
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


def unanswered(service: str, port: int, seen: Observation) -> Finding:
    """The finding for a request that got no HTTP answer."""
    url = (seen.value or {}).get("url", f"port {port}")
    code = _BY_KIND.get(seen.kind, "endpoint-error")
    proof = Proof(f"GET {url}", f"{seen.kind}: {seen.text}", seen.at)
    facts: dict[str, Any] = {
        "url": url,
        "port": port,
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
    states = dict(_states(_json(answer["body"])))
    top, parts = states.pop("", ""), states
    bad_parts = [name for name, state in parts.items() if state in BAD]
    said = ", ".join(f"{name}: {parts[name]}" for name in bad_parts)
    if top in BAD:
        what = f"{top} ({said})" if said else top
        proof = Proof(f"GET {answer['url']} body", f"status: {what}", seen.at)
        return [finding("endpoint-unhealthy-body", service, proof=[proof], what=what, blamed=bad_parts, facts=facts)]
    if top in IMPAIRED or bad_parts:
        what = f"it says {top or 'ok'}" + (f", with {said}" if said else "")
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


def _json(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _states(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every status in a health body by the component it is about; the whole's own has the name ''."""
    if not isinstance(value, dict):
        return
    for key in ("status", "state", "health"):
        if isinstance(value.get(key), str):
            yield name, value[key].strip().lower()
            break
    for key in ("components", "services", "dependencies", "checks", "details"):
        yield from _parts(value.get(key))


def _parts(parts: Any) -> Iterator[tuple[str, str]]:
    if isinstance(parts, dict):
        for name, one in parts.items():
            if isinstance(one, str):
                yield str(name), one.strip().lower()
            else:
                yield from _states(one, str(name))
    elif isinstance(parts, list):
        for one in parts:
            if isinstance(one, dict):
                yield from _states(one, str(one.get("name", one.get("service", "?"))))


def _blamed(body: str) -> Iterable[str]:
    """The components that the body of an error names as broken."""
    return [name for name, state in _states(_json(body)) if name and state in BAD]

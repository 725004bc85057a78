"""Health and readiness endpoints: status, body, latency, and that the right program answers (runbook 6, 8)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from service_down.checks.framework.check import CheckEvidence, ReportFindings, Target, check
from service_down.checks.framework.targets import named, own_log
from service_down.checks.judges.health_body import BAD, IMPAIRED, blamed_in, states_of
from service_down.checks.judges.log_evidence import with_reason
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.evidence.observation import Observation, replicas_of
from service_down.fixtures.probes.engine import containers_of
from service_down.fixtures.settings.schema import Endpoint
from service_down.fixtures.stack.model import Model

_BY_KIND = {
    "refused": "endpoint-refused",
    "not-running": "endpoint-refused",
    "unreachable": "endpoint-refused",
    "timeout": "endpoint-timeout",
    "dns": "dns-failed",
    "tls": "tls-invalid",
}
TLS_DAYS = 14
LOOKED_THROUGH = 4096  # characters of a body: no deadline ends a search that is slow on a long one


@check(
    "endpoint",
    runbook=("6.curl-health", "8.curl-health"),
    over=named("endpoints"),
    asks=lambda target: (f"http:{target.id}",),
    uses=lambda target: ("engine", *own_log(target)),
    absent="stack.toml has no [endpoints.*]",
)
def test_endpoint(target: Target[Endpoint], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """The endpoint says that the service is healthy."""
    answer, found = judge_replicas(target.service, target.spec, seen[f"http:{target.id}"])
    found = found or judge_stranger(target.service, target.spec, target.model, answer, seen["engine"])
    body = str((answer.value or {}).get("body") or "")
    report_findings(
        [with_reason(_beside_its_health(one, target, seen), body.splitlines(), target, seen) for one in found]
    )


def _beside_its_health(found: Finding, target: Target[Endpoint], seen: CheckEvidence) -> Finding:
    """A refused connection to what its own healthcheck finds well: it may listen for itself alone."""
    known, view = target.model.service(target.service), seen.value("engine")
    if found.code != "endpoint-refused" or known is None or not view:
        return found
    states = [one["State"] for one in containers_of(view, target.service, known.aliases)]
    if not any(one.get("Running") and (one.get("Health") or {}).get("Status") == "healthy" for one in states):
        return found
    proof = Proof(f"{target.service} State.Health.Status", "healthy", seen["engine"].at)
    hint = "its own healthcheck passes inside: does it listen on 127.0.0.1 only?"
    return replace(found, summary=f"{found.summary}; {hint}", proof=(*found.proof, proof))


def judge_replicas(service: str, told: Endpoint, seen: Observation) -> tuple[Observation, list[Finding]]:
    """The answer that counts and what it says: the worst of the replicas, which only impairs while another is well."""
    judged = [(one, judge_endpoint(service, told, one)) for one in replicas_of(seen)]
    bad = [pair for pair in judged if any(one.severity != "warning" for one in pair[1])]
    if not bad or len(bad) == len(judged):
        return next((pair for pair in judged if pair[1]), judged[0])
    answer, found = bad[0]
    well = f"{len(judged) - len(bad)} of {len(judged)}"
    count = Proof("replicas that answer well", well, seen.at)
    return answer, [
        replace(
            one,
            severity="error",
            impaired=True,
            summary=f"{one.summary} ({well} replicas answer well)",
            proof=(*one.proof, count),
        )
        for one in found
    ]


def judge_endpoint(service: str, told: Endpoint, seen: Observation) -> list[Finding]:
    """At most one failing finding, or warnings when it answers but not well."""
    if seen.outcome == "error":
        return [unanswered(service, told.port, seen)]
    answer = seen.value
    url, status, body = answer["url"], answer["status"], answer["body"]
    facts: dict[str, Any] = {"url": url, "where": url, "port": _port(url, told.port), "status": status}
    if status not in told.status:
        wanted = " or ".join(map(str, told.status))
        proof = [Proof(f"GET {url}", str(status), seen.at), Proof("body", body[:300], seen.at)]
        if 200 <= status < 500 and told.program and not re.search(told.program, body[:LOOKED_THROUGH]):
            return [_wrong_service(service, told, seen, facts)]
        return [
            finding(
                "endpoint-error", service, proof=proof, since=None, wanted=wanted, blamed=blamed_in(body), facts=facts
            )
        ]
    if told.program and not re.search(told.program, body[:LOOKED_THROUGH]):
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
    url = (seen.value or {}).get("url")  # none where no address is known: no command then either
    where = url or f"port {port}"
    code = _BY_KIND.get(seen.kind, "endpoint-error")
    proof = Proof(f"GET {where}", f"{seen.kind}: {seen.text}", seen.at)
    facts: dict[str, Any] = {
        **({"url": url} if url else {}),
        "where": where,
        "port": _port(where, port),
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
    states = states_of(answer)
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

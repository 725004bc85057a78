"""Health and readiness endpoints: status, body, latency, and that the right program answers (runbook 6, 8)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from service_down.checks.framework.check import CheckEvidence, ReportFindings, Target, check
from service_down.checks.framework.targets import entries_of, own_log
from service_down.checks.judges.health_body import BAD, IMPAIRED, bad_components, states_in
from service_down.checks.judges.log_evidence import with_reason
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.clients.http import NO_CONNECTION, HttpAnswer
from service_down.fixtures.engines.field_names import HEALTH_STATUS
from service_down.fixtures.engines.registry import ENGINE
from service_down.fixtures.evidence.observation import CannotCheck, Observation
from service_down.fixtures.probes.endpoints import (
    ENDPOINT,
    MAX_SEARCHED_CHARACTERS,
    TABLE,
    EndpointAnswer,
    EndpointSettings,
    per_replica,
)
from service_down.fixtures.run.properties import NEEDS_SETTINGS
from service_down.fixtures.settings.expression import may_be_slow
from service_down.fixtures.stack.containers import EngineState
from service_down.fixtures.stack.model import Model

_CODES = {  # of an error's kind
    "refused": "endpoint-refused",
    "not-running": "endpoint-refused",
    "unreachable": "endpoint-refused",
    "timeout": "endpoint-timeout",
    "dns": "dns-failed",
    "tls": "tls-invalid",
}
_NO_HTTP = ("protocol", "timeout", "tls")  # kinds of errors that a server of another protocol causes
MIN_CERTIFICATE_DAYS = 14

Facts = Mapping[str, object]


@check(
    "endpoint",
    runbook=("6.curl-health", "8.curl-health"),
    targets=entries_of(TABLE),
    judges_errors_of=lambda target: (ENDPOINT.of(target.id),),
    uses=lambda target: (ENGINE, *own_log(target)),
    absent="stack.toml has no [endpoints.*]",
)
def test_endpoint(target: Target[EndpointSettings], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The endpoint reports that the service is healthy."""
    observation, found = judge_replicas(target.service, target.spec, evidence[ENDPOINT.of(target.id)])
    found = found or judge_owner(target.service, target.spec, target.model, observation, evidence[ENGINE])
    if not found and endpoint_says_nothing(target.spec, observation):
        what = f"port {target.spec.port} of {target.service} accepts connections and gives no HTTP answer"
        pytest.skip(f"{NEEDS_SETTINGS}{what}; a [tcp.*] or [endpoints.*] table tells what it speaks")
    body = observation.value.body if observation.value else ""
    with_health = (_with_healthcheck_hint(finding, target, evidence[ENGINE]) for finding in found)
    report_findings([with_reason(finding, body.splitlines(), target, evidence) for finding in with_health])


def _with_healthcheck_hint(
    found: Finding, target: Target[EndpointSettings], observation: Observation[EngineState]
) -> Finding:
    """The finding with a hint where the connection is refused and the container's own healthcheck passes."""
    service, engine = target.model.service(target.service), observation.value
    if found.code != "endpoint-refused" or service is None or engine is None:
        return found
    containers = engine.containers_of(service.name, service.aliases)
    if not any(container.running and container.health_status == "healthy" for container in containers):
        return found
    proof = Proof(f"{service.name} {HEALTH_STATUS}", "healthy", observation.at)
    hint = "its own healthcheck passes inside: does it listen on 127.0.0.1 only?"
    return replace(found, summary=f"{found.summary}; {hint}", proof=(*found.proof, proof))


def judge_replicas(
    service: str, endpoint: EndpointSettings, observation: Observation[EndpointAnswer]
) -> tuple[Observation[HttpAnswer], list[Finding]]:
    """The observation of the worst replica and its findings, which only impair while another replica answers well."""
    judged = [(replica, judge_endpoint(service, endpoint, replica)) for replica in per_replica(observation)]
    bad = [pair for pair in judged if any(finding.severity != "warning" for finding in pair[1])]
    if not bad or len(bad) == len(judged):
        return next((pair for pair in judged if pair[1]), judged[0])
    worst, found = bad[0]
    well = f"{len(judged) - len(bad)} of {len(judged)}"
    count = Proof("replicas that answer well", well, observation.at)
    return worst, [
        replace(
            finding,
            severity="error",
            impaired=True,
            summary=f"{finding.summary} ({well} replicas answer well)",
            proof=(*finding.proof, count),
        )
        for finding in found
    ]


def judge_endpoint(service: str, endpoint: EndpointSettings, observation: Observation[HttpAnswer]) -> list[Finding]:
    """At most one failing finding, or warnings. Raises CannotCheck for an answer that cannot be read."""
    if endpoint_says_nothing(endpoint, observation):
        return []
    if observation.failed:
        return [_unanswered(service, endpoint.port, observation)]
    answer = observation.value
    if answer is None:
        raise CannotCheck(observation.text)
    port = _port(answer.url, endpoint.port)
    facts: Facts = {"url": answer.url, "where": answer.url, "port": port, "status": answer.status}
    if not endpoint.is_good(answer.status):
        if 200 <= answer.status < 500 and not _matches(endpoint.program, answer):
            return [_wrong_service(service, endpoint, answer, observation.at, facts)]
        proof = [
            Proof(f"GET {answer.url}", str(answer.status), observation.at),
            Proof("body", answer.body[:300], observation.at),
        ]
        blamed = bad_components(answer.body)
        return [finding("endpoint-error", service, proof=proof, wanted=endpoint.wanted, blamed=blamed, facts=facts)]
    if not _matches(endpoint.program, answer):
        return [_wrong_service(service, endpoint, answer, observation.at, facts)]
    return _judge_body(service, endpoint, answer, observation.at, facts)


def endpoint_says_nothing(endpoint: EndpointSettings, observation: Observation[HttpAnswer]) -> bool:
    """Whether the port accepts connections and may speak another protocol."""
    silent = observation.failed and observation.kind in _NO_HTTP and not observation.text.startswith(NO_CONNECTION)
    return endpoint.only_if_http and silent


def _matches(program: str | None, answer: HttpAnswer) -> bool:
    """Whether the body is that of the right program; always where the settings do not describe it.

    Raises CannotCheck when the search took too long.
    """
    if not program or answer.program_found is not None:
        return not program or bool(answer.program_found)
    if may_be_slow(program):
        raise CannotCheck(
            f"searching for {program!r} in the answer of {answer.url} takes too long: write `program` with fewer"
            " repetitions such as .*"
        )
    return re.search(program, answer.body[:MAX_SEARCHED_CHARACTERS]) is not None


def judge_owner(
    name: str,
    endpoint: EndpointSettings,
    model: Model,
    observation: Observation[HttpAnswer],
    engine: Observation[EngineState],
) -> list[Finding]:
    """`endpoint-wrong-service` when the endpoint answers well, but no container of the service runs."""
    service, answer = model.service(name), observation.value
    if service is None or engine.value is None or answer is None or endpoint.host:
        return []
    if any(container.running for container in engine.value.containers_of(name, service.aliases)):
        return []
    proof = [
        Proof(f"running containers of {name}", "none", engine.at),
        Proof(f"GET {answer.url}", str(answer.status), observation.at),
    ]
    what = "it answers well, but no container of the service runs"
    facts = {"url": answer.url, "port": _port(answer.url, endpoint.port), "what": what}
    return [finding("endpoint-wrong-service", name, proof=proof, facts=facts)]


def _port(url: str, container_port: int) -> int:
    """The port of the URL, which a command on the machine needs: the published port where there is one."""
    return urlsplit(url).port or container_port


def _unanswered(service: str, port: int, observation: Observation[HttpAnswer]) -> Finding:
    """The finding for a request that got no HTTP answer."""
    url = observation.error.url  # None where no address is known: no command then either
    where = url or f"port {port}"
    code = _CODES.get(observation.kind, "endpoint-error")
    proof = Proof(f"GET {where}", observation.error_text, observation.at)
    facts: Facts = {
        **({"url": url, "host": urlsplit(url).hostname or url} if url else {}),
        "where": where,
        "port": _port(where, port),
        "error": observation.text,
        "status": observation.text,
        "wanted": "an HTTP answer",
    }
    return finding(code, service, proof=[proof], facts=facts)


def _wrong_service(service: str, endpoint: EndpointSettings, answer: HttpAnswer, at: str, facts: Facts) -> Finding:
    what = f"its answer does not match {endpoint.program!r}"
    proof = [
        Proof(f"GET {answer.url}", str(answer.status), at),
        Proof("Server", answer.headers.get("server", "no Server header"), at),
        Proof("body", answer.body[:200], at),
    ]
    return finding("endpoint-wrong-service", service, proof=proof, what=what, facts=facts)


def _judge_body(service: str, endpoint: EndpointSettings, answer: HttpAnswer, at: str, facts: Facts) -> list[Finding]:
    """The findings of an answer with the right status: its states, and what may soon be wrong."""
    states = states_in(answer.body) if endpoint.is_health else []
    own_states = [state for name, state in states if not name]
    own = next((state for state in own_states if state in BAD), next(iter(own_states), ""))
    components = {name: state for name, state in sorted(states, key=lambda pair: pair[1] in BAD) if name}
    bad = [name for name, state in components.items() if state in BAD]
    listed = ", ".join(f"{name}: {components[name]}" for name in bad)
    if own in BAD:
        what = f"{own} ({listed})" if listed else own
        proof = Proof(f"GET {answer.url} body", f"status: {what}", at)
        return [finding("endpoint-unhealthy-body", service, proof=[proof], what=what, blamed=bad, facts=facts)]
    found = []
    if own in IMPAIRED or bad:
        what = f"it says {', with '.join(filter(None, (own, listed)))}"
        proof = Proof(f"GET {answer.url} body", what, at)
        found.append(finding("endpoint-degraded", service, proof=[proof], what=what, blamed=bad, facts=facts))
    return found + _warnings(service, endpoint, answer, at, facts)


def _warnings(service: str, endpoint: EndpointSettings, answer: HttpAnswer, at: str, facts: Facts) -> list[Finding]:
    """The warnings that do not come from the body: a flapping endpoint, a slow answer, a certificate that ends soon."""
    found = []
    if answer.first_attempt:
        what = f"it flapped: {answer.first_attempt} at first, {answer.status} on a second look"
        proof = Proof(f"GET {answer.url}", what, at)
        found.append(finding("endpoint-degraded", service, proof=[proof], what=what, facts=facts))
    if answer.seconds > endpoint.slow_seconds:
        what = f"took {answer.seconds:.1f} s (wanted less than {endpoint.slow_seconds:g} s)"
        proof = Proof(f"GET {answer.url}", f"{answer.seconds:.2f} s", at)
        found.append(finding("endpoint-degraded", service, proof=[proof], what=what, facts=facts))
    days = answer.certificate_days
    if days is not None and days < MIN_CERTIFICATE_DAYS:
        proof = Proof("certificate", f"{days:.1f} days left", at)
        found.append(finding("tls-expiring", service, proof=[proof], what=f"{days:.1f} days", facts=facts))
    return found

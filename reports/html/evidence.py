"""Evidence for the page: excerpts of logs, of inspect results and of the answers of endpoints and stores."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from service_down.fixtures.catalog.log_signatures import signature_of
from service_down.fixtures.evidence.observation import Observations, RawObservation, replicas_of
from service_down.fixtures.probes.container_logs import LOGS
from service_down.fixtures.probes.registry import subjects
from service_down.fixtures.stack.containers import Container, service_of
from service_down.reports.diagnosis.diagnose import DiagnosisContext
from service_down.reports.verdict import Verdict

MAX_LOG_LINES, MAX_LINE_CHARS, MAX_BODY_CHARS, MAX_SERVICES = 100, 400, 1500, 30


@dataclass(frozen=True)
class Log:
    """The last lines of a container's log, each with the name of the known error in it, if any."""

    service: str
    container: str
    lines: tuple[tuple[str, str | None], ...]
    marked: int
    note: str = ""


@dataclass(frozen=True)
class Answer:
    """The answer of an endpoint, store or external system."""

    probe: str
    result: str  # the HTTP status, or the kind of error
    fine: bool
    text: str
    at: str
    seconds: float
    attempts: int


@dataclass(frozen=True)
class Instance:
    """A container in the table of services."""

    service: str
    container: str
    image: str
    status: str
    health: str
    restarts: int
    since: str


def logs(verdict: Verdict, observations: Observations) -> tuple[Log, ...]:
    """Return the logs of the services that are not ok, causes first."""
    return tuple(log for name in _services_not_ok(verdict) for log in _logs(name, observations))


def _logs(name: str, observations: Observations) -> Iterator[Log]:
    observation = observations.get(LOGS.of(name))
    if observation is None:
        return
    if observation.value is None:
        yield Log(name, "", (), 0, observation.text)
        return
    for container, log in observation.value.items():
        lines = tuple((line[:MAX_LINE_CHARS], signature_of(line)) for line in log.lines[-MAX_LOG_LINES:])
        yield Log(name, container, lines, sum(1 for _, known in lines if known), log.note)


def _services_not_ok(verdict: Verdict) -> Sequence[str]:
    """Return the services that are not ok, causes first, at most MAX_SERVICES."""
    causes = {cause.service for cause in verdict.causes}
    names = [service.name for service in verdict.services if service.state not in ("ok", "unknown")]
    return sorted(names, key=lambda name: (name not in causes, name))[:MAX_SERVICES]


def inspected(verdict: Verdict, context: DiagnosisContext) -> tuple[tuple[str, str], ...]:
    """Return name and inspect excerpt of each container of a service that is not ok."""
    aliases = {service.name: service.aliases for service in context.model.services}
    wanted = _services_not_ok(verdict)
    return tuple(
        (container.name, json.dumps(container.excerpt, indent=2, ensure_ascii=False)[: 4 * MAX_BODY_CHARS])
        for container in (context.engine.containers if context.engine else ())
        if service_of(container, aliases) in wanted
    )


def answers(observations: Observations) -> tuple[Answer, ...]:
    """Return the answers of endpoints, stores and external systems, failed ones first."""
    kinds = tuple(f"{key.id}:" for subject in subjects() for key in subject.listed_answers)
    listed = [raw for probe, raw in observations.stored.items() if probe.startswith(kinds)]
    found = [_answer(raw.probe, replica) for raw in listed for replica in replicas_of(raw)]
    return tuple(sorted(found, key=lambda answer: (answer.fine, answer.probe)))


def _answer(probe: str, raw: RawObservation) -> Answer:
    value = raw.value if isinstance(raw.value, Mapping) else {}
    status = value.get("status")
    if raw.outcome == "seen":
        result, fine = str(status or "answered"), not isinstance(status, int) or status < 400
    else:
        result, fine = raw.kind or "could not look", False
    parts = [str(value["url"])] if value.get("url") else []
    parts += [raw.text] if raw.text else []
    body = value.get("body")
    if isinstance(body, str):
        parts.append(body[:MAX_BODY_CHARS] + ("…" if len(body) > MAX_BODY_CHARS else ""))
    elif value and "url" not in value:
        parts.append(json.dumps(value, indent=1, ensure_ascii=False)[:MAX_BODY_CHARS])
    return Answer(probe, result, fine, "\n".join(parts), raw.at, raw.seconds, raw.attempts)


def instances(context: DiagnosisContext) -> Mapping[str, Sequence[Instance]]:
    """Return the containers of each service."""
    aliases = {service.name: service.aliases for service in context.model.services}
    found: dict[str, list[Instance]] = {}
    for container in context.engine.containers if context.engine else ():
        name = service_of(container, aliases)
        if name:
            found.setdefault(name, []).append(_instance(name, container))
    return found


def _instance(service: str, container: Container) -> Instance:
    exited = container.status == "exited" and not container.running
    since = container.started if container.running else container.finished
    return Instance(
        service=service,
        container=container.name,
        image=container.image or "?",
        status=f"exited ({container.exit_code})" if exited else container.status,
        health=container.health_status,
        restarts=container.restart_count,
        since=(since or "")[:19].replace("T", " "),
    )

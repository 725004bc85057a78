"""Evidence for the page: excerpts of logs, of inspect results and of the answers of endpoints and stores."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service_down.fixtures.catalog.log_signatures import signature_of
from service_down.fixtures.evidence.observation import Observation, replicas_of
from service_down.fixtures.probes.engine import service_name
from service_down.reports.diagnosis.diagnose import DiagnosisContext
from service_down.reports.verdict import Verdict

MAX_LOG_LINES, MAX_LINE_CHARS, MAX_BODY_CHARS, MAX_SERVICES = 100, 400, 1500, 30
STATE_KEYS = ("Status", "ExitCode", "OOMKilled", "Error", "StartedAt", "FinishedAt", "Health")


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


def logs(verdict: Verdict, observations: Mapping[str, Observation]) -> tuple[Log, ...]:
    """Return the logs of the services that are not ok, causes first."""
    return tuple(
        log for name in _services_not_ok(verdict) if f"logs:{name}" in observations for log in _logs(name, observations)
    )


def _logs(name: str, observations: Mapping[str, Observation]) -> Iterator[Log]:
    observation = observations[f"logs:{name}"]
    if observation.outcome != "seen":
        yield Log(name, "", (), 0, observation.text)
        return
    for container, log in observation.value.items():
        lines = tuple((line[:MAX_LINE_CHARS], signature_of(line)) for line in log["lines"][-MAX_LOG_LINES:])
        yield Log(name, container, lines, sum(1 for _, known in lines if known), log.get("note", ""))


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
        (
            str(one.get("Name", "?")).lstrip("/"),
            json.dumps(_excerpt(one), indent=2, ensure_ascii=False)[: 4 * MAX_BODY_CHARS],
        )
        for one in context.view.get("containers", ())
        if service_name(one, aliases) in wanted
    )


def _excerpt(container: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of an inspect result that findings use."""
    host, net = container.get("HostConfig") or {}, container.get("NetworkSettings") or {}
    return {
        "Image": (container.get("Config") or {}).get("Image"),
        "Created": container.get("Created"),
        "RestartCount": container.get("RestartCount"),
        "State": {key: value for key, value in (container.get("State") or {}).items() if key in STATE_KEYS},
        "HostConfig": {key: host.get(key) for key in ("Memory", "RestartPolicy", "NetworkMode", "PortBindings")},
        "Networks": {name: (one or {}).get("IPAddress") for name, one in (net.get("Networks") or {}).items()},
    }


def answers(observations: Mapping[str, Observation]) -> tuple[Answer, ...]:
    """Return the answers of endpoints, stores and external systems, failed ones first."""
    kinds = ("http:", "external:", "api:", "login:", "postgres:", "redis:")
    matching = [(probe, observation) for probe, observation in sorted(observations.items()) if probe.startswith(kinds)]
    found = [_answer(probe, replica) for probe, observation in matching for replica in replicas_of(observation)]
    return tuple(sorted(found, key=lambda answer: (answer.fine, answer.probe)))


def _answer(probe: str, observation: Observation) -> Answer:
    value = observation.value if isinstance(observation.value, Mapping) else {}
    status = value.get("status")
    if observation.outcome == "seen":
        result, fine = str(status or "answered"), not isinstance(status, int) or status < 400
    else:
        result, fine = observation.kind or "could not look", False
    parts = [str(value["url"])] if value.get("url") else []
    parts += [observation.text] if observation.text else []
    body = value.get("body")
    if isinstance(body, str):
        parts.append(body[:MAX_BODY_CHARS] + ("…" if len(body) > MAX_BODY_CHARS else ""))
    elif value and "url" not in value:
        parts.append(json.dumps(value, indent=1, ensure_ascii=False)[:MAX_BODY_CHARS])
    return Answer(probe, result, fine, "\n".join(parts), observation.at, observation.seconds, observation.attempts)


def instances(context: DiagnosisContext) -> Mapping[str, Sequence[Instance]]:
    """Return the containers of each service."""
    aliases = {service.name: service.aliases for service in context.model.services}
    found: dict[str, list[Instance]] = {}
    for one in context.view.get("containers", ()):
        name = service_name(one, aliases)
        if name:
            found.setdefault(name, []).append(_instance(name, one))
    return found


def _instance(service: str, one: Mapping[str, Any]) -> Instance:
    state = one.get("State") or {}
    status = str(state.get("Status", "?"))
    running = bool(state.get("Running"))
    return Instance(
        service=service,
        container=str(one.get("Name", "?")).lstrip("/"),
        image=str((one.get("Config") or {}).get("Image") or "?"),
        status=status if running or status != "exited" else f"exited ({state.get('ExitCode')})",
        health=str((state.get("Health") or {}).get("Status") or ""),
        restarts=int(one.get("RestartCount") or 0),
        since=str(state.get("StartedAt" if running else "FinishedAt") or "")[:19].replace("T", " "),
    )

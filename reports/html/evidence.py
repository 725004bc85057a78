"""What was seen of what is not fine, short enough to be read: logs, inspect excerpts, answers; pure."""

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

LINES, LINE, BODY, INSPECTED = 100, 400, 1500, 30
KEPT_STATE = ("Status", "ExitCode", "OOMKilled", "Error", "StartedAt", "FinishedAt", "Health")


@dataclass(frozen=True)
class Log:
    """A container's last lines; each with the known error that it is, if it is one."""

    service: str
    container: str
    lines: tuple[tuple[str, str | None], ...]
    marked: int
    note: str = ""


@dataclass(frozen=True)
class Answer:
    """What one endpoint, store or system answered."""

    probe: str
    told: str  # status, or the kind of error
    fine: bool
    text: str
    at: str
    seconds: float
    attempts: int


@dataclass(frozen=True)
class Instance:
    """One container, for the services table."""

    service: str
    container: str
    image: str
    status: str
    health: str
    restarts: int
    since: str


def logs(verdict: Verdict, seen: Mapping[str, Observation]) -> tuple[Log, ...]:
    """The logs of the services that are not fine; causes first."""
    return tuple(log for name in _not_fine(verdict) if f"logs:{name}" in seen for log in _logs(name, seen))


def _logs(name: str, seen: Mapping[str, Observation]) -> Iterator[Log]:
    observation = seen[f"logs:{name}"]
    if observation.outcome != "seen":
        yield Log(name, "", (), 0, observation.text)
        return
    for container, log in observation.value.items():
        lines = tuple((line[:LINE], signature_of(line)) for line in log["lines"][-LINES:])
        yield Log(name, container, lines, sum(1 for _, known in lines if known), log.get("note", ""))


def _not_fine(verdict: Verdict) -> Sequence[str]:
    """The services that are not fine, causes first; not more than anybody reads."""
    causes = {one.service for one in verdict.causes}
    names = [one.name for one in verdict.services if one.state not in ("ok", "unknown")]
    return sorted(names, key=lambda name: (name not in causes, name))[:INSPECTED]


def inspected(verdict: Verdict, scene: DiagnosisContext) -> tuple[tuple[str, str], ...]:
    """Name and excerpt of the inspect result of each container of a service that is not fine."""
    aliases = {one.name: one.aliases for one in scene.model.services}
    wanted = _not_fine(verdict)
    return tuple(
        (str(one.get("Name", "?")).lstrip("/"), json.dumps(_excerpt(one), indent=2, ensure_ascii=False)[: 4 * BODY])
        for one in scene.view.get("containers", ())
        if service_name(one, aliases) in wanted
    )


def _excerpt(container: Mapping[str, Any]) -> dict[str, Any]:
    """The parts that findings are made of."""
    host, net = container.get("HostConfig") or {}, container.get("NetworkSettings") or {}
    return {
        "Image": (container.get("Config") or {}).get("Image"),
        "Created": container.get("Created"),
        "RestartCount": container.get("RestartCount"),
        "State": {key: value for key, value in (container.get("State") or {}).items() if key in KEPT_STATE},
        "HostConfig": {key: host.get(key) for key in ("Memory", "RestartPolicy", "NetworkMode", "PortBindings")},
        "Networks": {name: (one or {}).get("IPAddress") for name, one in (net.get("Networks") or {}).items()},
    }


def answers(seen: Mapping[str, Observation]) -> tuple[Answer, ...]:
    """What endpoints, stores and external systems answered; those that did not, first."""
    kinds = ("http:", "external:", "api:", "login:", "postgres:", "redis:")
    asked = [(probe, one) for probe, one in sorted(seen.items()) if probe.startswith(kinds)]
    found = [_answer(probe, each) for probe, one in asked for each in replicas_of(one)]
    return tuple(sorted(found, key=lambda one: (one.fine, one.probe)))


def _answer(probe: str, one: Observation) -> Answer:
    value = one.value if isinstance(one.value, Mapping) else {}
    status = value.get("status")
    if one.outcome == "seen":
        told, fine = str(status or "answered"), not isinstance(status, int) or status < 400
    else:
        told, fine = one.kind or "could not look", False
    parts = [str(value["url"])] if value.get("url") else []
    parts += [one.text] if one.text else []
    body = value.get("body")
    if isinstance(body, str):
        parts.append(body[:BODY] + ("…" if len(body) > BODY else ""))
    elif value and "url" not in value:
        parts.append(json.dumps(value, indent=1, ensure_ascii=False)[:BODY])
    return Answer(probe, told, fine, "\n".join(parts), one.at, one.seconds, one.attempts)


def instances(scene: DiagnosisContext) -> Mapping[str, Sequence[Instance]]:
    """The containers of each service."""
    aliases = {one.name: one.aliases for one in scene.model.services}
    found: dict[str, list[Instance]] = {}
    for one in scene.view.get("containers", ()):
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

"""Every wrong type in every place of every answer of the engine, one at a time, over a recorded run.

`python -m service_down.tests_meta.odd_answers` tries all of them (minutes); the tests try every n-th.
"""

from __future__ import annotations

import copy
import json
import math
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any
from unittest import mock

import msgspec

from service_down.fixtures.engines.docker import adapter, auxiliary, listing, snapshot, usage
from service_down.fixtures.engines.docker.evidence import evidence
from service_down.fixtures.engines.registry import ENGINE
from service_down.fixtures.evidence.collector import Collector
from service_down.fixtures.evidence.observation import RawObservation
from service_down.fixtures.evidence.probe import Probe
from service_down.fixtures.evidence.recording import Recording
from service_down.fixtures.probes import cleanup, container_usage, containers
from service_down.fixtures.probes.containers import CONTAINER_SAMPLES
from service_down.fixtures.probes.context import ProbeContext
from service_down.fixtures.secrets.redact import Redactor
from service_down.reports.verdict import CheckResult
from service_down.tests_meta import offline
from service_down.tests_meta.faults.recording import evidence_file
from service_down.tests_meta.recorded_engine import Answers, RecordedEngine, recorded_engine

WRONG: tuple[Any, ...] = (None, 1, "x", [], {}, 10**30, math.nan)
RECORDINGS = ("healthy", "postgres-stopped")
NOBODY = frozenset[str]()

Path = tuple[str | int, ...]
Judged = Mapping[str, tuple[str, str, tuple[tuple[str, str], ...]]]  # check -> service, outcome, findings


@dataclass(frozen=True)
class Place:
    """A place in an answer, the wrong value for it, and the services whose containers the answer is about."""

    question: str
    path: Path
    wrong: Any
    services: frozenset[str]

    def __str__(self) -> str:
        return f"{self.question} {'.'.join(map(str, self.path)) or 'as a whole'} = {json.dumps(self.wrong)}"


def places(engine: RecordedEngine) -> Iterator[Place]:
    """Every place of every answer, with every wrong value for it."""
    for question, answer in engine.answers.items():
        for path, value in _values(answer, ()):
            if question == "/containers/json" and not path:
                continue  # without a list of containers there is nothing to judge
            services = _services(engine, question, path)
            yield from (Place(question, path, wrong, services) for wrong in WRONG if _is_wrong(value, wrong))


def _values(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    yield path, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, found in inner:
        yield from _values(found, (*path, key))


def _is_wrong(value: Any, wrong: Any) -> bool:
    """Whether a value has another JSON type, or is a number that no such value has."""
    return type(value) is not type(wrong) or wrong == 10**30


def _services(engine: RecordedEngine, question: str, path: Path) -> frozenset[str]:
    """The services whose containers a part of an answer is about."""
    if question == "/containers/json":
        return frozenset({engine.services[engine.answers[question][path[0]]["Id"]]})
    if question == "/events":
        if not path:
            return frozenset(engine.services.values())
        actor = engine.answers[question][path[0]]["Actor"]
        key = actor["Attributes"].get("container", actor["ID"])
        return frozenset({engine.services[key]}) if key in engine.services else NOBODY
    return frozenset(service for key, service in engine.services.items() if key in question)


@contextmanager
def _asked_instead(engine: RecordedEngine, now: float) -> Iterator[None]:
    """The suite asks this engine, at the time of the recording."""
    clock = SimpleNamespace(time=lambda: now, monotonic=time.monotonic)
    with ExitStack() as stack:
        for module in (listing, adapter, usage):
            stack.enter_context(mock.patch.object(module, "client", return_value=engine))
        for module in (snapshot, auxiliary):
            stack.enter_context(mock.patch.object(module, "time", clock))
        stack.enter_context(mock.patch.object(usage, "pause"))
        stack.enter_context(mock.patch.object(container_usage, "_from_kernel", return_value=None))
        yield


class OddAnswers:
    """A recorded run, judged again with one odd answer of the engine."""

    def __init__(self, name: str) -> None:
        self.recording = offline.read(evidence_file(name))
        self.engine = recorded_engine(self.recording)
        self.usual = self._judged()

    def places(self) -> Iterator[Place]:
        """Every place with every wrong value."""
        return places(self.engine)

    def complaints(self, place: Place) -> list[str]:
        """What the wrong value costs beside itself; nothing when all is well."""
        answers = copy.copy(self.engine.answers)
        answers[place.question] = _changed(answers[place.question], place.path, place.wrong)
        judged = self._judged(answers)
        found = []
        for check, usual in self.usual.items():
            now = judged.get(check)
            if now == usual:
                continue
            service, outcome, _ = usual
            may_change = service in place.services or _is_about(place.question, check)
            if now is None or not may_change or now[1] not in ("unknown", "skipped"):
                found.append(f"{place}: {check} of {service} was {outcome} {usual[2]}, is {now and now[1:]}")
        return found

    def _judged(self, answers: Answers | None = None) -> Judged:
        engine = replace(self.engine, answers=answers or self.engine.answers)
        context = ProbeContext(
            self.recording.settings, {}, Redactor(b"salt"), "run", "verify", evidence_file("healthy"),
            project=self.recording.evidence.context.project,
        )  # fmt: skip
        now = self.recording.evidence.observations[ENGINE.id].value["asked"]
        with _asked_instead(engine, now):
            observations = {**self.recording.evidence.observations, **_observations(context, self.recording)}
        results = offline.results(offline.with_observations(self.recording, observations))
        return {result.id: _summary(result) for result in results}


def _is_about(question: str, check: str) -> bool:
    """Whether a check judges what this question alone would have told of the machine."""
    checks = {"/system/df": "docker-garbage", "/info": "container-cpu"}
    return check.startswith(checks.get(question, "no check"))


def _summary(result: CheckResult) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    return result.service, result.outcome, tuple((found.code, found.severity) for found in result.findings)


def _observations(context: ProbeContext, recording: Recording) -> dict[str, RawObservation]:
    """What the probes of the engine observe, as it would be in a recording."""
    of_engine = Probe(ENGINE.id, lambda answers: snapshot.snapshot(context, answers), 10, kept=evidence)
    of_services = (*container_usage.probes(context, recording.model), *containers.probes(context, recording.model))
    recorded = [probe for probe in of_services if probe.id in recording.evidence.observations]
    of_disks = [probe for probe in cleanup.probes(context, recording.model) if probe.id == cleanup.GARBAGE.id]
    kept = {probe.id: probe for probe in (of_engine, *recorded, *of_disks) if probe.id != CONTAINER_SAMPLES.id}
    collector = Collector(kept.values(), context.redactor.redact_json, 60)
    collector.start(kept)
    return {name: msgspec.json.decode(msgspec.json.encode(collector.get(name)), type=RawObservation) for name in kept}


def _changed(value: Any, path: Path, wrong: Any) -> Any:
    """A copy of a value with a wrong one at this place."""
    if not path:
        return wrong
    changed: Any = copy.copy(value)
    changed[path[0]] = _changed(value[path[0]], path[1:], wrong)
    return changed


def main() -> None:
    """Tries every wrong value in every place of every recorded run; exits with 1 when one costs more than itself."""
    complaints = []
    for name in RECORDINGS:
        odd = OddAnswers(name)
        every = list(odd.places())
        for number, place in enumerate(every):
            complaints += odd.complaints(place)
            if number % 500 == 0:
                sys.stderr.write(f"{name}: {number} of {len(every)}, {len(complaints)} complaints\n")
    sys.stdout.writelines(f"{complaint}\n" for complaint in complaints)
    sys.exit(bool(complaints))


if __name__ == "__main__":
    main()

"""Runs whose report pages are tested: recorded ones, and stacks of any size made from a recorded one.

The examples are `healthy`, `down`, `unknown`, `hostile`, `control-characters`, and `stack-N` with N services.
"""

from __future__ import annotations

import gzip
from dataclasses import replace
from functools import cache

import msgspec

from service_down.fixtures.evidence.recording import Recording, encode, recording_from_json
from service_down.fixtures.probes import external
from service_down.fixtures.secrets.redact import Redactor
from service_down.tests_meta import offline
from service_down.tests_meta.faults.recording import evidence_file
from service_down.tests_meta.pages.hostile import hostile_recording, recording_with_control_characters
from service_down.tests_meta.pages.synthetic_stack import (
    RecordedService,
    copy_service,
    recorded_service,
    replace_words,
    synthetic_recording,
)

RECORDED = {"healthy": "healthy", "down": "postgres-stopped", "unknown": "engine-unreachable"}  # example -> fault
SOURCE_FAULT = "postgres-stopped"  # has a stopped service, some that follow from it, and healthy ones
VERIFIED_FAULT = "alert-firing"  # a verification of the whole stack
LARGE_STACK_SERVICES = 200
LAYER_SERVICES = 20
LOG_LINES = 100


def evidence_json(example: str) -> bytes:
    """Return the `evidence.json` of an example."""
    if example in RECORDED:
        return gzip.decompress(evidence_file(RECORDED[example]).read_bytes())
    if example == "hostile":
        return encoded(hostile_recording(source_recording()))
    if example == "control-characters":
        verification = offline.read(evidence_file(VERIFIED_FAULT))
        return encoded(recording_with_control_characters(verification))
    return encoded(layered_stack(int(example.removeprefix("stack-"))))


def external_systems(example: str) -> set[str]:
    """Return the names of the external systems that the services of an example use."""
    recording = recording_from_json(msgspec.json.decode(evidence_json(example)))
    return set(recording.settings.all_of(external.TABLE))


def encoded(recording: Recording) -> bytes:
    """Return a recording as the content of an `evidence.json`."""
    return encode(recording, Redactor(b"example"))


@cache
def source_recording() -> Recording:
    """Return the recording from which the synthetic stacks are made."""
    return offline.read(evidence_file(SOURCE_FAULT))


def layered_stack(count: int) -> Recording:
    """Return a run of `count` services in layers. Two of the lowest are stopped, and all above these follow."""
    source = source_recording()
    stopped, follows, healthy = (
        recorded_service(source, name) for name in ("postgres", "workspace-service", "alertmanager")
    )
    width = min(LAYER_SERVICES, max(2, count // 3))
    names = [f"svc-{number:03}" for number in range(1, count + 1)]
    services: list[RecordedService] = []
    down: set[str] = set()
    for index, name in enumerate(names):
        needs = _needs(names, index, width)
        broken = sorted(set(needs) & down)
        if index in (1, 8) or broken:
            down.add(name)
        template = follows if broken else stopped if name in down else healthy
        services.append(_with_full_log(_naming_in_health_body(copy_service(template, name, needs), broken)))
    return synthetic_recording(source, services)


def _needs(names: list[str], index: int, width: int) -> tuple[str, ...]:
    """Return the two services below in the next lower layer; nothing for the lowest layer."""
    layer, column = divmod(index, width)
    below = (layer - 1) * width
    return tuple(sorted({names[below + column], names[below + (column + 1) % width]})) if layer else ()


def _naming_in_health_body(service: RecordedService, broken: list[str]) -> RecordedService:
    """Return the service with a health body that names its broken dependency."""
    if not broken or service.answer is None:
        return service
    body = replace_words(service.answer.value, {"postgres": broken[0]})
    return replace(service, answer=replace(service.answer, value=body))


def _with_full_log(service: RecordedService) -> RecordedService:
    """Return the service with as many log lines as the suite keeps of a container."""
    observation = service.observations["logs"]
    logs = {name: {**log, "lines": (log["lines"] * LOG_LINES)[:LOG_LINES]} for name, log in observation.value.items()}
    return replace(service, observations={**service.observations, "logs": replace(observation, value=logs)})

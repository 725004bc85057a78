"""The runs whose pages are looked at: recorded ones, and stacks of any size made of them."""

from __future__ import annotations

import gzip
from dataclasses import replace
from functools import cache
from pathlib import Path

import msgspec

from service_down.fixtures.evidence.recording import Recording, encode, recording_from_json
from service_down.fixtures.secrets.redact import Redactor
from service_down.tests_meta import offline
from service_down.tests_meta.pages import hostile
from service_down.tests_meta.pages.copies import Copy, Part, made, part_of, renamed, stack_of

FAULTS = Path(__file__).resolve().parents[1] / "faults" / "recorded"
RECORDED = {"healthy": "healthy", "down": "postgres-stopped", "unknown": "engine-unreachable"}
BROKEN = "postgres-stopped"  # one stopped, some that follow, some that are fine
LARGE = 200
WIDTH = 20  # services in one layer of a made stack


def evidence(scene: str) -> bytes:
    """The `evidence.json` of a scene: recorded, `hostile`, or `stack-N` with N services."""
    if scene in RECORDED:
        return gzip.decompress((FAULTS / f"{RECORDED[scene]}.json.gz").read_bytes())
    if scene == "hostile":
        return written(hostile.bundle(recording()))
    return written(layers(int(scene.removeprefix("stack-"))))


def outside(scene: str) -> set[str]:
    """The systems outside the stack that a scene's services use."""
    return set(recording_from_json(msgspec.json.decode(evidence(scene))).settings.external)


def written(bundle: Recording) -> bytes:
    """A bundle as a file."""
    return encode(bundle, Redactor(b"scene"))


@cache
def recording() -> Recording:
    """The recording that the made stacks are made of."""
    return offline.read(FAULTS / f"{BROKEN}.json.gz")


def layers(count: int) -> Recording:
    """`count` services in layers; a few of the lowest are stopped, all above these follow."""
    source = recording()
    stopped, follows, fine = (part_of(source, name) for name in ("postgres", "workspace-service", "alertmanager"))
    width = min(WIDTH, max(2, count // 3))
    names = [f"svc-{number:03}" for number in range(1, count + 1)]
    parts: list[Part] = []
    down: set[str] = set()
    for index, name in enumerate(names):
        needs = _needs(names, index, width)
        broken = sorted(set(needs) & down)
        if index in (1, 8) or broken:
            down.add(name)
        kind = follows if broken else stopped if name in down else fine
        parts.append(_chatty(_blaming(made(Copy(kind, name, needs)), broken)))
    return stack_of(source, parts)


def _needs(names: list[str], index: int, width: int) -> tuple[str, ...]:
    """The two of the layer below that stand under it; nothing for the lowest layer."""
    layer, column = divmod(index, width)
    below = (layer - 1) * width
    return tuple(sorted({names[below + column], names[below + (column + 1) % width]})) if layer else ()


def _blaming(part: Part, broken: list[str]) -> Part:
    """Its health body names what it waits for."""
    if not broken or part.answer is None:
        return part
    return replace(part, answer=replace(part.answer, value=renamed(part.answer.value, {"postgres": broken[0]})))


def _chatty(part: Part) -> Part:
    """As many log lines as are kept of a container."""
    seen = part.seen["logs"]
    logs = {name: {**log, "lines": (log["lines"] * 100)[:100]} for name, log in seen.value.items()}
    return replace(part, seen={**part.seen, "logs": replace(seen, value=logs)})

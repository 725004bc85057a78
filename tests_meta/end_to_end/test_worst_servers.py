"""A whole run against an engine, stores, web servers and a Compose program that are all as bad as they can be."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from service_down.tests_meta import offline
from service_down.tests_meta.fake_engine import ODD, Odd, Request, engine_server
from service_down.tests_meta.fake_servers import Talk, http, recording_server
from service_down.tests_meta.faults.recording import evidence_file
from service_down.tests_meta.recorded_engine import recorded_engine
from service_down.tests_meta.suite_run import PYTEST, ROOT
from service_down.tests_meta.worst_servers import HTTP, PIECE, POSTGRES, REDIS, silent

MAX_MEMORY_KIB = 256 * 1024
BUDGET_SECONDS = 6.0
SHORT_BUDGET_SECONDS = 2.0
GRACE_SECONDS = 6.0  # start and report on a busy machine; the longest of these servers would cost a minute
SLOW_PROGRAM = ".*.*.*.*=="
PRINTS_MUCH = "#!/bin/sh\nyes '{\"services\":' | head -c 300000000\n"
# A process counts the memory of the one that started it as its own. This one starts the run, and is small.
MEASURE = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[2:])
_, _, used = os.wait4(process.pid, 0)
with open(sys.argv[1], "w") as file:
    file.write(str(used.ru_maxrss))
"""
WAITS = "#!/bin/sh\ntrap '' TERM\nwhile true; do sleep 1; done\n"


@dataclass(frozen=True)
class Ended:
    """How a run ended: its output, its memory in KiB, its time in seconds, and its verdict."""

    out: str
    memory_kib: int
    seconds: float
    verdict: Mapping[str, Any]


def run(folder: Path, settings: str, engine: str, docker: str, budget: float) -> Ended:
    """Run the triage, with a `docker` of this text."""
    (folder / "stack.toml").write_text(settings)
    (folder / "compose.yaml").write_text("services: {}\n")
    (folder / "bin").mkdir()
    (folder / "bin" / "docker").write_text(docker)
    (folder / "bin" / "docker").chmod(0o755)
    environ = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "DOCKER_HOST": engine, "HOME": str(folder)}
    options = [f"--stack={folder / 'stack.toml'}", f"--report-dir={folder / 'out'}", f"--budget={budget:g}"]
    began = time.monotonic()
    with (folder / "output").open("wb") as output:
        words = [sys.executable, "-c", MEASURE, str(folder / "memory"), PYTEST, "-m", "triage", *options]
        subprocess.run(words, cwd=ROOT, env=environ, stdout=output, stderr=subprocess.STDOUT, check=True)
    seconds = time.monotonic() - began
    verdict = msgspec.json.decode((folder / "out" / "latest" / "verdict.json").read_bytes())
    return Ended((folder / "output").read_text(), int((folder / "memory").read_text()), seconds, verdict)


def log_without_end(request: Request) -> None:
    """A log that never ends, in messages as the engine sends them."""
    request.for_ever((b"\1\0\0\0\0\0\x3f\xff" + b"x" * 16_382 + b"\n") * 8)


@contextmanager
def stack_of(talks: Mapping[str, Talk]) -> Iterator[str]:
    """Tables of the settings for servers that answer so; the kind of a server stands before its name."""
    tables = []
    with ExitStack() as stack:
        for number, (name, talk) in enumerate(talks.items()):
            port = stack.enter_context(recording_server(talk)).port
            kind = name.partition(":")[0]
            table = f'[{kind}.t{number}]\nservice = "t{number}"\nhost = "127.0.0.1"\nport = {port}\n'
            tables.append(table + (f'program = "{SLOW_PROGRAM}"\n' if "slow" in name else ""))
        yield "\n".join(tables)


@pytest.fixture
def worst() -> Iterator[tuple[str, str]]:
    """The settings' tables of all worst servers, and the DOCKER_HOST of the worst engine."""
    talks: dict[str, Talk] = {f"redis:{name}": talk for name, talk in REDIS.items()}
    talks |= {f"postgres:{name}": talk for name, talk in POSTGRES.items()}
    talks |= {f"postgres:hung {number}": silent for number in range(6)}
    talks |= {f"endpoints:{name}": talk for name, talk in HTTP.items()}
    talks["endpoints:slow"] = http("200 OK", body="x" * 4096)
    engine = recorded_engine(offline.read(evidence_file("healthy")))
    bombs = list(engine.services)[:8]
    odd: dict[str, Odd] = {f"/containers/{key}/json": ODD["is a bomb"] for key in bombs}
    odd |= {f"/containers/{bombs[0]}/json": ODD["never ends"], "/containers/.*/logs": log_without_end}
    odd |= {"/containers/.*/stats": ODD["never ends"], "/networks": ODD["is a bomb"], "/events": ODD["never ends"]}
    odd |= {"/info": ODD["comes byte by byte"], "/system/df": lambda request: request.for_ever(PIECE)}
    with stack_of(talks) as tables, engine_server(engine.answers, odd) as server:
        yield tables, server.url


def test_a_run_stays_within_its_memory_and_its_budget(worst: tuple[str, str], tmp_path: Path) -> None:
    tables, engine = worst
    settings = f'[stack]\nproject = "service-down-faults"\ncompose_files = ["compose.yaml"]\n\n{tables}'
    ended = run(tmp_path, settings, engine, PRINTS_MUCH, BUDGET_SECONDS)
    assert ended.memory_kib < MAX_MEMORY_KIB, ended.out
    assert ended.seconds < BUDGET_SECONDS + GRACE_SECONDS, ended.out
    causes = {(cause["service"], cause["code"]) for cause in ended.verdict["causes"]}
    assert not [cause for cause in causes if cause[1] in ("compose-invalid", "engine-unreachable")], causes
    for part in ("/info", "/networks", "/events"):
        assert f"note       the engine's {part}: " in ended.out
    assert "could not read the compose file: of docker compose, it printed more than 8 MiB" in ended.out.replace(
        "\n     ", ""
    ) or "could not read the compose file" in " ".join(ended.out.split())
    unlooked = {entry["check"] for entry in ended.verdict["unknown"]}
    assert "compose-file:stack" in unlooked


def test_the_budget_is_a_law(worst: tuple[str, str], tmp_path: Path) -> None:
    tables, engine = worst
    settings = f'[stack]\nproject = "service-down-faults"\ncompose_files = ["compose.yaml"]\n\n{tables}'
    ended = run(tmp_path, settings, engine, WAITS, SHORT_BUDGET_SECONDS)
    assert ended.memory_kib < MAX_MEMORY_KIB, ended.out
    assert ended.seconds < SHORT_BUDGET_SECONDS + GRACE_SECONDS, ended.out
    assert "INTERNALERROR" not in ended.out

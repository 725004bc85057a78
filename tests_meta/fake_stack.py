"""A healthy stack without containers: an engine, HTTP endpoints, a PostgreSQL and a Redis on ports of this machine."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service_down.tests_meta import fake_servers
from service_down.tests_meta.fake_docker import LABEL, DockerContainer, FakeDocker, compose_labels
from service_down.tests_meta.fake_engine import Odd, engine_server
from service_down.tests_meta.fake_servers import Conversation, RecordingServer, recording_server
from service_down.tests_meta.suite_run import SuiteRun, run_suite

_STATE_ROW = ("17.2", "f", "off", "3", "100", "3", "2026-01-01 00:00:00+00")
_STATE_TYPES = (25, 16, 25, 20, 23, 23, 1184)  # type oids: text, bool, text, int8, int4, int4, timestamptz
_LOCKS_ROW, _LOCKS_TYPES = ("0", None, None), (20, 701, 1007)


@dataclass(frozen=True)
class FakeStack:
    """A stack, and the runs of the suite against it."""

    settings_file: Path
    docker_host: str
    servers: tuple[RecordingServer, ...]

    def triage(self, *options: str, **env: str) -> SuiteRun:
        """Runs triage. `env` is added to the environment."""
        return self.run("-m", "triage", *options, env=env)

    def run(self, *options: str, env: dict[str, str] | None = None, **how: Any) -> SuiteRun:
        """Runs the suite with these options. `how`: see run_suite."""
        reports = self.settings_file.parent / "reports"
        variables = {"DOCKER_HOST": self.docker_host, "REDIS_PASSWORD": "r3dis-s3cret", **(env or {})}
        return run_suite(f"--stack={self.settings_file}", *options, reports=reports, env=variables, **how)


@contextmanager
def fake_stack(
    folder: Path,
    services: int = 3,
    more_settings: str = "",
    odd: Mapping[str, Odd] | None = None,
    published: int | None = None,
    **talks: fake_servers.Talk,
) -> Iterator[FakeStack]:
    """A running stack of so many services with an endpoint each, and two stores.

    `talks` replaces its servers, `odd` single answers of its engine. `published`: a port in the containers that the
    machine's port of the HTTP server stands for.
    """
    created_from = {
        f"{LABEL}project.config_files": str(folder / "compose.yaml"),
        f"{LABEL}project.working_dir": str(folder),
    }
    names = [f"web-{number}" for number in range(services)]
    with contextlib.ExitStack() as running:
        http = running.enter_context(recording_server(talks.get("http", fake_servers.http("200 OK"))))
        containers = [
            DockerContainer(
                f"shop-{name}-1",
                compose_labels("shop", name) | created_from,
                address=f"172.99.0.{number}",
                published=(published, http.port) if published else None,
            )
            for number, name in enumerate((*names, "postgres", "redis"), start=2)
        ]
        engine = running.enter_context(engine_server(engine_answers(containers), odd))
        postgres = running.enter_context(recording_server(talks.get("postgres", healthy_postgres)))
        redis = running.enter_context(recording_server(talks.get("redis", healthy_redis)))
        lines = ['[stack]\nproject = "shop"', more_settings]
        for name in names:
            lines.append(f'[endpoints.{name}]\nservice = "{name}"\nport = {http.port}\nhost = "127.0.0.1"')
        lines.append(f'[postgres.main]\nservice = "postgres"\nport = {postgres.port}\nhost = "127.0.0.1"\nuser = "app"')
        lines.append(f'[redis.main]\nservice = "redis"\nport = {redis.port}\nhost = "127.0.0.1"')
        (folder / "stack.toml").write_text("\n".join(lines))
        yield FakeStack(folder / "stack.toml", engine.url, (http, postgres, redis))


def engine_answers(containers: Sequence[DockerContainer]) -> dict[str, Any]:
    """What the engine answers: each container can be reached by the name of its service."""
    docker = FakeDocker(containers)
    answers: dict[str, Any] = {
        "/version": {"Version": "29.0.0", "ApiVersion": "1.41"},
        "/containers/json": docker.containers(all=True),
        "/info": {**docker.info(), "DockerRootDir": "/", "NCPU": 2, "MemTotal": 8 << 30},
        "/networks": docker.networks(),
        "/events": [],
        "/volumes": {"Volumes": []},
        "/system/df": {},
    }
    for container in containers:
        inspected = container.inspected()
        for network in inspected["NetworkSettings"]["Networks"].values():
            network["Aliases"] = [container.labels[f"{LABEL}service"]]
        answers[f"/containers/{container.name}/json"] = inspected
        answers[f"/containers/{container.name}/stats"] = {}
        answers[f"/images/sha256:{container.name}/json"] = docker.inspect_image(f"sha256:{container.name}")
        answers[f"/images/image-of-{container.name}:1/json"] = docker.inspect_image(f"sha256:{container.name}")
    return answers


def healthy_redis(client: Conversation) -> None:
    """A Redis that accepts every password, in both of its protocols."""
    answers = {b"PING": b"+PONG\r\n", b"INFO": b"$11\r\nloading:0\r\n\r\n", b"CONFIG": b"*0\r\n"}
    while line := client.receive_line():
        words = [client.receive(int(client.receive_line()[1:]) + 2)[:-2].upper() for _ in range(int(line[1:]))]
        if words[0] == b"HELLO":
            answers |= {b"HELLO": b"%1\r\n$5\r\nproto\r\n:3\r\n", b"CONFIG": b"%0\r\n"}
        client.send(answers.get(words[0], b"+OK\r\n"))


def healthy_postgres(client: Conversation) -> None:
    """A PostgreSQL that lets everybody in, and answers the probe's queries."""
    while True:
        length, code = struct.unpack("!ii", client.receive(8))
        client.receive(length - 8)
        if code >> 16 == 3:
            break
        client.send(b"N")  # no encryption
    client.send(_message(b"R", struct.pack("!i", 0)))
    for name, value in (("server_version", "17.2"), ("client_encoding", "UTF8"), ("TimeZone", "UTC")):
        client.send(_message(b"S", f"{name}\0{value}\0".encode()))
    client.send(_message(b"Z", b"I"))
    while (kind := client.receive(1)) not in (b"", b"X"):
        (length,) = struct.unpack("!i", client.receive(4))
        query = client.receive(length - 4).decode()
        client.send((_rows(query) if kind == b"Q" else b"") + _message(b"Z", b"T"))


def _rows(query: str) -> bytes:
    if "pg_is_in_recovery" in query:
        return _row(_STATE_ROW, _STATE_TYPES)
    if "wait_event_type" in query:
        return _row(_LOCKS_ROW, _LOCKS_TYPES)
    return _row(("1",), (23,)) if query.startswith("SELECT") else _message(b"C", b"SET\0")


def _row(values: tuple[str | None, ...], types: tuple[int, ...]) -> bytes:
    columns = b"".join(b"c\0" + struct.pack("!ihihih", 0, 0, kind, -1, -1, 0) for kind in types)
    cells = b"".join(
        struct.pack("!i", -1) if value is None else struct.pack("!i", len(value)) + value.encode() for value in values
    )
    count = struct.pack("!h", len(values))
    return _message(b"T", count + columns) + _message(b"D", count + cells) + _message(b"C", b"SELECT 1\0")


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body

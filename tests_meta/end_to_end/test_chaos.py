"""The quick rows of `make chaos`; and the matrix finds what it is there to find."""

from __future__ import annotations

import dataclasses
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service_down.tests_meta.chaos.matrix import matrix
from service_down.tests_meta.chaos.process import Ended, Signal, processes_left, watched
from service_down.tests_meta.chaos.proxy import Toxic, through
from service_down.tests_meta.chaos.row import NOT_DOWN, Row, shell
from service_down.tests_meta.chaos.runner import NotTriedError, Outcome, problems, try_row
from service_down.tests_meta.fake_engine import ODD
from service_down.tests_meta.fake_servers import http, recording_server

ROWS = matrix()
HEALTHY = Outcome(Ended(0, "HEALTHY    all", 1.0, 70_000, 20, 9), "healthy", ())
ROW = Row("family", "name")


@pytest.mark.parametrize("row", [row for row in ROWS if row.is_quick], ids=lambda row: row.id)
def test_a_broken_machine_changes_no_truth(row: Row, tmp_path: Path) -> None:
    try:
        outcome = try_row(row, tmp_path)
    except NotTriedError as error:
        pytest.skip(f"NOT TRIED: {error}")
    assert problems(row, outcome) == [], outcome.ended.out


def test_no_program_of_path_is_needed_to_begin(tmp_path: Path) -> None:
    """A folder of PATH may lie on a frozen disk: what starts a program from it waits for ever."""
    (tmp_path / "uname").write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    (tmp_path / "uname").chmod(0o755)
    row = Row("disks", "PATH", wrapper=shell(f'PATH={tmp_path}:$PATH exec "$@"'))
    (tmp_path / "run").mkdir()
    assert problems(row, try_row(row, tmp_path / "run")) == []
    assert not (tmp_path / "started").exists()


def test_every_row_has_a_name_of_its_own() -> None:
    assert len({row.id for row in ROWS}) == len(ROWS)


def with_end(**changes: object) -> Outcome:
    """A healthy outcome whose command ended otherwise."""
    return dataclasses.replace(HEALTHY, ended=dataclasses.replace(HEALTHY.ended, **changes))  # type: ignore[arg-type]  # the fields of Ended


@pytest.mark.parametrize(
    ("outcome", "wrong"),
    [
        (HEALTHY, []),
        (dataclasses.replace(HEALTHY, verdict="down"), ["false down"]),
        (dataclasses.replace(HEALTHY, verdict="unknown"), ["may not be unknown"]),
        (dataclasses.replace(HEALTHY, verdict=""), ["no verdict"]),
        (dataclasses.replace(HEALTHY, left=("service-down-1",)), ["left over: service-down-1"]),
        (with_end(code=3), ["exit 3 with healthy"]),
        (with_end(code=None), ["hang"]),
        (with_end(out="HEALTHY\nTraceback (most recent call last)"), ["traceback"]),
    ],
)
def test_what_is_wrong_with_a_run_is_found(outcome: Outcome, wrong: list[str]) -> None:
    assert problems(ROW, outcome) == wrong


def test_a_fault_that_the_run_does_not_meet_is_not_tried(tmp_path: Path) -> None:
    with pytest.raises(NotTriedError, match="did not ask for /nowhere"):
        try_row(Row("engine", "a part that is not asked for", odd={"/nowhere": ODD["hangs"]}), tmp_path)


def test_a_stack_that_is_down_is_seen_through_the_matrix(tmp_path: Path) -> None:
    row = Row("network", "nobody answers", NOT_DOWN, toxics={"redis": Toxic(limit_bytes=0)})
    assert problems(row, try_row(row, tmp_path)) == ["false down"]


def test_a_command_that_hangs_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    ended = watched(["bash", "-c", "sleep 60 & sleep 60"], tmp_path, {"PATH": "/usr/bin:/bin"}, longest_seconds=0.3)
    assert ended.code is None
    assert processes_left(tmp_path) == 0


def test_a_process_that_stays_is_found(tmp_path: Path) -> None:
    watched(["bash", "-c", "exec sleep 4 >/dev/null 2>&1 & exit 0"], tmp_path, {"PATH": "/usr/bin:/bin"})
    assert processes_left(tmp_path) == 1


def test_a_signal_arrives(tmp_path: Path) -> None:
    ended = watched(["sleep", "60"], tmp_path, {"PATH": "/usr/bin:/bin"}, signals=[Signal(signal.SIGTERM, 0.2)])
    assert ended.code == -signal.SIGTERM


@contextmanager
def answer_through(toxic: Toxic) -> Iterator[socket.socket]:
    """A connection on which a request was sent, through a proxy with this fault."""
    with (
        recording_server(http("200 OK", body="x" * 50)) as server,
        recording_server(through(server.port, toxic)) as proxy,
        socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as client,
    ):
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        yield client


def all_of(client: socket.socket) -> bytes:
    """Everything that comes until the end."""
    return b"".join(iter(lambda: client.recv(4096), b""))


def test_a_proxy_alone_changes_nothing() -> None:
    with answer_through(Toxic()) as client:
        assert all_of(client).endswith(b"x" * 50)


def test_a_proxy_cuts_answers_into_pieces() -> None:
    with answer_through(Toxic(piece_bytes=1, pause_seconds=0.002)) as client:
        assert len(client.recv(4096)) < 20
        assert all_of(client).endswith(b"x" * 50)


def test_a_proxy_ends_and_resets_connections() -> None:
    with answer_through(Toxic(limit_bytes=10)) as client:
        assert all_of(client) == b"HTTP/1.1 2"
    with answer_through(Toxic(limit_bytes=10, resets=True)) as client, pytest.raises(ConnectionResetError):
        all_of(client)


def test_a_proxy_falls_silent() -> None:
    with answer_through(Toxic(limit_bytes=0, falls_silent=True)) as client:
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(1)

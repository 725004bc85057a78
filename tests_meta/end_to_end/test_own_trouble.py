"""A busy interpreter, a clock that jumps and a resolver that is dead: whole runs, in which the services are fine."""

from __future__ import annotations

from pathlib import Path

import pytest

from service_down.tests_meta.adversarial import MIB
from service_down.tests_meta.fake_servers import http
from service_down.tests_meta.fake_stack import fake_stack

NAMED = """
[timeouts]
http = 1
sql = 1
redis = 1
[endpoints.named]
service = "web-0"
host = "name.test"
port = 80
[postgres.named]
service = "postgres"
host = "name.test"
[redis.named]
service = "redis"
host = "name.test"
"""
JUMP = """
import time

real, began = time.time, time.monotonic()
time.time = lambda: real() + ({seconds} if time.monotonic() - began > 0.5 else 0)
"""
DEAD_RESOLVER = """
import socket, threading

real = socket.getaddrinfo

def getaddrinfo(host, *arguments, **more):
    if str(host) != "name.test":
        return real(host, *arguments, **more)
    {what}

socket.getaddrinfo = getaddrinfo
"""
RESOLVERS = {
    "no answer": 'raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")',
    "endless": "threading.Event().wait()",
}


def test_large_answers_without_spaces_cost_no_other_answer(tmp_path: Path) -> None:
    """Each costs a second of processor time where its analysis is not linear, and the time-out is 1 s."""
    large = http("200 OK", body="a" * MIB)
    with fake_stack(tmp_path, 30, "[timeouts]\nhttp = 1\nsql = 1\nredis = 1\n", http=large) as stack:
        run = stack.triage()
    assert {check["outcome"] for check in run.verdict["checks"]} <= {"passed", "skipped", "warned"}, run.out


@pytest.mark.parametrize("seconds", [86_400, -86_400])
def test_a_clock_that_jumps_changes_no_verdict(tmp_path: Path, seconds: int) -> None:
    (tmp_path / "jump.py").write_text(JUMP.format(seconds=seconds))
    with fake_stack(tmp_path) as stack:
        run = stack.run("-m", "triage", "-p", "jump", modules=tmp_path)
    assert (run.code, run.verdict["verdict"]) == (0, "healthy"), run.out
    assert 0 <= run.verdict["run"]["seconds"] < 60, run.verdict["run"]


@pytest.mark.parametrize("what", RESOLVERS.values(), ids=RESOLVERS)
def test_a_dead_resolver_is_could_not_look(tmp_path: Path, what: str) -> None:
    (tmp_path / "resolver.py").write_text(DEAD_RESOLVER.format(what=what))
    with fake_stack(tmp_path, 3, NAMED) as stack:
        run = stack.run("-m", "triage", "-p", "resolver", modules=tmp_path)
    assert run.verdict["verdict"] == "unknown", run.out
    unlooked = {check["id"] for check in run.verdict["checks"] if check["outcome"] == "unknown"}
    assert {"endpoint:named", "database:named", "redis:named"} <= unlooked
    assert "/etc/resolv.conf" in run.out
    _, _, listed = run.out.partition(" checks):\n")
    assert listed.count("/etc/resolv.conf") == 1, "one cause, however many questions met it"


def test_an_engine_behind_a_dead_resolver_is_could_not_look(tmp_path: Path) -> None:
    (tmp_path / "resolver.py").write_text(DEAD_RESOLVER.format(what=RESOLVERS["no answer"]))
    with fake_stack(tmp_path, 3) as stack:
        far = {"DOCKER_HOST": "tcp://name.test:2375"}
        run = stack.run("-m", "triage", "-p", "resolver", modules=tmp_path, env=far)
    assert (run.verdict["verdict"], run.causes) == ("unknown", []), run.out
    _, _, listed = run.out.partition(" checks):\n")
    assert listed.count("/etc/resolv.conf") == 1, run.out

"""Limits of this machine: an answer where there is room for one, else "could not look" with the limit's name."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from service_down.tests_meta.fake_servers import Conversation, http
from service_down.tests_meta.fake_stack import FakeStack, fake_stack
from service_down.tests_meta.suite_run import SuiteRun

SERVICES = 60
OTHER_USER = "54321"  # the limit of processes counts those of a user, and does not bind root
AS_OTHER_USER = (
    f"set -- setpriv --reuid {OTHER_USER} --clear-groups --inh-caps=+dac_read_search --ambient-caps=+dac_read_search"
    ' "$@"'
)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[FakeStack]:
    with fake_stack(tmp_path, 20) as running:
        yield running


def limited(stack: FakeStack, limits: str, *options: str) -> SuiteRun:
    run = stack.run("-m", "triage", *options, limits=limits)
    assert "Traceback" not in run.out, run.out
    assert "INTERNALERROR" not in run.out, run.out
    return run


def words(run: SuiteRun) -> str:
    return " ".join(run.out.split())


def slow(client: Conversation) -> None:
    """A healthy server whose answers take so long that all connections would be open at the same time."""
    time.sleep(0.15)
    http("200 OK")(client)


def test_few_file_descriptors_cost_time_and_no_answer(tmp_path: Path) -> None:
    with fake_stack(tmp_path, SERVICES, http=slow) as stack:
        run = limited(stack, "ulimit -n 64")
    assert (run.code, run.verdict["verdict"]) == (0, "healthy"), run.out


def test_too_few_file_descriptors_for_commands_are_could_not_look(tmp_path: Path) -> None:
    with fake_stack(tmp_path, 3) as stack:
        run = limited(stack, "ulimit -n 24")
    assert run.verdict["verdict"] in ("healthy", "unknown"), run.out
    assert run.verdict["verdict"] == "healthy" or "ulimit -n 4096" in words(run) or "--nofile=4096" in words(run)


def test_a_soft_limit_is_raised(stack: FakeStack) -> None:
    run = limited(stack, "ulimit -Sn 16")
    assert (run.code, run.verdict["verdict"]) == (0, "healthy"), run.out


def test_little_memory_costs_time_and_no_answer(stack: FakeStack) -> None:
    run = limited(stack, f"ulimit -v {300 * 1024}")
    assert (run.code, run.verdict["verdict"]) == (0, "healthy"), run.out


@pytest.mark.parametrize(
    ("limits", "raised_by"),
    [("ulimit -n 12", ("ulimit -n 4096", "--nofile=4096")), ("ulimit -v 102400", ("ulimit -v unlimited", "--as="))],
    ids=["files", "memory"],
)
def test_a_limit_with_which_nothing_works_is_named(stack: FakeStack, limits: str, raised_by: tuple[str, str]) -> None:
    run = stack.run("-m", "triage", limits=limits)
    assert (run.code, run.out.startswith("UNKNOWN    could not look: this process may")) == (1, True), run.out
    assert any(command in run.out for command in raised_by)
    assert len(run.out.splitlines()) == 1


needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="needs root and setpriv, to become another user"
)


@needs_root
@pytest.mark.parametrize("processes", [40, 1])
def test_few_processes_and_threads_are_could_not_look_at_most(tmp_path: Path, processes: int) -> None:
    tmp_path.chmod(0o777)  # the other user writes its report there
    with fake_stack(tmp_path, 20) as stack:
        run = limited(stack, f"ulimit -u {processes} && {AS_OTHER_USER}")
    assert run.code in (0, 1)
    assert "HEALTHY" in run.out or "UNKNOWN" in run.out, run.out
    assert "HEALTHY" in run.out or "sudo prlimit --pid $$ --nproc=4096" in words(run), run.out
    if processes == 1:
        assert "UNKNOWN" in run.out


def silent(client: Conversation) -> None:
    """A server that takes a request and never answers."""
    client.receive_rest()


def test_what_is_down_is_down_with_few_file_descriptors_too(tmp_path: Path) -> None:
    with fake_stack(tmp_path, 6, "[timeouts]\nhttp = 1\n", http=silent) as stack:
        run = limited(stack, "ulimit -n 64")
        assert run.verdict["verdict"] == "down", run.out
        assert "endpoint-timeout" in run.out

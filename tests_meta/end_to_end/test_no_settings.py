"""Runs without a line of settings: what the engine tells of the only project is enough to ask its services."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from service_down.tests_meta import fake_servers
from service_down.tests_meta.fake_docker import DockerContainer, compose_labels
from service_down.tests_meta.fake_engine import engine_server
from service_down.tests_meta.fake_servers import recording_server
from service_down.tests_meta.fake_stack import engine_answers, healthy_redis
from service_down.tests_meta.suite_run import PYTEST, SuiteRun


@contextmanager
def shop(status: str = "200 OK", more: Sequence[DockerContainer] = ()) -> Iterator[str]:
    """The address of an engine with a web service and its Redis, of which both publish a port."""
    with ExitStack() as running:
        web = running.enter_context(recording_server(fake_servers.http(status)))
        redis = running.enter_context(recording_server(healthy_redis))
        containers = [
            DockerContainer(
                "shop-web-1",
                compose_labels("shop", "web"),
                published=(8080, web.port),
                environment={"REDIS_URL": "redis://:r3dis-s3cret@cache:6379/0"},
                address="172.99.0.2",
            ),
            DockerContainer(
                "shop-cache-1",
                compose_labels("shop", "cache"),
                published=(6379, redis.port),
                command=("redis-server", "--requirepass", "r3dis-s3cret"),
                address="172.99.0.3",
            ),
            *more,
        ]
        yield running.enter_context(engine_server(engine_answers(containers))).url


def run(folder: Path, docker_host: str, *options: str) -> SuiteRun:
    """Runs the command in an empty folder."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        [PYTEST, *options],
        cwd=folder,
        env={**environ, "DOCKER_HOST": docker_host},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return SuiteRun(done.returncode, done.stdout, folder / "reports" / "out" / "latest")


def test_the_only_project_is_judged_and_what_was_derived_is_said(tmp_path: Path) -> None:
    with shop() as docker_host:
        healthy = run(tmp_path, docker_host, "-m", "triage")
    assert healthy.verdict["run"]["stack"] == "shop"
    assert healthy.verdict["run"]["derived"] == {
        "redis.cache": "the command redis-server",
        "endpoints.web": "its published port 8080",
        "services.web.depends_on.cache": "its variable REDIS_URL",
    }
    assert not [cause for cause in healthy.causes if cause[0] in ("web", "cache")], healthy.out
    assert "derived    1 endpoints, 1 redis, 1 services in no settings file" in healthy.out
    assert "s3cret" not in healthy.out + (healthy.folder / "evidence.json").read_text()


def test_an_entrance_that_answers_5xx_is_no_healthy_stack(tmp_path: Path) -> None:
    with shop("502 Bad Gateway") as docker_host:
        broken = run(tmp_path, docker_host, "-m", "triage")
    assert ("web", "endpoint-error") in broken.causes, broken.out
    assert broken.verdict["verdict"] == "down"
    assert "wanted less than 500" in broken.out.replace("\n", " ").replace("           ", "")


def test_a_replay_judges_the_same(tmp_path: Path) -> None:
    with shop("500 Oops") as docker_host:
        live = run(tmp_path, docker_host, "-m", "triage")
    again = run(tmp_path, docker_host, f"--replay={live.folder}", "--report-dir=again")
    folder = tmp_path / "again" / "latest"
    assert SuiteRun(0, "", folder).verdict["causes"] == live.verdict["causes"], again.out
    assert SuiteRun(0, "", folder).verdict["run"]["derived"] == live.verdict["run"]["derived"]


def test_several_projects_are_listed_in_one_line(tmp_path: Path) -> None:
    blog = DockerContainer("blog-web-1", compose_labels("blog", "web"), address="172.99.0.9")
    with shop(more=[blog]) as docker_host:
        refused = run(tmp_path, docker_host, "-m", "triage")
        chosen = run(tmp_path, docker_host, "-m", "triage", "--project=blog")
    assert refused.code == 4
    assert "blog (1 running), shop (2 running); give --project=NAME" in refused.out
    assert len(refused.out.strip().splitlines()) == 1
    assert [service["name"] for service in chosen.verdict["services"]] == ["web"]


def test_init_writes_a_file_that_the_next_run_takes(tmp_path: Path) -> None:
    with shop() as docker_host:
        written = run(tmp_path, docker_host, "--init")
        again = run(tmp_path, docker_host, "--init")
        triage = run(tmp_path, docker_host, "-m", "triage")
    text = (tmp_path / "stack.toml").read_text()
    assert written.code == 0, written.out
    assert "3 derived settings of 2 services" in written.out
    assert "# derived from its published port 8080\n[endpoints.web]" in text
    assert "s3cret" not in text
    assert again.code == 4
    assert "exists already" in again.out
    assert triage.verdict["run"]["derived"] == {}


def test_a_port_that_speaks_something_else_is_said_and_not_judged(tmp_path: Path) -> None:
    with recording_server(lambda client: client.send(b"hello, who are you?\r\n")) as other:
        chat = DockerContainer(
            "shop-chat-1", compose_labels("shop", "chat"), published=(9999, other.port), address="172.99.0.9"
        )
        with shop(more=[chat]) as docker_host:
            ran = run(tmp_path, docker_host, "-m", "triage")
    assert not [cause for cause in ran.causes if cause[0] == "chat"], ran.out
    words = " ".join(ran.out.split())
    assert "not asked port 9999 of chat accepts connections and gives no HTTP answer" in words, ran.out

"""The suite tells the truth about a real stack: healthy, broken, half visible."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from service_down.tests_meta.conftest import Bench

NO_ENGINE = "unix:///nonexistent/docker.sock"
FOLLOWERS = {"api-gateway", "auth-service", "workspace-service"}


@pytest.mark.parametrize("mode", ["triage", "verify"])
def test_a_healthy_stack_is_healthy(bench: Bench, mode: str) -> None:
    ran = getattr(bench, mode)()
    assert ran.code == 0, ran.out
    verdict = ran.verdict
    assert (verdict["verdict"], verdict["mode"], verdict["causes"], verdict["unknown"]) == ("healthy", mode, [], [])
    assert {one["state"] for one in verdict["services"]} == {"ok"}
    assert verdict["counts"]["passed"] + verdict["counts"]["warned"] == len(verdict["checks"])
    assert mode != "triage" or len(verdict["checks"]) >= 60
    assert not verdict["escalate"]["needed"]


def test_every_run_leaves_its_report(bench: Bench) -> None:
    ran = bench.triage("--incident", "INC-7")
    page = (ran.folder / "report.html").read_text()
    assert "HEALTHY" in page
    assert "INC-7" in page
    assert not re.search(r"""(?:\bsrc=|<link[^>]+href=)["']?https?://""", page), "the page would load something"
    assert '<title id="head-title">HEALTHY' in page
    suites = ElementTree.parse(ran.folder / "junit.xml").getroot()
    assert len(list(suites.iter("testcase"))) == len(ran.verdict["checks"])
    assert ran.folder.is_symlink()
    assert ran.verdict["run"]["incident"] == "INC-7"


def test_stopping_postgres_has_one_cause_and_healing_is_seen(bench: Bench) -> None:
    bench.stack.stop("postgres")
    try:
        triage = bench.triage()
        assert triage.code == 1, triage.out
        assert (triage.verdict["verdict"], triage.causes) == ("down", [("postgres", "container-stopped")])
        cause = triage.verdict["causes"][0]
        assert set(cause["blocks"]) == FOLLOWERS
        assert cause["since"]
        assert any("exited" in proof["value"] or proof["what"].endswith("ExitCode") for proof in cause["evidence"])
        assert any(command.endswith("start postgres") for command in cause["next"])
        assert triage.verdict["escalate"] == {"needed": True, "reasons": ["multiple-critical-services"]}
        states = {one["name"]: one["state"] for one in triage.verdict["services"]}
        assert {name for name, state in states.items() if state == "blocked"} == FOLLOWERS
        assert states["postgres"] == "down"
        assert "Traceback" not in triage.out
        assert "FAILURES" not in triage.out

        parallel = bench.triage("-n", "2")
        assert parallel.code == 1
        assert (parallel.verdict["verdict"], parallel.causes) == ("down", triage.causes)
        assert set(parallel.verdict["causes"][0]["blocks"]) == FOLLOWERS
        outcomes = [{one["id"]: one["outcome"] for one in run.verdict["checks"]} for run in (triage, parallel)]
        assert outcomes[0] == outcomes[1]

        verify = bench.verify()
        assert verify.code == 1
        assert (verify.verdict["verdict"], verify.causes) == ("down", [("postgres", "container-stopped")])
    finally:
        bench.stack.start("postgres")
    healed = bench.verify("--wait", "60")
    assert healed.code == 0, healed.out
    assert healed.verdict["verdict"] == "healthy"


def test_a_wrong_password_of_ours_is_not_a_redis_that_is_down(bench: Bench) -> None:
    ran = bench.triage(REDIS_PASSWORD="not-the-password")
    assert ran.code == 1
    assert (ran.verdict["verdict"], ran.causes) == ("degraded", [("redis", "redis-auth-failed")])
    assert "not-the-password" not in ran.out


def test_without_an_engine_the_rest_is_still_looked_at(bench: Bench, tmp_path: Path) -> None:
    containers = bench.stack.containers()
    settings = bench.stack.settings.read_text()
    for service in ("postgres", "redis"):
        networks = containers[service]["NetworkSettings"]["Networks"]
        host = next(iter(networks.values()))["IPAddress"]
        settings = settings.replace(f'\nservice = "{service}"\n', f'\nservice = "{service}"\nhost = "{host}"\n')
    user = 'table = "users"\nuser = "pyairtable"\ndatabase = "pyairtable"'
    settings = settings.replace('table = "users"', user)
    settings = settings.replace('compose_files = ["compose', f'compose_files = ["{bench.stack.settings.parent}/compose')
    settings = settings.replace(', "compose.', f', "{bench.stack.settings.parent}/compose.')
    file = tmp_path / "stack.toml"
    file.write_text(settings)
    ran = bench.triage(f"--stack={file}", DOCKER_HOST=NO_ENGINE)
    assert ran.code == 1, ran.out
    assert ran.verdict["verdict"] == "unknown"
    assert ran.causes == [("host", "engine-unreachable")]
    outcomes = {one["id"]: one["outcome"] for one in ran.verdict["checks"]}
    assert outcomes["database:main"] == outcomes["redis:main"] == outcomes["endpoint:gateway"] == "passed"
    assert outcomes["disk:/"] == "passed"
    assert outcomes["container-state:postgres"] == "unknown"
    assert any(one["check"] == "container-state:postgres" for one in ran.verdict["unknown"])


def test_a_compose_file_that_does_not_parse_is_named_and_worked_around(bench: Bench, tmp_path: Path) -> None:
    broken = tmp_path / "compose.yaml"
    broken.write_text("services:\n  web: {image: a}\n  web: {image: b}\n")
    ran = bench.triage(f"--compose-file={broken}")
    assert ("stack", "compose-invalid") in ran.causes, ran.out
    assert ran.verdict["verdict"] == "degraded"
    assert {one["name"] for one in ran.verdict["services"]} >= FOLLOWERS


def test_one_service_and_what_it_needs(bench: Bench) -> None:
    ran = bench.triage("--service", "auth-service")
    assert ran.code == 0, ran.out
    about = {one["service"] for one in ran.verdict["checks"]}
    assert {"auth-service", "postgres", "redis", "migrate"} <= about
    assert not about & {"api-gateway", "grafana", "loki"}
    wrong = bench.triage("--service", "no-such-service")
    assert wrong.code == 4
    assert "no-such-service" in wrong.out


def test_pytests_own_options_keep_working(bench: Bench, tmp_path: Path) -> None:
    page, junit = tmp_path / "my" / "page.html", tmp_path / "my.xml"
    ran = bench.triage("-k", "redis", "-x", "--html", str(page), "--junitxml", str(junit))
    assert ran.code == 0, ran.out
    assert {one["id"].split(":")[1] for one in ran.verdict["checks"]} <= {"main", "redis"}
    assert "HEALTHY" in page.read_text()
    assert "redis" in junit.read_text()
    assert (ran.folder / "report.html").exists()
    assert bench.triage("-k", "nothing-is-called-so").code == 5


def test_without_credentials_the_login_is_unverified_and_nothing_more(bench: Bench) -> None:
    ran = bench.verify("-k", "login", DEMO_LOGIN_EMAIL="", DEMO_LOGIN_PASSWORD="")
    assert ran.code == 0, ran.out
    assert [(one["service"], one["code"]) for one in ran.verdict["warnings"]] == [("api-gateway", "login-unverified")]


def test_no_secret_of_the_stack_is_shown(bench: Bench) -> None:
    ran = bench.verify("-v", "--tb=long", "-l")
    shown = ran.out + "".join(path.read_text() for path in ran.folder.iterdir())
    for name, value in bench.stack.environment().items():
        if name.endswith(("PASSWORD", "TOKEN")):
            assert value not in shown, f"{name} is shown"

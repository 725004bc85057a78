"""The verdict on the reference stack is right: healthy, broken, and partly invisible to the suite."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from service_down.tests_meta.suite_run import NO_ENGINE, LiveSuite

NOT_IN_THE_STACK = ("memcached", "mongodb", "mysql", "rabbitmq", "tcp")  # tables that its settings do not have
SERVICES_THAT_FOLLOW = {"api-gateway", "auth-service", "workspace-service"}


@pytest.mark.parametrize("mode", ["triage", "verify"])
def test_a_healthy_stack_is_healthy(live_suite: LiveSuite, mode: str) -> None:
    run = getattr(live_suite, mode)()
    assert run.code == 0, run.out
    verdict = run.verdict
    assert (verdict["verdict"], verdict["mode"], verdict["causes"], verdict["unknown"]) == ("healthy", mode, [], [])
    assert {service["state"] for service in verdict["services"]} == {"ok"}
    left_out = {check["message"] for check in verdict["checks"] if check["outcome"] == "skipped"}
    assert left_out == {f"stack.toml has no [{table}.*]" for table in NOT_IN_THE_STACK}
    counts = verdict["counts"]
    assert counts["passed"] + counts["warned"] + counts["skipped"] == len(verdict["checks"])
    assert mode != "triage" or len(verdict["checks"]) >= 60
    assert not verdict["escalate"]["needed"]


def test_every_run_writes_its_report(live_suite: LiveSuite) -> None:
    run = live_suite.triage("--incident", "INC-7")
    page = (run.folder / "report.html").read_text()
    assert "HEALTHY" in page
    assert "INC-7" in page
    assert not re.search(r"""(?:\bsrc=|<link[^>]+href=)["']?https?://""", page), "the page would load something"
    assert '<title id="head-title">HEALTHY' in page
    suites = ElementTree.parse(run.folder / "junit.xml").getroot()
    assert len(list(suites.iter("testcase"))) == len(run.verdict["checks"])
    assert run.folder.is_symlink()
    assert run.verdict["run"]["incident"] == "INC-7"


def test_stopped_postgres_is_the_one_cause_and_the_stack_is_healthy_after_the_repair(live_suite: LiveSuite) -> None:
    live_suite.stack.stop("postgres")
    try:
        triage = live_suite.triage()
        assert triage.code == 1, triage.out
        assert (triage.verdict["verdict"], triage.causes) == ("down", [("postgres", "container-stopped")])
        cause = triage.verdict["causes"][0]
        assert set(cause["blocks"]) == SERVICES_THAT_FOLLOW
        assert cause["since"]
        assert any("exited" in proof["value"] or proof["what"].endswith("ExitCode") for proof in cause["evidence"])
        assert any(command.endswith("start -- postgres") for command in cause["next"])
        assert triage.verdict["escalate"] == {"needed": True, "reasons": ["multiple-critical-services"]}
        states = {service["name"]: service["state"] for service in triage.verdict["services"]}
        assert {name for name, state in states.items() if state == "blocked"} == SERVICES_THAT_FOLLOW
        assert states["postgres"] == "down"
        assert "Traceback" not in triage.out
        assert "FAILURES" not in triage.out

        parallel = live_suite.triage("-n", "2")
        assert parallel.code == 1
        assert (parallel.verdict["verdict"], parallel.causes) == ("down", triage.causes)
        assert set(parallel.verdict["causes"][0]["blocks"]) == SERVICES_THAT_FOLLOW
        outcomes = [{check["id"]: check["outcome"] for check in run.verdict["checks"]} for run in (triage, parallel)]
        assert outcomes[0] == outcomes[1]

        verify = live_suite.verify()
        assert verify.code == 1
        assert (verify.verdict["verdict"], verify.causes) == ("down", [("postgres", "container-stopped")])
    finally:
        live_suite.stack.start("postgres")
    healed = live_suite.verify("--wait", "60")
    assert healed.code == 0, healed.out
    assert healed.verdict["verdict"] == "healthy"


def test_a_wrong_password_in_the_settings_does_not_make_redis_down(live_suite: LiveSuite) -> None:
    run = live_suite.triage(REDIS_PASSWORD="not-the-password")
    assert run.code == 1
    assert (run.verdict["verdict"], run.causes) == ("degraded", [("redis", "redis-auth-failed")])
    assert "not-the-password" not in run.out


def test_without_an_engine_the_other_checks_still_run(live_suite: LiveSuite, tmp_path: Path) -> None:
    containers = live_suite.stack.containers()
    settings = live_suite.stack.settings_file.read_text()
    for service in ("postgres", "redis"):
        networks = containers[service]["NetworkSettings"]["Networks"]
        host = next(iter(networks.values()))["IPAddress"]
        settings = settings.replace(f'\nservice = "{service}"\n', f'\nservice = "{service}"\nhost = "{host}"\n')
    user = 'table = "users"\nuser = "pyairtable"\ndatabase = "pyairtable"'
    settings = settings.replace('table = "users"', user)
    settings = settings.replace(
        'compose_files = ["compose', f'compose_files = ["{live_suite.stack.settings_file.parent}/compose'
    )
    settings = settings.replace(', "compose.', f', "{live_suite.stack.settings_file.parent}/compose.')
    file = tmp_path / "stack.toml"
    file.write_text(settings)
    run = live_suite.triage(f"--stack={file}", DOCKER_HOST=NO_ENGINE)
    assert run.code == 1, run.out
    assert run.verdict["verdict"] == "unknown"
    assert run.causes == [("host", "engine-unreachable")]
    outcomes = {check["id"]: check["outcome"] for check in run.verdict["checks"]}
    assert outcomes["database:main"] == outcomes["redis:main"] == outcomes["endpoint:gateway"] == "passed"
    assert outcomes["disk:/"] == "passed"
    assert outcomes["container-state:postgres"] == "unknown"
    assert any(entry["check"] == "container-state:postgres" for entry in run.verdict["unknown"])


def test_a_compose_file_that_does_not_parse_is_a_cause_and_the_labels_replace_it(
    live_suite: LiveSuite, tmp_path: Path
) -> None:
    broken = tmp_path / "compose.yaml"
    broken.write_text("services:\n  web: {image: a}\n  web: {image: b}\n")
    run = live_suite.triage(f"--compose-file={broken}")
    assert ("stack", "compose-invalid") in run.causes, run.out
    assert run.verdict["verdict"] == "degraded"
    assert {service["name"] for service in run.verdict["services"]} >= SERVICES_THAT_FOLLOW


def test_the_option_service_selects_a_service_and_its_dependencies(live_suite: LiveSuite) -> None:
    run = live_suite.triage("--service", "auth-service")
    assert run.code == 0, run.out
    services = {check["service"] for check in run.verdict["checks"]}
    assert {"auth-service", "postgres", "redis", "migrate"} <= services
    assert not services & {"api-gateway", "grafana", "loki"}
    wrong = live_suite.triage("--service", "no-such-service")
    assert wrong.code == 4
    assert "no-such-service" in wrong.out


def test_pytests_own_options_still_work(live_suite: LiveSuite, tmp_path: Path) -> None:
    page, junit = tmp_path / "my" / "page.html", tmp_path / "my.xml"
    run = live_suite.triage("-k", "redis", "-x", "--html", str(page), "--junitxml", str(junit))
    assert run.code == 0, run.out
    assert {check["id"].split(":")[1] for check in run.verdict["checks"]} <= {"main", "redis"}
    assert "HEALTHY" in page.read_text()
    assert "redis" in junit.read_text()
    assert (run.folder / "report.html").exists()
    assert live_suite.triage("-k", "nothing-is-called-so").code == 5


def test_without_credentials_the_only_warning_is_an_unverified_login(live_suite: LiveSuite) -> None:
    run = live_suite.verify("-k", "login", DEMO_LOGIN_EMAIL="", DEMO_LOGIN_PASSWORD="")
    assert run.code == 0, run.out
    assert [(warning["service"], warning["code"]) for warning in run.verdict["warnings"]] == [
        ("api-gateway", "login-unverified")
    ]


def test_no_secret_of_the_stack_is_shown(live_suite: LiveSuite) -> None:
    run = live_suite.verify("-v", "--tb=long", "-l")
    shown = run.out + "".join(path.read_text() for path in run.folder.iterdir())
    for name, value in live_suite.stack.environment().items():
        if name.endswith(("PASSWORD", "TOKEN")):
            assert value not in shown, f"{name} is shown"

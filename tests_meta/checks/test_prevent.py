"""The judges of healthchecks, restarts, images, replicas and backups."""

from __future__ import annotations

import pytest

from service_down.checks.judges.set_up import Instance
from service_down.checks.test_prevent import (
    judge_backups,
    judge_healthcheck,
    judge_image,
    judge_replicas,
    judge_restart,
    judge_tool,
    long_running_services,
    needed_services,
    users_of,
)
from service_down.fixtures.catalog.finding import Finding
from service_down.fixtures.derive.technologies import Technology, technologies
from service_down.fixtures.probes.prevent import SetUp
from service_down.fixtures.settings.schema import Settings
from service_down.fixtures.stack.containers import Container, Health, HealthcheckRun
from service_down.fixtures.stack.model import Model, PublishedPort, Service

WEB = Service("web")
UNKNOWN = Technology()
NOT_FOUND = 'OCI runtime exec failed: exec failed: exec: "curl": executable file not found in $PATH: unknown'


def codes(findings: list[Finding]) -> list[str]:
    """The codes of warnings, each of which has a remedy without a hole."""
    for finding in findings:
        assert finding.severity == "warning"
        assert finding.remedy
        assert "?" not in finding.remedy + finding.summary
    return [finding.code for finding in findings]


@pytest.mark.parametrize(("healthcheck", "code"), [(False, ["healthcheck-missing"]), (True, []), (None, [])])
def test_only_a_healthcheck_that_is_known_to_be_missing_is_told(healthcheck: bool | None, code: list[str]) -> None:
    assert codes(judge_healthcheck(WEB, [Instance("web-1", healthcheck=healthcheck)], UNKNOWN)) == code


def test_one_replica_without_a_healthcheck_suffices() -> None:
    found = [Instance("web-1", healthcheck=True), Instance("web-2", healthcheck=False)]
    (finding,) = judge_healthcheck(WEB, found, UNKNOWN)
    assert finding.proof[0].what == "web-2 healthcheck"


def test_the_remedy_names_the_programs_own_command() -> None:
    found = [Instance("db-1", healthcheck=False)]
    assert '"CMD-SHELL", "pg_isready -q"]' in str(judge_healthcheck(WEB, found, technologies()["postgresql"])[0].remedy)


def checked(*runs: HealthcheckRun) -> Container:
    return Container("1", "web-1", health=Health("unhealthy", 1, runs))


@pytest.mark.parametrize(
    "run",
    [
        HealthcheckRun(exit_code=-1, output=NOT_FOUND),
        HealthcheckRun(exit_code=127, output="/bin/sh: 1: curl: not found\n"),
        HealthcheckRun(exit_code=1, output="/bin/sh: 1: curl: not found\n"),
        HealthcheckRun(exit_code=126, output=""),
        HealthcheckRun(exit_code=127),
    ],
)
def test_a_tool_that_the_image_lacks_is_told(run: HealthcheckRun) -> None:
    assert codes(judge_tool(WEB, [checked(HealthcheckRun(exit_code=0), run)])) == ["healthcheck-tool-missing"]


@pytest.mark.parametrize(
    "runs",
    [
        [],
        [HealthcheckRun(exit_code=1, output="404: Not Found")],
        [HealthcheckRun(exit_code=127, output="x"), HealthcheckRun(exit_code=0)],
    ],
)
def test_a_healthcheck_that_ran_is_not_told(runs: list[HealthcheckRun]) -> None:
    assert judge_tool(WEB, [checked(*runs), Container("2", "web-2")]) == []


@pytest.mark.parametrize("policy", ["no", "none", ""])
def test_a_service_without_a_restart_policy_is_told(policy: str) -> None:
    (finding,) = judge_restart(WEB, [Instance("web-1", restart=policy)])
    assert codes([finding]) == ["restart-policy-missing"]
    assert finding.remedy == "restart: unless-stopped"


@pytest.mark.parametrize("policy", ["always", "unless-stopped", "on-failure", "any", None])
def test_a_restart_policy_suffices_and_an_unknown_one_is_not_told(policy: str | None) -> None:
    assert judge_restart(WEB, [Instance("web-1", restart=policy)]) == []


@pytest.mark.parametrize(
    "image", ["nginx", "nginx:latest", "library/nginx", "registry:5000/team/web", "registry:5000/team/web:latest"]
)
def test_an_image_without_a_version_is_told(image: str) -> None:
    assert codes(judge_image(WEB, [Instance("web-1", image=image)], "shop")) == ["image-not-pinned"]


@pytest.mark.parametrize(
    "image",
    [
        "nginx:1.27",
        "nginx@sha256:" + "ab" * 32,
        "nginx:latest@sha256:" + "ab" * 32,
        "sha256:" + "ab" * 32,
        "0123456789ab",
        "shop-web",
        "shop_web",
        "registry:5000/team/web:1",
        "",
        None,
    ],
)
def test_a_version_a_digest_and_an_own_build_are_not_told(image: str | None) -> None:
    assert judge_image(WEB, [Instance("web-1", image=image)], "shop") == []


USERS = ["a", "b", "c"]


def test_what_many_need_and_runs_once_is_told() -> None:
    (finding,) = judge_replicas(WEB, USERS, SetUp())
    assert codes([finding]) == ["single-replica"]
    assert finding.summary == "web runs once, and 3 services depend on it: a, b, c"
    assert str(finding.remedy).startswith("deploy: {replicas: 2}, if")


def test_a_store_is_never_told_to_run_twice() -> None:
    (finding,) = judge_replicas(Service("db"), USERS, SetUp("postgresql"))
    assert "replicas: 2" not in str(finding.remedy)
    assert "replication of postgresql itself" in str(finding.remedy)


def test_what_keeps_a_second_container_from_starting_is_named() -> None:
    service = Service("web", ports=(PublishedPort("", 80, 80),))
    (finding,) = judge_replicas(service, USERS, SetUp(has_container_name=True))
    assert "without its container_name and its fixed port of the machine" in str(finding.remedy)


def test_two_users_or_two_replicas_are_not_told() -> None:
    assert judge_replicas(WEB, USERS[:2], SetUp()) == []
    assert judge_replicas(Service("web", replicas=2), USERS, SetUp()) == []


def test_jobs_watchers_and_what_is_scaled_to_zero_need_nobody() -> None:
    needs = {"db": "service_started"}
    services = (
        Service("db"),
        Service("api", depends_on=needs),
        Service("job", depends_on=needs, one_shot=True),
        Service("watcher", depends_on=needs, monitoring=True),
        Service("off", depends_on=needs, replicas=0),
    )
    model = Model(services, "compose")
    assert users_of(services[0], model) == ["api"]
    assert [target.id for target in needed_services(Settings(), model)] == ["db"]
    assert [target.id for target in long_running_services(Settings(), model)] == ["db", "api"]
    assert needed_services(Settings(), Model(services, "settings")) == []


DATABASE = {"db": SetUp("postgresql"), "web": SetUp()}


def test_a_database_whose_backup_is_not_seen_is_told() -> None:
    (finding,) = judge_backups(Service("db"), DATABASE, has_settings=False)
    assert codes([finding]) == ["backup-not-seen"]
    assert "cannot see backups elsewhere" in str(finding.remedy)


@pytest.mark.parametrize("more", [{"x": SetUp("backups")}, {"nightly-backup": SetUp()}])
def test_a_service_that_makes_backups_is_known_by_its_program_or_its_name(more: dict[str, SetUp]) -> None:
    assert judge_backups(Service("db"), DATABASE | more, has_settings=False) == []


def test_backups_in_the_settings_and_what_holds_no_data_are_not_told() -> None:
    assert judge_backups(Service("db"), DATABASE, has_settings=True) == []
    assert judge_backups(Service("web"), DATABASE, has_settings=False) == []
    assert judge_backups(Service("cache"), {"cache": SetUp("redis")}, has_settings=False) == []

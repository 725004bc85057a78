"""The check of each container's own healthcheck, on containers that a real engine inspected."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service_down.checks.test_healthcheck import judge_health
from service_down.fixtures.catalog.finding import Finding, Proof
from service_down.fixtures.run.modes import TRIAGE, VERIFY
from service_down.fixtures.stack.containers import Container, ContainerSample, Health, HealthcheckRun
from service_down.fixtures.stack.model import Service
from service_down.tests_meta.checks.recorded_containers import INSPECTED_AT, engine_state, recorded_container


def judge(container: Container, mode: str = TRIAGE, samples: tuple[ContainerSample, ...] = ()) -> list[Finding]:
    return judge_health(Service("web"), engine_state(container), mode, {container.id: samples})


def codes(container: Container) -> list[str]:
    return [found.code for found in judge(container)]


def with_last_run(container: Container, exit_code: int, output: str) -> Container:
    """The container with another result of its last healthcheck run."""
    assert container.health is not None
    *earlier, last = container.health.runs
    runs = (*earlier, replace(last, exit_code=exit_code, output=output))
    return replace(container, health=replace(container.health, runs=runs))


def starting() -> Container:
    """A container that was started at the moment of its inspection."""
    container = recorded_container("hc")
    assert container.health is not None
    return replace(container, started=INSPECTED_AT.isoformat(), health=replace(container.health, status="starting"))


@pytest.mark.parametrize(
    ("name", "code"),
    [("hc", "healthcheck-failing"), ("hctimeout", "healthcheck-failing"), ("hcnobin", "healthcheck-broken")],
)
def test_unhealthy_and_a_broken_healthcheck_are_distinguished(name: str, code: str) -> None:
    assert codes(recorded_container(name)) == [code]


def test_an_output_that_says_not_found_does_not_mean_a_broken_healthcheck() -> None:
    container = recorded_container("hc")
    http = with_last_run(container, 1, "urllib.error.HTTPError: HTTP Error 404: Not Found")
    shell = with_last_run(container, 1, "starting\n/bin/sh: 1: curl: not found")
    assert codes(http) == ["healthcheck-failing"]
    assert codes(shell) == ["healthcheck-broken"]


def test_no_healthcheck_is_no_finding() -> None:
    assert codes(recorded_container("hcnone")) == []


def test_the_health_of_a_container_that_has_ended_is_stale() -> None:
    assert codes(replace(recorded_container("hc"), status="exited", running=False)) == []


def test_the_health_of_a_paused_container_is_stale() -> None:
    assert codes(replace(recorded_container("hc"), status="paused", paused=True)) == []


def test_starting_is_a_warning_in_triage_and_an_error_in_verify() -> None:
    (found,) = judge(starting())
    assert (found.code, found.severity) == ("healthcheck-starting", "warning")
    assert "0 s after its start, of the" in found.summary
    assert [found.severity for found in judge(starting(), VERIFY)] == ["error"]


@pytest.mark.parametrize(
    ("last", "expected"),
    [("healthy", []), ("unhealthy", ["healthcheck-failing"]), ("starting", ["healthcheck-starting"])],
)
def test_a_container_that_starts_is_judged_by_its_last_sample(last: str, expected: list[str]) -> None:
    container = starting()
    samples = (ContainerSample(10.0, health="starting"), ContainerSample(12.0, health=last))
    findings = judge(container, samples=samples)
    assert [found.code for found in findings] == expected
    for found in findings:
        assert Proof(f"{container.name} seen in 2 looks over 2 s", f"starting, {last}") in found.proof


@pytest.mark.parametrize(
    ("exit_codes", "streak", "count"),
    [
        ([0, 0, 0], 0, None),
        ([1, 1, 0], 0, None),  # failures of the start
        ([0, 1, 0], 0, "1 of its last 3"),
        ([1, 0, 1], 1, "1 of its last 3"),
        ([1, 1], 2, "2 of its last 2"),
    ],
)
def test_a_healthy_container_that_failed_after_it_had_passed_is_a_warning(
    exit_codes: list[int], streak: int, count: str | None
) -> None:
    container = recorded_container("hc")
    at = container.started
    runs = tuple(HealthcheckRun(at, at, exit_code, "no answer") for exit_code in exit_codes)
    findings = judge(replace(container, health=Health("healthy", streak, runs)))
    assert [found.code for found in findings] == (["healthcheck-flapping"] if count else [])
    assert all(found.severity == "warning" and str(count) in found.summary for found in findings)


@pytest.mark.parametrize("status", ["unhealthy", "starting"])
def test_a_healthcheck_that_has_just_passed_again_is_no_failure(status: str) -> None:
    container = recorded_container("hc")
    runs = (*container.health.runs, HealthcheckRun("", "2026-11-23T09:34:15Z", 0, "PONG")) if container.health else ()
    recovered = replace(container, health=Health(status, 0, runs))
    (found,) = judge(recovered)
    assert (found.code, found.severity) == ("healthcheck-starting", "warning")
    assert found.summary.endswith(f"its healthcheck has just passed; the engine still calls it {status}")
    assert [found.severity for found in judge(recovered, VERIFY)] == ["error"]
    assert judge(recovered, samples=(ContainerSample(1.0, health=status), ContainerSample(2.0, health="healthy"))) == []
    assert codes(replace(container, health=Health("unhealthy", 3, runs))) == ["healthcheck-failing"]

"""The container judge on what a real engine said of containers broken on purpose."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from service_down.checks.judges.container_state import judge_container
from service_down.checks.test_containers import judge_state
from service_down.checks.test_healthcheck import judge_health
from service_down.checks.test_network import judge_network
from service_down.fixtures.catalog.finding import Proof
from service_down.fixtures.evidence.observation import Observation, parse_time
from service_down.fixtures.stack.model import Service
from service_down.tests_meta.offline import recorded_container

SERVICE = Service("web")
UNHASHED = Observation("compose:hashes", "unlooked", text="no compose file")
LOOKED = datetime.fromisoformat("2026-11-23T09:34:16+00:00")


def event(container: dict[str, Any], action: str, **more: str) -> dict[str, Any]:
    """An event as the engine probe keeps it."""
    return {"at": LOOKED.timestamp() - 5, "action": action, "id": container["Id"], "exit": None, "signal": None} | more


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("ex0", "container-exited"),
        ("ex1", "container-exited"),
        ("abrt", "container-exited"),
        ("segv2", "container-exited"),
        ("kill9", "container-killed"),
        ("oommain", "oom-killed"),
        ("oomchildexit", "oom-killed"),
        ("oomloop", "oom-killed"),
        ("port2", "port-conflict"),
        ("port3", "port-conflict"),
        ("nocmd", "bad-command"),
        ("noperm", "bad-command"),
        ("dir126", "bad-command"),
        ("file2dir", "mount-missing"),
        ("nonet", "network-missing"),
    ],
)
def test_each_recorded_failure_gets_its_name(name: str, code: str) -> None:
    found = judge_container(SERVICE, recorded_container(name), [], LOOKED)
    assert found is not None
    assert found.code == code
    assert found.proof, "a finding without proof"


@pytest.mark.parametrize("name", ["hvdemo-ok-1", "loop", "hcnone", "lnone", "oomchild", "term143"])
def test_a_running_container_is_not_accused(name: str) -> None:
    assert judge_container(SERVICE, recorded_container(name), [], LOOKED + timedelta(hours=1)) is None


def test_137_alone_is_not_out_of_memory() -> None:
    container = recorded_container("stopign")
    assert container["State"]["ExitCode"] == 137
    stopped = [event(container, "kill", signal="15"), event(container, "kill", signal="9"), event(container, "stop")]
    assert _code(container, stopped) == "container-stopped"
    assert _code(container, [event(container, "kill", signal="9")]) == "container-killed"
    assert _code(container, []) == "container-killed"


def test_the_event_proves_out_of_memory_where_the_flag_is_missing() -> None:
    container = recorded_container("kill9")
    assert not container["State"]["OOMKilled"]
    assert _code(container, [event(container, "oom"), event(container, "die", exit="137")]) == "oom-killed"


def test_a_child_killed_for_memory_is_seen_although_the_container_runs() -> None:
    container = recorded_container("oomchild")
    started = parse_time(container["State"]["StartedAt"])
    assert started is not None
    later = event(container, "oom") | {"at": started.timestamp() + 1}
    earlier = event(container, "oom") | {"at": started.timestamp() - 1}
    assert _code(container, [later]) == "oom-killed"
    assert judge_container(SERVICE, container, [earlier], LOOKED) is None


def test_a_crash_loop_is_seen_while_it_happens_to_run() -> None:
    container = recorded_container("loop")
    container["RestartCount"] = 5
    started = parse_time(container["State"]["StartedAt"])
    assert started is not None
    found = judge_container(SERVICE, container, [], started + timedelta(seconds=1))
    assert found is not None
    assert found.code == "crash-loop"
    assert judge_container(SERVICE, container, [], started + timedelta(hours=1)) is None


@pytest.mark.parametrize("exit_code", [0, 143])
def test_a_clean_end_under_a_restart_policy_was_a_stop(exit_code: int) -> None:
    container = recorded_container("ex0")
    container["State"]["ExitCode"] = exit_code
    container["HostConfig"]["RestartPolicy"]["Name"] = "unless-stopped"
    assert _code(container, []) == "container-stopped"


def test_one_shots_end_with_0() -> None:
    one_shot = Service("migrate", one_shot=True)
    assert judge_container(one_shot, recorded_container("hvdemo-init-1"), [], LOOKED) is None
    found = judge_container(one_shot, recorded_container("hvdemo-initfail-1"), [], LOOKED)
    assert found is not None
    assert (found.code, found.facts["exit"]) == ("one-shot-failed", "4")


def test_what_waits_was_never_started() -> None:
    waiting = Service("api", depends_on={"db": "service_healthy"})
    found = judge_container(waiting, recorded_container("hvdemo-api-1"), [], LOOKED)
    assert found is not None
    assert found.code == "dependency-blocked"
    assert "db (healthy)" in found.summary


@pytest.mark.parametrize(
    ("name", "code"),
    [("hc", "healthcheck-failing"), ("hctimeout", "healthcheck-failing"), ("hcnobin", "healthcheck-broken")],
)
def test_unhealthy_and_a_broken_healthcheck_are_told_apart(name: str, code: str) -> None:
    assert [one.code for one in judge_health(SERVICE, view(recorded_container(name)), "triage")] == [code]


def test_no_healthcheck_is_no_finding() -> None:
    assert judge_health(SERVICE, view(recorded_container("hcnone")), "triage") == []


def test_the_health_of_a_container_that_has_ended_is_stale() -> None:
    container = recorded_container("hc")
    container["State"] |= {"Status": "exited", "Running": False}
    assert judge_health(SERVICE, view(container), "triage") == []


def test_a_paused_container_has_no_health_of_its_own() -> None:
    container = recorded_container("hc")
    container["State"] |= {"Status": "paused", "Paused": True}
    assert judge_health(SERVICE, view(container), "triage") == []


def test_starting_is_a_warning_in_triage_and_not_over_in_verify() -> None:
    container = starting()
    (found,) = judge_health(SERVICE, view(container), "triage")
    assert (found.code, found.severity) == ("healthcheck-starting", "warning")
    assert "0 s after its start, of the" in found.summary
    assert [one.severity for one in judge_health(SERVICE, view(container), "verify")] == ["error"]


@pytest.mark.parametrize(
    ("ends", "codes"),
    [("healthy", []), ("unhealthy", ["healthcheck-failing"]), ("starting", ["healthcheck-starting"])],
)
def test_what_starts_is_judged_by_the_last_look(ends: str, codes: list[str]) -> None:
    container = starting()
    looks = [{"at": 10.0, "health": "starting"}, {"at": 12.0, "health": ends}]
    found = judge_health(SERVICE, view(container), "triage", {container["Id"]: looks})
    assert [one.code for one in found] == codes
    for one in found:
        assert Proof(f"{container['Name'].lstrip('/')} seen in 2 looks over 2 s", f"starting, {ends}") in one.proof


@pytest.mark.parametrize(
    ("codes", "streak", "told"),
    [
        ([0, 0, 0], 0, None),
        ([1, 1, 0], 0, None),  # failures of the start
        ([0, 1, 0], 0, "1 of its last 3"),
        ([1, 0, 1], 1, "1 of its last 3"),
        ([1, 1], 2, "2 of its last 2"),
    ],
)
def test_healthy_that_failed_after_it_had_passed_is_a_warning(codes: list[int], streak: int, told: str | None) -> None:
    container = recorded_container("hc")
    at = container["State"]["StartedAt"]
    log = [{"Start": at, "End": at, "ExitCode": code, "Output": "no answer"} for code in codes]
    container["State"]["Health"] = {"Status": "healthy", "FailingStreak": streak, "Log": log}
    found = judge_health(SERVICE, view(container), "triage")
    assert [one.code for one in found] == (["healthcheck-flapping"] if told else [])
    assert all(one.severity == "warning" and str(told) in one.summary for one in found)


def starting() -> dict[str, Any]:
    """A container that was started at this moment."""
    container = recorded_container("hc")
    container["State"]["Health"]["Status"] = "starting"
    container["State"]["StartedAt"] = LOOKED.isoformat()
    return container


def test_a_service_without_a_container_is_missing_and_its_image_may_be_the_reason() -> None:
    service = Service("web", image="web:1")
    empty = view()
    unlooked = Observation("image:web", "unlooked")
    absent = Observation("image:web", "seen", {"image": "web:1", "present": False})
    assert [one.code for one in judge_state(service, empty, unlooked)] == ["container-missing"]
    assert [one.code for one in judge_state(service, empty, absent)] == ["image-missing"]
    assert judge_state(Service("web", replicas=0), empty, unlooked) == []


def test_a_finished_job_may_be_pruned() -> None:
    unlooked = Observation("image:web", "unlooked")
    job = Service("web", one_shot=True)
    waits = recorded_container("hvdemo-api-1")
    waits["Config"]["Labels"]["com.docker.compose.service"] = "api"
    done = view() | {"containers": [recorded_container("hvdemo-ok-1")]}
    (found,) = judge_state(job, done, unlooked, awaited=["ok"])
    assert (found.code, found.severity) == ("container-missing", "warning")
    (found,) = judge_state(job, view() | {"containers": [waits]}, unlooked, awaited=["api"])
    assert found.severity == "critical"
    (found,) = judge_state(Service("web", restart="no"), view(), unlooked)
    assert (found.severity, "one_shot = true" in (found.caution or "")) == ("error", True)


def test_a_job_is_told_by_the_files_healthcheck_and_not_by_its_images() -> None:
    job = recorded_container("ex0")
    job["Config"]["Healthcheck"] = {"Test": ["CMD", "curl", "localhost"]}
    job["State"]["FinishedAt"] = job["State"]["StartedAt"]
    for healthcheck, severity in ((False, "warning"), (True, "critical"), (None, "critical")):
        found = judge_container(Service("web", healthcheck=healthcheck), job, [], LOOKED)
        assert found is not None
        assert found.severity == severity


@pytest.mark.parametrize(
    ("service", "minutes", "severity"),
    [
        (Service("web"), 1, "warning"),
        (Service("web"), 60, "critical"),  # a worker that was stopped, and whose stop was forgotten
        (Service("web", leaned_on=True), 1, "critical"),
        (Service("web", restart="on-failure"), 60, "critical"),  # by the container's own policy, which is none
    ],
    ids=["brief", "long", "leaned-on", "policy"],
)
def test_an_end_with_0_is_a_job_only_by_all_signs(service: Service, minutes: float, severity: str) -> None:
    ended = recorded_container("ex0")
    ended["State"]["StartedAt"] = (LOOKED - timedelta(minutes=minutes)).isoformat()
    ended["State"]["FinishedAt"] = LOOKED.isoformat()
    found = judge_container(service, ended, [], LOOKED)
    assert found is not None
    assert (found.severity, "by itself" in found.summary) == (severity, False)
    ended["HostConfig"]["RestartPolicy"] = {"Name": "on-failure"}
    meant = judge_container(replace(service, leaned_on=False), ended, [], LOOKED)
    assert meant is not None
    assert meant.severity == "warning"


def test_what_others_lean_on_is_no_job() -> None:
    (found,) = judge_state(Service("web", restart="no", leaned_on=True), view(), Observation("image:web", "unlooked"))
    assert (found.code, found.severity) == ("container-missing", "critical")
    ended = recorded_container("ex0")
    ended["HostConfig"]["RestartPolicy"] = {"Name": "on-failure"}
    found_ended = judge_container(Service("web", healthcheck=True), ended, [], LOOKED)
    assert found_ended is not None
    assert found_ended.severity == "critical"


def test_the_worst_container_speaks_for_its_service() -> None:
    done, killed = recorded_container("ex0"), recorded_container("oommain")
    killed["Id"] = "other"
    unlooked = Observation("image:web", "unlooked")
    (found,) = judge_state(Service("web", replicas=2), view(done, killed), unlooked)
    assert found.code == "oom-killed"
    child = recorded_container("oomchild")
    started = parse_time(child["State"]["StartedAt"])
    assert started is not None
    oom = event(child, "oom") | {"at": started.timestamp() + 1}
    (found,) = judge_state(
        Service("web", replicas=2), view(child, recorded_container("ex1")) | {"events": [oom]}, unlooked
    )
    assert (found.code, found.severity) == ("container-exited", "critical")


def test_a_healthcheck_that_says_not_found_is_not_broken() -> None:
    container = recorded_container("hc")
    log = container["State"]["Health"]["Log"]
    log[-1] |= {"ExitCode": 1, "Output": "urllib.error.HTTPError: HTTP Error 404: Not Found"}
    assert [one.code for one in judge_health(SERVICE, view(container), "triage")] == ["healthcheck-failing"]
    log[-1] |= {"ExitCode": 1, "Output": "starting\n/bin/sh: 1: curl: not found"}
    assert [one.code for one in judge_health(SERVICE, view(container), "triage")] == ["healthcheck-broken"]


def test_nobody_has_a_name_on_the_engines_own_network() -> None:
    container = recorded_container("hvdemo-ok-1")
    container["HostConfig"]["NetworkMode"] = "bridge"
    network = next(iter(container["NetworkSettings"]["Networks"].values())) | {"Aliases": None}
    container["NetworkSettings"]["Networks"] = {"bridge": network}
    assert judge_network(Service("ok"), view(container, name="ok"), UNHASHED) == []


def test_one_dead_replica_of_three_impairs_and_does_not_down() -> None:
    fine = recorded_container("hvdemo-ok-1")
    found = judge_state(
        Service("web", replicas=3), view(fine, fine, recorded_container("ex1")), Observation("image:web", "unlooked")
    )
    assert [(one.code, one.severity) for one in found] == [("container-exited", "error")]


def test_a_container_cut_from_its_network_is_seen() -> None:
    container = recorded_container("hvdemo-ok-1")
    service = Service("ok")
    assert judge_network(service, view(container, name="ok"), UNHASHED) == []
    network = next(iter(container["NetworkSettings"]["Networks"].values()))
    network["Aliases"] = ["something-else"]
    assert [one.code for one in judge_network(service, view(container, name="ok"), UNHASHED)] == ["network-detached"]
    container["NetworkSettings"]["Networks"] = {}
    left = event(container, "network disconnect", network="hvdemo_default")
    (found,) = judge_network(service, view(container, name="ok") | {"events": [left]}, UNHASHED)
    assert (found.code, found.since) == ("network-detached", "2026-11-23T09:34:11.000Z")


def test_a_further_network_counts_for_a_container_made_from_this_file() -> None:
    container = recorded_container("hvdemo-ok-1")
    labels = container["Config"]["Labels"]
    labels |= {"com.docker.compose.config-hash": "abc", "com.docker.compose.version": "2.26.1"}
    service = Service("ok", joins=(*container["NetworkSettings"]["Networks"], "hvdemo_back"))
    same = Observation("compose:hashes", "seen", {"version": "2.26.1-4", "hashes": {"ok": "abc"}})
    other = Observation("compose:hashes", "seen", {"version": "2.26.1-4", "hashes": {"ok": "def"}})
    (found,) = judge_network(service, view(container, name="ok"), same)
    assert (found.code, found.severity, "hvdemo_back" in found.summary) == ("network-detached", "error", True)
    assert judge_network(service, view(container, name="ok"), other) == []
    assert judge_network(service, view(container, name="ok"), UNHASHED) == []


def view(*containers: dict[str, Any], name: str = "web") -> dict[str, Any]:
    """The engine's answer with these containers, all of the service `name`."""
    for container in containers:
        container["Config"]["Labels"]["com.docker.compose.service"] = name
    return {"asked": LOOKED.timestamp(), "containers": list(containers), "others": [], "events": []}


def _code(container: dict[str, Any], events: list[dict[str, Any]]) -> str:
    found = judge_container(SERVICE, container, events, LOOKED)
    assert found is not None
    return found.code

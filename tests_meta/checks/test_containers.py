"""The state check of a service: missing containers, jobs, and replicas of which some have failed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service_down.checks.test_containers import judge_state
from service_down.fixtures.evidence.observation import CannotCheck, Observation
from service_down.fixtures.probes.containers import Image
from service_down.fixtures.stack.model import Service
from service_down.tests_meta.checks.recorded_containers import (
    engine_state,
    event,
    recorded_container,
    seconds_of,
)

UNKNOWN_IMAGE: Observation[Image] = Observation("image:web", "unlooked")
ABSENT_IMAGE = Observation("image:web", "seen", Image("web:1", present=False))


def test_a_service_without_a_container_is_missing_and_its_image_may_be_the_reason() -> None:
    service = Service("web", image="web:1")
    assert [found.code for found in judge_state(service, engine_state(), UNKNOWN_IMAGE)] == ["container-missing"]
    assert [found.code for found in judge_state(service, engine_state(), ABSENT_IMAGE)] == ["image-missing"]
    assert judge_state(Service("web", replicas=0), engine_state(), UNKNOWN_IMAGE) == []


def test_a_container_that_cannot_be_read_may_be_the_missing_one() -> None:
    state = replace(engine_state(recorded_container("hvdemo-ok-1"), service="ok"), unreadable=("null",))
    with pytest.raises(CannotCheck, match="may be one of web: null"):
        judge_state(Service("web"), state, UNKNOWN_IMAGE)
    assert len(state.containers_of("ok")) == 1
    assert state.gaps == ("the engine lists a container that cannot be read: null",)


def test_a_one_shot_that_has_ended_may_be_removed_when_nothing_waits_for_it() -> None:
    one_shot = Service("web", one_shot=True)
    started = engine_state(recorded_container("hvdemo-ok-1"), service="ok")
    waiting = engine_state(recorded_container("hvdemo-api-1"), service="api")
    (found,) = judge_state(one_shot, started, UNKNOWN_IMAGE, awaited_by=["ok"])
    assert (found.code, found.severity) == ("container-missing", "warning")
    (found,) = judge_state(one_shot, waiting, UNKNOWN_IMAGE, awaited_by=["api"])
    assert found.severity == "critical"


def test_what_may_be_a_job_has_a_caution_that_names_the_setting() -> None:
    (found,) = judge_state(Service("web", restart="no"), engine_state(), UNKNOWN_IMAGE)
    assert (found.severity, "one_shot = true" in (found.caution or "")) == ("error", True)


def test_what_must_keep_running_is_no_job() -> None:
    service = Service("web", restart="no", must_keep_running=True)
    (found,) = judge_state(service, engine_state(), UNKNOWN_IMAGE)
    assert (found.code, found.severity) == ("container-missing", "critical")


def test_the_worst_container_decides_for_its_service() -> None:
    service = Service("web", replicas=2)
    ended, killed = recorded_container("ex0"), replace(recorded_container("oommain"), id="other")
    (found,) = judge_state(service, engine_state(ended, killed), UNKNOWN_IMAGE)
    assert found.code == "oom-killed"
    child = recorded_container("oomchild")
    out_of_memory = event(child, "oom", seconds_of(child.started) + 1)
    state = engine_state(child, recorded_container("ex1"), events=(out_of_memory,))
    (found,) = judge_state(service, state, UNKNOWN_IMAGE)
    assert (found.code, found.severity) == ("container-exited", "critical")


def test_a_dead_replica_of_three_impairs_and_is_not_critical() -> None:
    fine = recorded_container("hvdemo-ok-1")
    state = engine_state(fine, fine, recorded_container("ex1"))
    findings = judge_state(Service("web", replicas=3), state, UNKNOWN_IMAGE)
    assert [(found.code, found.severity, found.impaired) for found in findings] == [("container-exited", "error", True)]

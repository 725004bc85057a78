"""Causes that several services share, and what changed before them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service_down.fixtures.catalog.finding import catalogue, finding
from service_down.fixtures.settings.schema import ServiceSettings, Settings
from service_down.fixtures.stack.build_model import from_labels
from service_down.fixtures.stack.containers import ComposeLabels, Container, EngineState, Event
from service_down.fixtures.stack.model import Model, Service
from service_down.reports.diagnosis.common_cause import common_cause_texts
from service_down.reports.diagnosis.diagnose import DiagnosisContext, diagnose
from service_down.reports.diagnosis.timeline import Release, changes, releases, timeline
from service_down.reports.verdict import Verdict
from service_down.tests_meta.reports.diagnosis.test_diagnose import failed

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
MODEL = Model(
    (Service("web", depends_on={"api": "service_started"}), Service("api"), Service("jobs"), Service("db")), "compose"
)


def container(service: str, image: str, key: str = "", created: str = "2026-11-24T02:50:00Z") -> Container:
    return Container(
        id=key or f"new-{service}",
        name=f"p-{service}-1",
        created=created,
        image=image,
        compose=ComposeLabels(service=service),
        running=True,
        started="2026-11-24T02:50:01Z",
    )


def removed(service: str, image: str) -> Event:
    at = datetime(2026, 11, 24, 2, 50, tzinfo=UTC).timestamp()
    return Event(at=at, action="destroy", container_id=f"old-{service}", service=service, image=image)


def state(containers: Sequence[Container], events: Sequence[Event] = ()) -> EngineState:
    return EngineState(project="p", answered_at=NOW.timestamp(), containers=tuple(containers), events=tuple(events))


def judged(engine: EngineState, *codes: tuple[str, str]) -> Verdict:
    found = [finding(code, service, since="2026-11-24T02:50:05Z") for service, code in codes]
    return diagnose(failed(*found), DiagnosisContext(MODEL, {}, {}, "docker compose", "p", NOW, engine=engine))


AT = datetime(2026, 11, 24, 2, 50, tzinfo=UTC)
ENGINE = state(
    [container("api", "shop:2"), container("jobs", "shop:2"), container("db", "postgres:16")],
    [removed("api", "shop:1"), removed("jobs", "shop:1")],
)


def test_a_new_release_that_breaks_two_services_is_one_cause() -> None:
    verdict = judged(ENGINE, ("api", "crash-loop"), ("jobs", "container-exited"), ("web", "endpoint-error"))
    assert [(cause.service, cause.blocks) for cause in verdict.causes] == [("stack", ("api", "jobs", "web"))]
    assert "since shop:2 replaced shop:1" in verdict.summary
    assert {service.name: service.state for service in verdict.services}["api"] == "down"
    assert {service.name: service.state for service in verdict.services}["web"] == "blocked"
    assert "going back to shop:1" in (verdict.causes[0].caution or "")
    assert "api jobs" in verdict.causes[0].next[0], "the commands are about the services, not about the stack"


def test_two_crashes_of_the_same_old_image_stay_two_causes() -> None:
    verdict = judged(replace(ENGINE, events=()), ("api", "crash-loop"), ("jobs", "crash-loop"))
    assert {cause.service for cause in verdict.causes} == {"api", "jobs"}


def test_a_release_that_merely_happened_hides_no_other_cause() -> None:
    model = Model(
        (Service("db"), *(Service(name, depends_on={"db": "service_started"}) for name in ("api", "jobs"))), "compose"
    )
    found = [
        finding("oom-killed", "db", since="2026-11-24T02:58:00Z"),
        finding("endpoint-error", "api", blamed=["db"]),
        finding("endpoint-error", "jobs"),
    ]
    verdict = diagnose(failed(*found), DiagnosisContext(model, {}, {}, "docker compose", "p", NOW, engine=ENGINE))
    assert [(cause.service, cause.blocks) for cause in verdict.causes] == [("db", ("api", "jobs"))]


def test_a_failure_older_than_the_release_is_not_the_releases() -> None:
    found = [finding("crash-loop", name, since="2026-11-24T02:40:00Z") for name in ("api", "jobs")]
    verdict = diagnose(failed(*found), DiagnosisContext(MODEL, {}, {}, "docker compose", "p", NOW, engine=ENGINE))
    assert {cause.service for cause in verdict.causes} == {"api", "jobs"}


def test_what_a_service_has_beside_the_shared_cause_is_not_hidden() -> None:
    verdict = judged(ENGINE, ("api", "endpoint-error"), ("api", "tls-invalid"), ("jobs", "endpoint-error"))
    assert {(cause.service, cause.code) for cause in verdict.causes} >= {
        ("api", "tls-invalid"),
        ("api", "endpoint-error"),
    }


def test_the_shared_cause_of_services_that_need_each_other() -> None:
    model = Model((Service("jobs", depends_on={"api": "service_started"}), Service("api")), "compose")
    found = [finding("crash-loop", name, since="2026-11-24T02:51:00Z") for name in ("api", "jobs")]
    verdict = diagnose(failed(*found), DiagnosisContext(model, {}, {}, "docker compose", "p", NOW, engine=ENGINE))
    assert [(cause.service, cause.shares) for cause in verdict.causes] == [("stack", ("api", "jobs"))]


def test_one_service_of_a_new_release_is_its_own_cause_and_the_change_is_named() -> None:
    engine = replace(ENGINE, containers=(*ENGINE.containers, container("web", "web:1")))
    verdict = judged(engine, ("api", "crash-loop"))
    assert [cause.service for cause in verdict.causes] == ["api"]
    assert any("shop:2 instead of shop:1" in entry.what for entry in verdict.changes)


def test_nothing_left_of_the_project_is_one_cause() -> None:
    gone = [(service.name, "container-missing") for service in MODEL.services]
    assert [cause.service for cause in judged(state([]), *gone).causes] == ["stack"]
    assert len(judged(ENGINE, *gone[1:3]).causes) == 2, "two that are missing beside others are two causes"


def test_two_causes_of_the_stack_stand_side_by_side() -> None:
    found = [
        finding("image-missing", "api", image="shop:3"),
        finding("image-missing", "jobs", image="shop:3"),
        finding("network-detached", "web", network="p_front", what="cut"),
        finding("network-detached", "db", network="p_front", what="cut"),
    ]
    verdict = diagnose(failed(*found), DiagnosisContext(MODEL, {}, {}, "docker compose", "p", NOW))
    assert {(cause.service, cause.code, cause.blocks) for cause in verdict.causes} == {
        ("stack", "image-missing", ("api", "jobs")),
        ("stack", "network-detached", ("db", "web")),
    }


def test_a_replaced_image_is_distinguished_from_a_removed_container() -> None:
    assert releases(ENGINE) == {"api": Release("shop:1", "shop:2", AT), "jobs": Release("shop:1", "shop:2", AT)}
    same = replace(ENGINE, events=(removed("api", "shop:2"),))
    assert releases(same) == {}
    again = replace(ENGINE, events=(removed("api", "shop:1"), removed("api", "shop:2")))
    assert set(releases(again)) == {"api"}, "created again from the same image, it still replaced the other image"
    halfway = replace(ENGINE, containers=(*ENGINE.containers, container("api", "shop:1", "second")))
    assert set(releases(halfway)) == {"jobs"}, "between two releases nothing is known"


def test_by_labels_alone_a_service_that_another_needs_is_known_without_a_container() -> None:
    labels = ComposeLabels(service="api", depends_on={"db": "service_healthy"})
    api = replace(container("api", "shop:2"), compose=labels)
    assert {service.name for service in from_labels([api], Settings(), None).services} == {"api", "db"}


def event(action: str, container_id: str, seconds: float, **fields: str) -> Event:
    return Event(at=AT.timestamp() + seconds, action=action, container_id=container_id, **fields)


def test_a_finished_job_has_not_failed_and_a_cut_is_no_end() -> None:
    engine = state(
        [container("api", "shop:2"), container("jobs", "shop:2")],
        [
            event("die", "new-jobs", 1.0, exit_code="0", service="jobs"),
            event("network disconnect", "new-jobs", 1.2, network="p_default"),
            event("network disconnect", "new-api", 9.0, network="p_default"),
            event("die", "new-api", 60.0, exit_code="1", service="api"),
        ],
    )
    entries = [(entry.service, entry.what, entry.kind) for entry in timeline(engine)]
    assert ("jobs", "ended with 0", "finished") in entries
    assert ("api", "ended with 1", "ended") in entries
    assert [entry for entry in entries if "cut" in entry[1]] == [("api", "cut from network p_default", "stopped")]


def test_an_outage_of_the_machine_is_one_cause_of_the_stack() -> None:
    found = [finding("container-exited", name, exit=255, outage="engine") for name in ("api", "jobs", "db")]
    verdict = diagnose(failed(*found), DiagnosisContext(MODEL, {}, {}, "docker compose", "p", NOW))
    assert [(cause.service, cause.code, cause.shares) for cause in verdict.causes] == [
        ("stack", "container-exited", ("api", "db", "jobs"))
    ]
    assert "Docker engine went down" in verdict.summary


def test_a_machine_without_anything_of_the_stack_is_one_cause() -> None:
    found = [finding("image-missing", "api", image="a"), finding("container-missing", "jobs", count="none")]
    context = DiagnosisContext(MODEL, {}, {}, "docker compose", "p", NOW, engine=state([]))
    verdict = diagnose(failed(*found), context)
    assert [(cause.service, cause.shares) for cause in verdict.causes] == [("stack", ("api", "jobs"))]


def test_by_labels_alone_a_service_of_the_settings_is_not_forgotten() -> None:
    settings = Settings(services={"worker": ServiceSettings(), "grafana": ServiceSettings(monitoring=True)})
    model = from_labels([], settings, "no file")
    assert [service.name for service in model.services] == ["worker"]
    assert not model.is_sure_of("worker")


def test_every_shared_fact_has_its_text() -> None:
    assert {fact for code in catalogue().values() for fact in code.shared_by} == set(common_cause_texts())


def created(service: str, minutes: float) -> Container:
    return container(service, "shop:1", created=(AT - timedelta(minutes=minutes)).isoformat())


@pytest.mark.parametrize(
    ("minutes", "changed"),
    [
        ({"db": 40, "jobs": 40, "web": 9, "redis": 8, "api": 0.1}, ["api"]),
        ({"db": 300, "jobs": 300, "web": 300, "api": 5, "auth": 4}, ["api", "auth"]),
        (dict.fromkeys(("db", "jobs", "web", "api", "auth"), 5.0), ["stack"]),
        (dict.fromkeys(("db", "jobs", "web", "auth"), 3.0) | {"api": 2.0}, ["stack", "api"]),
        (dict.fromkeys(("db", "jobs", "web", "api", "auth"), 500.0), []),
    ],
    ids=["one", "two", "everything", "one of everything again", "long-ago"],
)
def test_what_changed_is_the_last_deployment(minutes: dict[str, float], changed: list[str]) -> None:
    engine = state([created(service, before) for service, before in minutes.items()])
    assert [entry.service for entry in changes(engine, AT)] == changed


def test_changes_are_listed_where_no_cause_has_a_time() -> None:
    engine = state([created("db", 500), created("api", -9)])
    verdict = diagnose(
        failed(finding("endpoint-error", "api")), DiagnosisContext(MODEL, {}, {}, "docker", "p", NOW, engine=engine)
    )
    assert [(entry.service, entry.what) for entry in verdict.changes] == [
        ("api", "container created from shop:1, 60 s before this look")
    ]

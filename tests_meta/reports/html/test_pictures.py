"""The pictures of the report as data: the layout of the dependency map, and the lanes and marks of the timeline."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta

import pytest

from service_down.fixtures.catalog.finding import finding
from service_down.fixtures.stack.model import Model, Service
from service_down.reports.diagnosis.diagnose import DiagnosisContext, diagnose
from service_down.reports.diagnosis.timeline import TimelineEntry
from service_down.reports.html.dependency_map import (
    ARROW_GAP_PX,
    NODE_HEIGHT_PX,
    NODE_WIDTH_PX,
    DependencyMap,
    build_dependency_map,
)
from service_down.reports.html.timeline import MAX_LANES, build_timeline_picture
from service_down.reports.verdict import Cause, Verdict
from service_down.tests_meta.reports.diagnosis.test_diagnose import failed

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def map_of(model: Model, *failures: tuple[str, str], uses: dict[str, frozenset[str]] | None = None) -> DependencyMap:
    findings = [finding(code, service) for service, code in failures]
    verdict = diagnose(failed(*findings), DiagnosisContext(model, uses or {}, {}, "docker compose", "p", NOW))
    dependency_map = build_dependency_map(verdict, model, uses or {})
    assert dependency_map is not None
    return dependency_map


def stack_of(count: int, seed: int) -> Model:
    generator = random.Random(seed)
    services = []
    for number in range(count):
        needs = generator.sample(range(number), min(number, generator.randint(0, 3)))
        depends_on = {f"svc-{needed:03}": "service_started" for needed in needs}
        services.append(Service(f"svc-{number:03}", depends_on=depends_on))
    return Model(tuple(services), "compose")


@pytest.mark.parametrize("count", [1, 5, 60, 200])
def test_no_two_nodes_overlap_and_all_are_inside(count: int) -> None:
    dependency_map = map_of(stack_of(count, count))
    corners = sorted((node.x, node.y) for node in dependency_map.nodes)
    assert len(corners) == count
    for index, (x, y) in enumerate(corners):
        assert x >= 0
        assert y >= 0
        assert x + NODE_WIDTH_PX <= dependency_map.width
        assert y + NODE_HEIGHT_PX <= dependency_map.height
        for other_x, other_y in corners[index + 1 :]:
            assert abs(x - other_x) >= NODE_WIDTH_PX or abs(y - other_y) >= NODE_HEIGHT_PX


def test_needed_services_are_left_of_their_dependents() -> None:
    model = Model(
        (Service("db"), Service("web", depends_on={"api": "x", "db": "x"}), Service("api", depends_on={"db": "x"})),
        "compose",
    )
    x = {node.name: node.x for node in map_of(model).nodes}
    assert x["db"] < x["api"] < x["web"]


def test_dependency_cycle_is_drawn() -> None:
    model = Model(
        (Service("a", depends_on={"b": "x"}), Service("b", depends_on={"c": "x"}), Service("c", depends_on={"a": "x"})),
        "compose",
    )
    assert len(map_of(model).edges) == 3


def test_edges_begin_and_end_at_their_nodes() -> None:
    dependency_map = map_of(stack_of(30, 3))
    nodes = dependency_map.nodes
    left_ends = {(round(node.x - ARROW_GAP_PX), round(node.y + NODE_HEIGHT_PX / 2)) for node in nodes}
    right_ends = {(round(node.x + NODE_WIDTH_PX), round(node.y + NODE_HEIGHT_PX / 2)) for node in nodes}
    for edge in dependency_map.edges:
        numbers = [round(float(number)) for number in re.findall(r"-?\d+", edge.path)]
        assert tuple(numbers[:2]) in right_ends
        assert tuple(numbers[-2:]) in left_ends


def test_causes_and_blocked_services_are_marked() -> None:
    model = Model((Service("web", depends_on={"db": "x"}), Service("db")), "compose")
    dependency_map = map_of(
        model, ("db", "oom-killed"), ("web", "endpoint-error"), uses={"web": frozenset({"airtable"})}
    )
    nodes = {node.name: node for node in dependency_map.nodes}
    assert (nodes["db"].state, nodes["db"].is_cause) == ("down", True)
    assert (nodes["web"].state, nodes["web"].is_cause) == ("blocked", False)
    assert nodes["airtable"].external
    assert [edge.carries_failure for edge in dependency_map.edges] == [False, True]
    assert "down: db" in dependency_map.description


def test_map_with_too_many_edges_shows_troubled_services_and_their_neighbours() -> None:
    names = [f"svc-{number:03}" for number in range(100)]
    services = [Service(name, depends_on=dict.fromkeys(names[:index][-8:], "x")) for index, name in enumerate(names)]
    dependency_map = map_of(Model(tuple(services), "compose"), ("svc-050", "oom-killed"))
    shown = {node.name for node in dependency_map.nodes}
    assert {"svc-050", "svc-042", "svc-058"} <= shown
    assert len(shown) + dependency_map.omitted_services == 100
    assert dependency_map.omitted_services == 83


def test_without_any_service_there_is_no_map() -> None:
    assert build_dependency_map(Verdict("unknown", ""), Model((), "labels"), {}) is None


def verdict_with(entries: list[TimelineEntry], since: str | None = None) -> Verdict:
    cause = Cause("db", "oom-killed", "critical", "", since, "", (), (), None, ())
    return Verdict("down", "", causes=(cause,) if since else (), timeline=tuple(entries))


def minutes_ago(minutes: float) -> str:
    return (NOW - timedelta(minutes=minutes)).isoformat()


def test_timeline_begins_shortly_before_the_incident() -> None:
    entries = [
        TimelineEntry(minutes_ago(10_000), "db", "started", "started"),
        TimelineEntry(minutes_ago(10), "db", "ended", "ended"),
        TimelineEntry(minutes_ago(0), "suite", "", "run"),
    ]
    picture = build_timeline_picture(verdict_with(entries, since=minutes_ago(10)))
    assert picture is not None
    assert picture.earlier_entries == 1
    assert [mark.kind for mark in picture.marks] == ["ended"]
    assert picture.run_x is not None
    assert picture.marks[0].x < picture.run_x


def test_overlapping_marks_become_one_of_the_most_severe_kind() -> None:
    entries = [
        TimelineEntry(minutes_ago(60), "web", "started", "started"),
        TimelineEntry(minutes_ago(5.02), "db", "x", "started"),
        TimelineEntry(minutes_ago(5.01), "db", "x", "memory"),
        TimelineEntry(minutes_ago(5.0), "db", "x", "ended"),
    ]
    picture = build_timeline_picture(verdict_with(entries))
    assert picture is not None
    assert [(mark.kind, mark.count) for mark in picture.marks if mark.count > 1] == [("memory", 3)]


def test_large_stack_has_at_most_max_lanes_and_causes_come_first() -> None:
    entries = [TimelineEntry(minutes_ago(number), f"svc-{number}", "started", "started") for number in range(200)]
    entries.append(TimelineEntry(minutes_ago(1), "db", "ended", "ended"))
    picture = build_timeline_picture(verdict_with(entries, since=minutes_ago(199)))
    assert picture is not None
    assert len(picture.lanes) == MAX_LANES
    assert picture.lanes[0][1] == "db"

"""The report's pictures as data: the map's layout and the timeline's window."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta

import pytest
from service_down.fixtures.catalog.finding import finding
from service_down.fixtures.stack.model import Model, Service
from service_down.reports.diagnosis.diagnose import DiagnosisContext, diagnose
from service_down.reports.diagnosis.timeline import TimelineEntry
from service_down.reports.html.dependency_map import HIGH, WIDE, Map, draw_map
from service_down.reports.html.timeline import LANES, draw_timeline
from service_down.reports.verdict import Cause, Verdict
from service_down.tests_meta.reports.diagnosis.test_diagnose import failed

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def drawn(model: Model, *found: tuple[str, str], uses: dict[str, frozenset[str]] | None = None) -> Map:
    findings = [finding(code, service) for service, code in found]
    verdict = diagnose(failed(*findings), DiagnosisContext(model, uses or {}, {}, "docker compose", "p", NOW))
    picture = draw_map(verdict, model, uses or {})
    assert picture is not None
    return picture


def stack_of(count: int, seed: int) -> Model:
    chance = random.Random(seed)
    services = []
    for number in range(count):
        needs = chance.sample(range(number), min(number, chance.randint(0, 3)))
        services.append(Service(f"svc-{number:03}", depends_on={f"svc-{one:03}": "service_started" for one in needs}))
    return Model(tuple(services), "compose")


@pytest.mark.parametrize("count", [1, 5, 60, 200])
def test_no_two_nodes_overlap_and_all_are_inside(count: int) -> None:
    picture = drawn(stack_of(count, count))
    boxes = sorted((one.x, one.y) for one in picture.nodes)
    assert len(boxes) == count
    for index, (x, y) in enumerate(boxes):
        assert x >= 0
        assert y >= 0
        assert x + WIDE <= picture.width
        assert y + HIGH <= picture.height
        for other_x, other_y in boxes[index + 1 :]:
            assert abs(x - other_x) >= WIDE or abs(y - other_y) >= HIGH


def test_what_is_needed_stands_left_of_who_needs_it() -> None:
    model = Model(
        (Service("db"), Service("web", depends_on={"api": "x", "db": "x"}), Service("api", depends_on={"db": "x"})),
        "compose",
    )
    places = {one.name: one.x for one in drawn(model).nodes}
    assert places["db"] < places["api"] < places["web"]


def test_a_circle_is_drawn_too() -> None:
    model = Model(
        (Service("a", depends_on={"b": "x"}), Service("b", depends_on={"c": "x"}), Service("c", depends_on={"a": "x"})),
        "compose",
    )
    assert len(drawn(model).edges) == 3


def test_edges_begin_and_end_at_their_nodes() -> None:
    picture = drawn(stack_of(30, 3))
    lefts = {(round(one.x - 3), round(one.y + HIGH / 2)) for one in picture.nodes}
    rights = {(round(one.x + WIDE), round(one.y + HIGH / 2)) for one in picture.nodes}
    for edge in picture.edges:
        numbers = [round(float(one)) for one in re.findall(r"-?\d+", edge.path)]
        assert tuple(numbers[:2]) in rights
        assert tuple(numbers[-2:]) in lefts


def test_causes_and_what_follows_are_marked() -> None:
    model = Model((Service("web", depends_on={"db": "x"}), Service("db")), "compose")
    picture = drawn(model, ("db", "oom-killed"), ("web", "endpoint-error"), uses={"web": frozenset({"airtable"})})
    nodes = {one.name: one for one in picture.nodes}
    assert (nodes["db"].state, nodes["db"].cause, nodes["web"].state, nodes["web"].cause) == (
        "down",
        True,
        "blocked",
        False,
    )
    assert nodes["airtable"].external
    assert [one.hot for one in picture.edges] == [False, True]
    assert "down: db" in picture.described


def test_what_has_too_many_lines_shows_what_is_not_fine() -> None:
    names = [f"svc-{number:03}" for number in range(100)]
    services = [Service(name, depends_on=dict.fromkeys(names[:index][-8:], "x")) for index, name in enumerate(names)]
    picture = drawn(Model(tuple(services), "compose"), ("svc-050", "oom-killed"))
    shown = {one.name for one in picture.nodes}
    assert {"svc-050", "svc-042", "svc-058"} <= shown
    assert len(shown) + picture.left_out == 100
    assert picture.left_out == 83


def test_without_any_service_there_is_no_map() -> None:
    assert draw_map(Verdict("unknown", ""), Model((), "labels"), {}) is None


def moments(entries: list[TimelineEntry], since: str | None = None) -> Verdict:
    cause = Cause("db", "oom-killed", "critical", "", since, "", (), (), None, ())
    return Verdict("down", "", causes=(cause,) if since else (), timeline=tuple(entries))


def at(minutes: float) -> str:
    return (NOW - timedelta(minutes=minutes)).isoformat()


def test_the_window_is_about_the_incident_and_not_about_last_week() -> None:
    entries = [
        TimelineEntry(at(10_000), "db", "started", "started"),
        TimelineEntry(at(10), "db", "ended", "ended"),
        TimelineEntry(at(0), "suite", "", "run"),
    ]
    picture = draw_timeline(moments(entries, since=at(10)))
    assert picture is not None
    assert picture.earlier == 1
    assert [one.kind for one in picture.marks] == ["ended"]
    assert picture.run is not None
    assert picture.marks[0].x < picture.run


def test_marks_that_would_cover_each_other_become_one_with_the_gravest_shape() -> None:
    entries = [
        TimelineEntry(at(60), "web", "started", "started"),
        TimelineEntry(at(5.02), "db", "x", "started"),
        TimelineEntry(at(5.01), "db", "x", "memory"),
        TimelineEntry(at(5.0), "db", "x", "ended"),
    ]
    picture = draw_timeline(moments(entries))
    assert picture is not None
    assert [(one.kind, one.times) for one in picture.marks if one.times > 1] == [("memory", 3)]


def test_a_big_stack_has_few_lanes_and_its_causes_among_them() -> None:
    entries = [TimelineEntry(at(number), f"svc-{number}", "started", "started") for number in range(200)] + [
        TimelineEntry(at(1), "db", "ended", "ended")
    ]
    picture = draw_timeline(moments(entries, since=at(199)))
    assert picture is not None
    assert len(picture.lanes) == LANES
    assert picture.lanes[0][1] == "db"

"""The layout of the dependency map: complete, without overlaps, from left to right, with few crossings, repeatable."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

import pytest

from service_down.fixtures.stack.model import Model, Service
from service_down.reports.html.dependency_map import ARROW_GAP_PX, NODE_WIDTH_PX, build_dependency_map
from service_down.reports.html.layout import Box, Layout, Link, Point, layered_layout
from service_down.reports.verdict import ServiceState, Verdict
from service_down.tests_meta.faults.recording import evidence_file
from service_down.tests_meta.offline import read
from service_down.tests_meta.suite_run import ROOT

Graph = tuple[list[str], list[Link]]
Line = tuple[Point, Point]  # from the right side of one column to the left side of the next
BOX = Box(width=200, height=40, column_gap=60, row_gap=16)
COLUMN_STEP = BOX.width + BOX.column_gap
SHUFFLES = 20
PRINT_LAYOUT = """
from service_down.tests_meta.reports.html import test_layout
for graph in test_layout.GRAPHS.values():
    print(test_layout.layered_layout(*graph(), test_layout.BOX))
"""


def reference_stack() -> Graph:
    """The reference stack: what is needed, and what needs it."""
    services = read(evidence_file("postgres-stopped")).model.services
    return [service.name for service in services], [
        (needed, service.name) for service in services for needed in service.depends_on
    ]


def without_cycles(count: int, most: int) -> Graph:
    """Random services, each of which needs up to `most` of those before it."""
    generator = random.Random(count + most)
    names = [f"svc-{number:03}" for number in range(count)]
    links = [
        (needed, name)
        for index, name in enumerate(names)
        for needed in generator.sample(names[:index], min(index, generator.randint(0, most)))
    ]
    return names, links


def with_cycles(count: int, edges: int) -> Graph:
    """Random links in all directions, among them pairs of services that need each other."""
    names = [f"svc-{number:03}" for number in range(count)]
    return names, random.Random(count + edges).sample(list(itertools.permutations(names, 2)), edges)


def ring(count: int) -> Graph:
    """One cycle of services."""
    names = [f"svc-{number}" for number in range(count)]
    return names, [*itertools.pairwise(names), (names[-1], names[0])]


def chain(count: int) -> Graph:
    """Services one after another, more than Python's recursion limit permits to follow by calls."""
    names = [f"svc-{number:04}" for number in range(count)]
    return names, list(itertools.pairwise(names))


ACYCLIC: Mapping[str, Callable[[], Graph]] = {
    "reference-stack": reference_stack,
    "5-services": lambda: without_cycles(5, 2),
    "20-services": lambda: without_cycles(20, 2),
    "30-services": lambda: without_cycles(30, 3),
    "60-services": lambda: without_cycles(60, 2),
    "200-services": lambda: without_cycles(200, 3),
}
CYCLIC: Mapping[str, Callable[[], Graph]] = {
    "2-need-each-other": lambda: ring(2),
    "ring": lambda: ring(5),
    "few-cycles": lambda: with_cycles(20, 25),
    "many-cycles": lambda: with_cycles(30, 90),
}
GRAPHS: Mapping[str, Callable[[], Graph]] = {
    **ACYCLIC,
    **CYCLIC,
    "no-links": lambda: (list("abcdefgh"), []),
    "empty": lambda: ([], []),
}


@pytest.fixture(params=GRAPHS)
def graph(request: pytest.FixtureRequest) -> Graph:
    """Every graph in turn."""
    return GRAPHS[request.param]()


def lines(links: Sequence[Link], layout: Layout) -> set[Line]:
    """The lines between neighbouring columns. Those that links share count once."""
    found: set[Line] = set()
    for link in links:
        (left_x, left_y), (right_x, right_y) = (layout.corners[name] for name in link)
        bends = [(x - BOX.width / 2, y) for x, y in layout.bends.get(link, ())]
        points = [(left_x, left_y + BOX.height / 2), *bends, (right_x, right_y + BOX.height / 2)]
        found |= {(min(pair), max(pair)) for pair in itertools.pairwise(points)}
    return found


def crossings(found: set[Line]) -> int:
    """How many pairs of lines cross."""
    return sum(
        (begin[1] - other_begin[1]) * (end[1] - other_end[1]) < 0
        for (begin, end), (other_begin, other_end) in itertools.combinations(found, 2)
        if begin[0] == other_begin[0]
    )


def shuffled(found: set[Line], generator: random.Random) -> set[Line]:
    """The same lines with the places in each column exchanged at random."""
    moved: dict[Point, Point] = {}
    points = sorted({point for line in found for point in line})
    for x, column in itertools.groupby(points, key=lambda point: point[0]):
        places = list(column)
        moved |= zip(places, generator.sample(places, len(places)), strict=True)
        assert {place[0] for place in places} == {x}
    return {(moved[begin], moved[end]) for begin, end in found}


def leftward(links: Sequence[Link], layout: Layout) -> list[Link]:
    """The links that do not run from left to right."""
    return [(left, right) for left, right in links if layout.corners[left][0] >= layout.corners[right][0]]


def has_cycle(links: Sequence[Link]) -> bool:
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for left, right in links:
        sorter.add(right, left)
    try:
        sorter.prepare()
    except CycleError:
        return True
    return False


def test_every_box_has_one_place_in_a_column(graph: Graph) -> None:
    names, links = graph
    layout = layered_layout(names, links, BOX)
    assert sorted(layout.corners) == sorted(names)
    assert all(x % COLUMN_STEP == 0 and x >= 0 and y >= 0 for x, y in layout.corners.values())


def test_boxes_do_not_overlap(graph: Graph) -> None:
    names, links = graph
    for (x, y), (other_x, other_y) in itertools.combinations(layered_layout(names, links, BOX).corners.values(), 2):
        assert x != other_x or abs(y - other_y) >= BOX.height + BOX.row_gap - 1  # heights are rounded


def test_no_line_runs_through_a_box(graph: Graph) -> None:
    names, links = graph
    layout = layered_layout(names, links, BOX)
    for x, y in {point for bends in layout.bends.values() for point in bends}:
        in_column = [top for left, top in layout.corners.values() if left == x - BOX.width / 2]
        assert y >= 0
        assert all(y < top - BOX.row_gap / 2 or y > top + BOX.height + BOX.row_gap / 2 for top in in_column)


def test_a_link_passes_every_column_between_its_boxes(graph: Graph) -> None:
    names, links = graph
    layout = layered_layout(names, links, BOX)
    for link in links:
        passed = [layout.corners[link[0]][0], *(x - BOX.width / 2 for x, _ in layout.bends.get(link, ()))]
        steps = {to - begin for begin, to in itertools.pairwise([*passed, layout.corners[link[1]][0]])}
        assert steps in ({COLUMN_STEP}, {-COLUMN_STEP})


@pytest.mark.parametrize("name", ACYCLIC)
def test_every_link_runs_from_left_to_right(name: str) -> None:
    names, links = ACYCLIC[name]()
    assert leftward(links, layered_layout(names, links, BOX)) == []


@pytest.mark.parametrize("name", CYCLIC)
def test_a_link_that_runs_to_the_left_closes_a_cycle(name: str) -> None:
    names, links = CYCLIC[name]()
    turned = leftward(links, layered_layout(names, links, BOX))
    others = [link for link in links if link not in turned]
    assert turned
    assert all(has_cycle([*others, link]) for link in turned)


@pytest.mark.parametrize("count", [2, 3, 12])
def test_one_link_of_a_ring_runs_to_the_left(count: int) -> None:
    names, links = ring(count)
    assert len(leftward(links, layered_layout(names, links, BOX))) == 1


def test_a_box_stands_right_behind_the_last_one_that_it_needs() -> None:
    names, links = without_cycles(60, 3)
    column = {name: x / COLUMN_STEP for name, (x, _) in layered_layout(names, links, BOX).corners.items()}
    for name in {right for _, right in links}:
        assert column[name] == 1 + max(column[left] for left, right in links if right == name)


@pytest.mark.parametrize("name", ACYCLIC)
def test_lines_cross_less_than_in_the_best_of_many_shuffled_orders(name: str) -> None:
    names, links = ACYCLIC[name]()
    found = lines(links, layered_layout(names, links, BOX))
    generator = random.Random(1)
    assert crossings(found) <= min(crossings(shuffled(found, generator)) for _ in range(SHUFFLES)) / 2


def test_a_tree_has_no_crossing() -> None:
    names = [f"svc-{number:02}" for number in range(40)]
    links = [(names[(index - 1) // 3], names[index]) for index in range(1, 40)]
    random.Random(1).shuffle(links)
    assert crossings(lines(links, layered_layout(names, links, BOX))) == 0


def test_lines_of_a_chain_are_level_even_if_it_is_long() -> None:
    names, links = chain(sys.getrecursionlimit() + 200)
    assert {y for _, y in layered_layout(names, links, BOX).corners.values()} == {0}


def test_equal_input_gives_an_equal_picture() -> None:
    seeds = ("1", "2", "3")
    outputs = {
        subprocess.run(
            [sys.executable, "-c", PRINT_LAYOUT],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in seeds
    }
    assert len(outputs) == 1


def test_the_line_that_closes_a_cycle_runs_from_the_left_side_to_the_right_side() -> None:
    needs = {"a": ["d"], "b": ["a"], "c": ["b"], "d": ["c"]}
    model = Model(
        tuple(Service(name, depends_on=dict.fromkeys(needed, "x")) for name, needed in needs.items()), "compose"
    )
    services = tuple(ServiceState(name, True, "ok", "") for name in needs)
    dependency_map = build_dependency_map(Verdict("healthy", "", services=services), model, {})
    assert dependency_map is not None
    xs = {node.name: node.x for node in dependency_map.nodes}
    (path,) = [edge.path for edge in dependency_map.edges if edge.path.startswith(f"M{max(xs.values()):.0f} ")]
    assert path.rpartition("C")[2].split()[-2] == f"{min(xs.values()) + NODE_WIDTH_PX + ARROW_GAP_PX:.0f}"
    assert path.count("C") == 5

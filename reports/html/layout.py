"""Where the boxes of a dependency map stand: layers from left to right, few crossings; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Point = tuple[float, float]
Link = tuple[str, str]  # from the left to the right
ROUNDS = 4  # of moving boxes until few lines cross; more change little
BEND = 14.0  # pixels that a line takes where it passes a layer


@dataclass(frozen=True)
class Box:
    """The size of every box and the gaps between them, in pixels."""

    wide: float
    high: float
    across: float
    down: float


@dataclass(frozen=True)
class Layout:
    """The upper left corner of each box; for lines over several layers, the middles that they pass."""

    corners: Mapping[str, Point]
    bends: Mapping[Link, Sequence[Point]] = field(default_factory=dict)


def layered(names: Sequence[str], links: Sequence[Link], box: Box) -> Layout:
    """The layout: every link runs from left to right, except one in each circle."""
    from grandalf.graphs import Edge, Graph, Vertex

    vertices = {name: Vertex(name) for name in names}
    for vertex in vertices.values():
        vertex.view = _View(box)
    edges = [Edge(vertices[a], vertices[b]) for a, b in links]
    for edge in edges:
        edge.view = _Line()
    corners: dict[str, Point] = {}
    bends: dict[Link, Sequence[Point]] = {}
    below = 0.0
    parts = [part for part in Graph(list(vertices.values()), edges).C if len(list(part.V())) > 1]
    for part in sorted(parts, key=lambda one: -len(list(one.V()))):
        below = _place(part, box, below, corners, bends)
    alone = [name for name in names if name not in corners]
    columns = max(4, round(max((x for x, _ in corners.values()), default=0) / (box.wide + box.across)) + 1)
    for index, name in enumerate(alone):
        corners[name] = (index % columns * (box.wide + box.across), below + index // columns * (box.high + box.down))
    return Layout(corners, bends)


def _place(part: Any, box: Box, below: float, corners: dict[str, Point], bends: dict[Link, Sequence[Point]]) -> float:
    """Lays out one connected part under what is there; gives where the next may begin.

    The library draws from top to bottom with the middles of things, so x and y change places here.
    """
    from grandalf.layouts import SugiyamaLayout

    layout = SugiyamaLayout(part)
    layout.xspace, layout.yspace = box.down, box.across
    layout.dw, layout.dh = BEND, box.wide
    layout.init_all()
    layout.draw(ROUNDS)
    middles = {vertex.data: vertex.view.xy for vertex in part.V()}
    lines = {(edge.v[0].data, edge.v[1].data): edge.view.points for edge in part.E()}
    points = [*middles.values(), *(point for line in lines.values() for point in line)]
    top: float = below + box.high / 2 - min(x for x, _ in points)
    left = box.wide / 2 - min(y for _, y in middles.values())
    for name, (x, y) in middles.items():
        corners[name] = (y + left - box.wide / 2, x + top - box.high / 2)
    bends |= {link: [(y + left, x + top) for x, y in line[1:-1]] for link, line in lines.items() if len(line) > 2}
    lowest = float(max(x for x, _ in points))
    return lowest + top + box.high / 2 + 2 * box.down


class _View:
    """What the library wants to know of a vertex, turned by a quarter."""

    def __init__(self, box: Box) -> None:
        self.w, self.h = box.high, box.wide
        self.xy: Point = (0.0, 0.0)


class _Line:
    """Takes the points of a line."""

    def __init__(self) -> None:
        self.points: Sequence[Point] = ()

    def setpath(self, points: Sequence[Point]) -> None:
        """Called by the library."""
        self.points = list(points)

"""Positions of the boxes of a dependency map: layers from left to right with few crossings. All lengths are pixels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

Point = tuple[float, float]
Link = tuple[str, str]  # from the left box to the right box
CROSSING_ROUNDS = 4  # passes that reduce crossings; more passes change little
LINE_HEIGHT_PX = 14.0  # kept free for a line where it passes a layer
MIN_COLUMNS = 4  # of boxes without links


@dataclass(frozen=True)
class Box:
    """The size of every box, and the gaps between boxes."""

    width: float
    height: float
    column_gap: float
    row_gap: float


@dataclass(frozen=True)
class Layout:
    """The upper left corner of each box, and the points that a link over several layers passes."""

    corners: Mapping[str, Point]
    bends: Mapping[Link, Sequence[Point]] = field(default_factory=dict)


class _Vertex(Protocol):
    """A vertex of the library."""

    data: str
    view: _VertexView


class _Edge(Protocol):
    """An edge of the library."""

    v: Sequence[_Vertex]
    view: _EdgeView


class _Component(Protocol):
    """A connected component of the library's graph."""

    def V(self) -> Iterable[_Vertex]: ...  # noqa: N802

    def E(self) -> Iterable[_Edge]: ...  # noqa: N802


def layered_layout(names: Sequence[str], links: Sequence[Link], box: Box) -> Layout:
    """Return the layout. Every link runs from left to right, except one in each cycle."""
    from grandalf.graphs import Edge, Graph, Vertex

    vertices = {name: Vertex(name) for name in names}
    for vertex in vertices.values():
        vertex.view = _VertexView(box)
    edges = [Edge(vertices[left], vertices[right]) for left, right in links]
    for edge in edges:
        edge.view = _EdgeView()
    corners: dict[str, Point] = {}
    bends: dict[Link, Sequence[Point]] = {}
    bottom = 0.0
    components: list[_Component] = list(Graph(list(vertices.values()), edges).C)
    connected = [component for component in components if _size(component) > 1]
    for component in sorted(connected, key=_size, reverse=True):
        bottom = _place_component(component, box, bottom, corners, bends)
    unlinked = [name for name in names if name not in corners]
    step_x, step_y = box.width + box.column_gap, box.height + box.row_gap
    columns = max(MIN_COLUMNS, round(max((x for x, _ in corners.values()), default=0) / step_x) + 1)
    for index, name in enumerate(unlinked):
        corners[name] = (index % columns * step_x, bottom + index // columns * step_y)
    return Layout(corners, bends)


def _size(component: _Component) -> int:
    return len(list(component.V()))


def _place_component(
    component: _Component, box: Box, top: float, corners: dict[str, Point], bends: dict[Link, Sequence[Point]]
) -> float:
    """Add a connected component's corners and bends below `top`; return where the next component may begin.

    The library draws from top to bottom and gives the centres of the boxes. Therefore x and y are exchanged here.
    """
    from grandalf.layouts import SugiyamaLayout

    layout = SugiyamaLayout(component)
    layout.xspace, layout.yspace = box.row_gap, box.column_gap
    layout.dw, layout.dh = LINE_HEIGHT_PX, box.width
    layout.init_all()
    layout.draw(CROSSING_ROUNDS)
    centres = {vertex.data: vertex.view.xy for vertex in component.V()}
    lines = {(edge.v[0].data, edge.v[1].data): edge.view.points for edge in component.E()}
    points = [*centres.values(), *(point for line in lines.values() for point in line)]
    shift_y = top + box.height / 2 - min(x for x, _ in points)
    shift_x = box.width / 2 - min(y for _, y in centres.values())
    for name, (x, y) in centres.items():
        corners[name] = (y + shift_x - box.width / 2, x + shift_y - box.height / 2)
    bends |= {
        link: [(y + shift_x, x + shift_y) for x, y in line[1:-1]] for link, line in lines.items() if len(line) > 2
    }
    return max(x for x, _ in points) + shift_y + box.height / 2 + 2 * box.row_gap


class _VertexView:
    """The size of a box as the library reads it, with width and height exchanged, and the centre that it sets."""

    def __init__(self, box: Box) -> None:
        self.w, self.h = box.height, box.width
        self.xy: Point = (0.0, 0.0)


class _EdgeView:
    """The points of a line, set by the library."""

    def __init__(self) -> None:
        self.points: Sequence[Point] = ()

    def setpath(self, points: Sequence[Point]) -> None:
        """Called by the library."""
        self.points = list(points)

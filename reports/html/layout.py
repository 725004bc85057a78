"""Positions of the boxes of a dependency map: layers from left to right with few crossings. All lengths are pixels.

The method is Sugiyama's: turn links that close a cycle, put each box behind all that link to it, let long links pass
bends, order each layer by barycentres, level the lines by least squares. Equal input gives an equal layout.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right, insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from operator import itemgetter
from statistics import fmean
from typing import NamedTuple

Point = tuple[float, float]
Link = tuple[str, str]  # from the left box to the right box
LINE_HEIGHT_PX = 6.0  # kept free for a line where it passes a layer
MIN_COLUMNS = 4  # of boxes without links
CROSSING_SWEEPS, HEIGHT_SWEEPS = 6, 20  # more change little
WEIGHTS = (1.0, 2.0, 8.0)  # how strongly a line is kept level, by the number of its ends that are bends


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


class _Vertex(NamedTuple):
    """A box or a bend in its layer. All links from a box share its bends."""

    layer: int
    name: str
    is_bend: bool = False
    turned_to: str = ""  # a turned link has bends of its own

    def height(self, box: Box) -> float:
        """Return the height that is kept free for it."""
        return LINE_HEIGHT_PX if self.is_bend else box.height


Layers = list[list[_Vertex]]
Neighbours = dict[_Vertex, list[_Vertex]]
Centres = dict[_Vertex, float]  # their heights


def layered_layout(names: Sequence[str], links: Sequence[Link], box: Box) -> Layout:
    """Return the layout. Every link runs from left to right, except one in each cycle."""
    corners: dict[str, Point] = {}
    bends: dict[Link, Sequence[Point]] = {}
    step_x, step_y = box.width + box.column_gap, box.height + box.row_gap
    top = 0.0
    for component in _components(names, links):
        chains = _chains(component, [link for link in links if link[0] in component])
        centres = _centres(chains, box)
        top -= min(centre - vertex.height(box) / 2 for vertex, centre in centres.items())
        points = {vertex: (vertex.layer * step_x, top + centre) for vertex, centre in centres.items()}
        corners |= {vertex.name: (x, y - box.height / 2) for vertex, (x, y) in points.items() if not vertex.is_bend}
        for link, chain in chains.items():
            passed = chain[1:-1] if chain[0].name == link[0] else chain[-2:0:-1]
            bends[link] = [(points[vertex][0] + box.width / 2, points[vertex][1]) for vertex in passed]
        top += max(centre + vertex.height(box) / 2 for vertex, centre in centres.items()) + 2 * box.row_gap
    columns = max(MIN_COLUMNS, round(max((x for x, _ in corners.values()), default=0) / step_x) + 1)
    for index, name in enumerate([name for name in names if name not in corners]):
        corners[name] = (index % columns * step_x, top + index // columns * step_y)
    return Layout(corners, bends)


def _components(names: Sequence[str], links: Sequence[Link]) -> list[list[str]]:
    """Return the names of each connected component of several boxes, the largest first."""
    linked = {name: [name] for name in names}
    for left, right in links:
        if linked[left] is not linked[right]:
            linked[left] += linked[right]
            linked |= dict.fromkeys(linked[right], linked[left])
    components = {id(component): component for component in linked.values() if len(component) > 1}
    return sorted(components.values(), key=len, reverse=True)


def _closing_links(names: Sequence[str], links: Sequence[Link]) -> set[Link]:
    """Return the links that close a cycle when one walks along the links, from boxes with few links to them first."""
    targets = {name: [right for left, right in links if left == name] for name in names}
    closing: set[Link] = set()
    done: set[str] = set()
    for start in sorted(names, key=[right for _, right in links].count):
        path = {start: iter(targets[start])} if start not in done else {}
        while path:
            name, untried = next(reversed(path.items()))
            following = next(untried, None)
            if following is None:
                done.add(name)
                del path[name]
            elif following in path:
                closing.add((name, following))
            elif following not in done:
                path[following] = iter(targets[following])
    return closing


def _chains(names: Sequence[str], links: Sequence[Link]) -> dict[Link, list[_Vertex]]:
    """Return each link of a component as boxes and bends in neighbouring layers, from left to right."""
    closing = _closing_links(names, links)
    ends = {link: link[::-1] if link in closing else link for link in links}
    sources = {name: [left for left, right in ends.values() if right == name] for name in names}
    layer: dict[str, int] = {}
    for name in TopologicalSorter(sources).static_order():
        layer[name] = max((layer[source] + 1 for source in sources[name]), default=0)
    chains: dict[Link, list[_Vertex]] = {}
    for link, (left, right) in ends.items():
        turned_to = right if link in closing else ""
        bends = [_Vertex(index, left, True, turned_to) for index in range(layer[left] + 1, layer[right])]
        chains[link] = [_Vertex(layer[left], left), *bends, _Vertex(layer[right], right)]
    return chains


def _centres(chains: Mapping[Link, Sequence[_Vertex]], box: Box) -> Centres:
    """Return the height of each vertex's centre."""
    vertices = dict.fromkeys(itertools.chain.from_iterable(chains.values()))
    left_of: Neighbours = {vertex: [] for vertex in vertices}
    right_of: Neighbours = {vertex: [] for vertex in vertices}
    for left, right in dict.fromkeys(line for chain in chains.values() for line in itertools.pairwise(chain)):
        right_of[left].append(right)
        left_of[right].append(left)
    layers = itertools.groupby(sorted(vertices, key=itemgetter(0)), key=itemgetter(0))
    orders = _orders([list(layer) for _, layer in layers], left_of, right_of)
    best = min(orders, key=lambda order: _crossings(order, right_of))
    return _levelled(best, {vertex: left_of[vertex] + right_of[vertex] for vertex in vertices}, box)


def _orders(start: Layers, left_of: Neighbours, right_of: Neighbours) -> Iterator[Layers]:
    """Yield the layers in the orders that sweeps to the right and to the left find in turn, from four beginnings."""
    for layers, first in itertools.product((start, [layer[::-1] for layer in start]), (0, 1)):
        for sweep in range(first, first + CROSSING_SWEEPS):
            layers = _swept(layers[::-1], right_of)[::-1] if sweep % 2 else _swept(layers, left_of)
            yield layers


def _swept(layers: Layers, before: Neighbours) -> Layers:
    """Return the layers, each ordered by the mean places of the neighbours in the layer before it."""
    swept: Layers = []
    places: dict[_Vertex, float] = {}
    for layer in layers:
        linked = ([places[other] for other in before[vertex]] for vertex in layer)
        means = {vertex: fmean(others or [own]) for own, (vertex, others) in enumerate(zip(layer, linked, strict=True))}
        swept.append(sorted(layer, key=means.__getitem__))
        places |= zip(swept[-1], itertools.count())
    return swept


def _crossings(layers: Layers, right_of: Neighbours) -> int:
    """Return how many lines cross between neighbouring layers."""
    crossings = 0
    for left, right in itertools.pairwise(layers):
        places = {vertex: place for place, vertex in enumerate(right)}
        ends: list[int] = []
        for end in (end for vertex in left for end in sorted(places[other] for other in right_of[vertex])):
            crossings += len(ends) - bisect_right(ends, end)
            insort(ends, end)
    return crossings


def _levelled(layers: Layers, linked: Neighbours, box: Box) -> Centres:
    """Return the heights of the centres: the lines are as level as the order of the layers permits."""
    centres = dict.fromkeys(linked, 0.0)
    for sweep in range(HEIGHT_SWEEPS):
        for layer in layers[:: 1 if sweep % 2 else -1]:
            centres |= zip(layer, _spread(layer, linked, centres, box), strict=True)
    return {vertex: float(round(centre)) for vertex, centre in centres.items()}


def _spread(layer: Sequence[_Vertex], linked: Neighbours, centres: Centres, box: Box) -> Iterator[float]:
    """Yield heights of a layer without overlaps, with the least weighted squares of the distances to what is linked."""
    blocks: list[tuple[float, float, list[float]]] = []  # of vertices that touch: weight, weighted height, offsets
    top = 0.0
    for vertex in layer:
        offset = top + vertex.height(box) / 2
        pulls = [(WEIGHTS[vertex.is_bend + other.is_bend], centres[other] - offset) for other in linked[vertex]]
        block = (sum(weight for weight, _ in pulls), sum(weight * height for weight, height in pulls), [offset])
        while blocks and blocks[-1][1] / blocks[-1][0] >= block[1] / block[0]:
            above = blocks.pop()
            block = (above[0] + block[0], above[1] + block[1], above[2] + block[2])
        blocks.append(block)
        top += vertex.height(box) + box.row_gap
    yield from (height / weight + offset for weight, height, offsets in blocks for offset in offsets)

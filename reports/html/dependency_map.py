"""The dependency map: services and external systems in layers. What is needed is left of what needs it.

A failure spreads from left to right, so a narrow screen shows the cause first. All lengths are pixels.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from service_down.fixtures.stack.model import Model
from service_down.fixtures.text import single_line
from service_down.reports.html.layout import Box, Link, Point, layered_layout
from service_down.reports.verdict import Verdict

NODE_WIDTH_PX, NODE_HEIGHT_PX = 214, 46
COLUMN_GAP_PX, ROW_GAP_PX = 66, 16
PADDING_PX = 10  # around the whole map
ICON_PX, EXTERNAL_NODE_CURVE_PX, MARGIN_PX = 34, 4, 8  # parts of a node's width without text
NAME_LETTER_PX, STATUS_LETTER_PX = 14 * 0.7, 12 * 0.63  # average letter of a node's first line (bold) and second line
LETTER_WIDTHS = (("iljtfI.,:;|'!()[] -", 0.65), ("mwMWQGO@%", 1.4))  # in average letters; all others are 1
FIRST_NON_LATIN, NON_LATIN_WIDTH = "\u0250", 1.9
ARROW_GAP_PX = 3.0  # between the point of an arrow and its node
MAX_EDGES = 400  # more can neither be laid out in a second nor be read
MAX_DESCRIBED_NAMES = 12  # of each state, in the text for screen readers
_STATE_OF_OUTCOME = {"failed": "down", "unknown": "unknown", "warned": "ok", "passed": "ok"}
_OUTCOMES = ("failed", "unknown", "warned", "passed")  # the worst first


@dataclass(frozen=True)
class Node:
    """A service or external system in the map."""

    name: str
    label: str
    status: str  # the second line
    state: str
    is_cause: bool
    external: bool
    x: float
    y: float


@dataclass(frozen=True)
class Edge:
    """A line from a service to one that needs it."""

    path: str
    carries_failure: bool  # the left end is not fine and the right end is blocked


@dataclass(frozen=True)
class DependencyMap:
    """All that the map's template draws."""

    width: float
    height: float
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    description: str
    omitted_services: int = 0  # services without trouble that were left out because of MAX_EDGES


@dataclass(frozen=True)
class _Status:
    state: str
    reason: str


def build_dependency_map(
    verdict: Verdict, model: Model, uses: Mapping[str, frozenset[str]], externals: Iterable[str] = ()
) -> DependencyMap | None:
    """Return the map of the services and external systems with their states; None when there are none."""
    statuses = {service.name: _Status(service.state, service.why) for service in verdict.services}
    external_names = {*externals, *(name for used in uses.values() for name in used)} - set(statuses)
    statuses |= {name: _external_status(name, verdict) for name in external_names}
    if not statuses:
        return None
    troubled = {name for name, status in statuses.items() if status.state not in ("ok", "unknown")}
    names, links = _limit_edges(sorted(statuses), _links(model, uses, set(statuses)), troubled)
    layout = layered_layout(names, links, Box(NODE_WIDTH_PX, NODE_HEIGHT_PX, COLUMN_GAP_PX, ROW_GAP_PX))
    causes = {name for cause in verdict.causes for name in (cause.service, *cause.shares)}
    nodes = tuple(
        _node(name, statuses[name], name in causes, name in external_names, layout.corners[name]) for name in names
    )
    edges = (
        Edge(
            _edge_path(layout.corners[needed], layout.bends.get((needed, dependent), ()), layout.corners[dependent]),
            _carries_failure(statuses[needed], statuses[dependent]),
        )
        for needed, dependent in links
    )
    return DependencyMap(
        width=max(node.x for node in nodes) + NODE_WIDTH_PX + PADDING_PX,
        height=max(node.y for node in nodes) + NODE_HEIGHT_PX + PADDING_PX,
        nodes=nodes,
        edges=tuple(sorted(edges, key=lambda edge: edge.carries_failure)),  # those with a failure are drawn on top
        description=_description(nodes),
        omitted_services=len(statuses) - len(names),
    )


def _links(model: Model, uses: Mapping[str, frozenset[str]], names: set[str]) -> list[Link]:
    """Return the links between `names`: what is needed first, sorted by what needs it."""
    pairs = {(needed, service.name) for service in model.services for needed in service.depends_on}
    pairs |= {(needed, name) for name, used in uses.items() for needed in used}
    known = (pair for pair in pairs if pair[0] != pair[1] and names.issuperset(pair))
    return sorted(known, key=lambda pair: (pair[1], pair[0]))


def _limit_edges(names: list[str], links: list[Link], troubled: set[str]) -> tuple[list[str], list[Link]]:
    """Return the names and links to draw.

    These are all, or the troubled services with their neighbours, or the troubled services alone, whichever has at
    most MAX_EDGES links; else the troubled services without links.
    """
    if len(links) <= MAX_EDGES:
        return names, links
    neighbours = {name for link in links if troubled & set(link) for name in link}
    for kept in (troubled | neighbours, troubled):
        kept_links = [link for link in links if kept.issuperset(link)]
        if kept and len(kept_links) <= MAX_EDGES:
            return sorted(kept), kept_links
    return sorted(troubled) or names, []


def _external_status(name: str, verdict: Verdict) -> _Status:
    """Return the state of an external system, from the worst outcome of its checks."""
    outcomes = {check.outcome for check in verdict.checks if check.service == name}
    worst = next((outcome for outcome in _OUTCOMES if outcome in outcomes), "unknown")
    code = next((cause.code for cause in verdict.causes if cause.service == name), "external")
    return _Status(_STATE_OF_OUTCOME[worst], code if worst == "failed" else "external")


def _carries_failure(needed: _Status, dependent: _Status) -> bool:
    return dependent.state == "blocked" and needed.state in ("down", "blocked", "degraded")


def _node(name: str, status: _Status, is_cause: bool, external: bool, corner: Point) -> Node:
    if status.state in ("ok", "blocked", "unknown") or not status.reason:
        text = "external, ok" if external and status.state == "ok" else status.state
    else:
        text = f"{status.state}: {status.reason}"
    width = NODE_WIDTH_PX - ICON_PX - MARGIN_PX - (EXTERNAL_NODE_CURVE_PX if external else 0)
    return Node(
        name=name,
        label=_truncate(single_line(name), width, NAME_LETTER_PX),
        status=_truncate(single_line(text), width, STATUS_LETTER_PX),
        state=status.state,
        is_cause=is_cause,
        external=external,
        x=corner[0] + PADDING_PX,
        y=corner[1] + PADDING_PX,
    )


def _truncate(text: str, width: float, letter_px: float) -> str:
    """Return as much of `text` as fits into `width` pixels, by an estimate."""
    used = 0.0
    for index, letter in enumerate(text):
        default_factor = 1.0 if letter < FIRST_NON_LATIN else NON_LATIN_WIDTH
        used += letter_px * next((factor for letters, factor in LETTER_WIDTHS if letter in letters), default_factor)
        if used > width:
            return text[: max(index - 1, 1)] + "…"
    return text


def _edge_path(needed: Point, bends: Sequence[Point], dependent: Point) -> str:
    """Return an SVG path from one node through the bends to the other: from right to left if it closes a cycle."""
    direction = 1 if needed[0] < dependent[0] else -1
    half_width = direction * NODE_WIDTH_PX / 2
    begin, end = ((x + NODE_WIDTH_PX / 2, y + NODE_HEIGHT_PX / 2) for x, y in (needed, dependent))
    points = [(begin[0] + half_width, begin[1])]
    for x, y in bends:
        points += [(x - half_width, y), (x + half_width, y)]
    points.append((end[0] - half_width - direction * ARROW_GAP_PX, end[1]))
    points = [(x + PADDING_PX, y + PADDING_PX) for x, y in points]
    path = f"M{points[0][0]:.0f} {points[0][1]:.0f}"
    for (x, y), (to_x, to_y) in itertools.pairwise(points):
        half = (to_x - x) / 2
        path += f"C{x + half:.0f} {y:.0f} {to_x - half:.0f} {to_y:.0f} {to_x:.0f} {to_y:.0f}"
    return path


def _description(nodes: Sequence[Node]) -> str:
    """Return the map as text, for screen readers."""
    parts = []
    for state in ("down", "degraded", "blocked", "unknown", "ok"):
        names = [single_line(node.name) for node in nodes if node.state == state]
        if names and state == "ok":
            parts.append(f"{len(names)} ok")
        elif names:
            more = len(names) - MAX_DESCRIBED_NAMES
            parts.append(
                f"{state}: {', '.join(names[:MAX_DESCRIBED_NAMES])}" + (f" and {more} more" if more > 0 else "")
            )
    return f"{len(nodes)} services and external systems; " + "; ".join(parts)

"""The dependency map: services and external systems in layers, what is needed left of what needs it; pure.

So a failure spreads from left to right, and its cause is what a narrow screen shows first.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from service_down.fixtures.stack.model import Model
from service_down.reports.html.layout import Box, Point, layered
from service_down.reports.text import single_line
from service_down.reports.verdict import Verdict

WIDE, HIGH = 214, 46  # of a node
ACROSS, DOWN = 66, 16  # between nodes
EDGE = 10  # around everything
ICON, ROUND, MARGIN = 34, 4, 8  # pixels that text leaves free in a node
NAME, TOLD = 14 * 0.7, 12 * 0.63  # pixels of a usual letter in its two lines; the first is bold
WIDTHS = (("iljtfI.,:;|'!()[] -", 0.65), ("mwMWQGO@%", 1.4))  # of letters, against a usual one
MOST_NEEDS = 400  # lines in one picture
TIP = 3.0  # pixels that an arrow's point keeps from its box
_STATE_OF = {"failed": "down", "unknown": "unknown", "warned": "ok", "passed": "ok"}
_WORST = ("failed", "unknown", "warned", "passed")


@dataclass(frozen=True)
class Node:
    """A service or external system in the map."""

    name: str
    label: str
    told: str  # the second line
    state: str
    cause: bool
    external: bool
    x: float
    y: float


@dataclass(frozen=True)
class Edge:
    """A line from what is needed to the service that needs it; `hot` where a failure came along it."""

    path: str
    hot: bool


@dataclass(frozen=True)
class Map:
    """The whole picture, in pixels."""

    width: float
    height: float
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    described: str
    left_out: int = 0  # fine services that would have made it too big


def draw_map(
    verdict: Verdict, model: Model, uses: Mapping[str, frozenset[str]], externals: Iterable[str] = ()
) -> Map | None:
    """The map of the model and the external systems in their present state; None where there is nothing to draw."""
    states: dict[str, tuple[str, str]] = {one.name: (one.state, one.why) for one in verdict.services}
    externals = sorted({*externals, *(name for others in uses.values() for name in others)} - set(states))
    states |= {name: _external_state(name, verdict) for name in externals}
    names = sorted(states)
    if not names:
        return None
    every = len(names)
    troubled = {name for name, (state, _) in states.items() if state not in ("ok", "unknown")}
    names, needs = _manageable(names, _needs(model, uses, set(names)), troubled)
    layout = layered(names, [(b, a) for a, b in needs], Box(WIDE, HIGH, ACROSS, DOWN))
    causes = {one.service for one in verdict.causes}
    causes |= {name for one in verdict.causes for name in one.shares}
    nodes = tuple(_node(name, states[name], name in causes, name in externals, layout.corners[name]) for name in names)
    edges = tuple(
        Edge(_path(layout.corners[b], layout.bends.get((b, a), ()), layout.corners[a]), _hot(states[a], states[b]))
        for a, b in needs
    )
    return Map(
        width=max(one.x for one in nodes) + WIDE + EDGE,
        height=max(one.y for one in nodes) + HIGH + EDGE,
        nodes=nodes,
        edges=tuple(sorted(edges, key=lambda one: one.hot)),  # hot ones on top
        described=_described(nodes),
        left_out=every - len(names),
    )


def _manageable(
    names: list[str], needs: list[tuple[str, str]], troubled: set[str]
) -> tuple[list[str], list[tuple[str, str]]]:
    """What can be laid out in a second and read: all, else what is not fine, with its neighbours or alone."""
    if len(needs) <= MOST_NEEDS:
        return names, needs
    near = troubled | {end for link in needs if troubled & set(link) for end in link}
    for kept in (near, troubled):
        among = [(a, b) for a, b in needs if a in kept and b in kept]
        if kept and len(among) <= MOST_NEEDS:
            return sorted(kept), among
    return sorted(troubled) or names, []


def _external_state(name: str, verdict: Verdict) -> tuple[str, str]:
    outcomes = {one.outcome for one in verdict.checks if one.service == name}
    code = next((one.code for one in verdict.causes if one.service == name), "external")
    worst = next((one for one in _WORST if one in outcomes), "unknown")
    return _STATE_OF[worst], code if worst == "failed" else "external"


def _needs(model: Model, uses: Mapping[str, frozenset[str]], known: set[str]) -> list[tuple[str, str]]:
    found = {(one.name, other) for one in model.services for other in one.depends_on}
    found |= {(name, other) for name, others in uses.items() for other in others}
    return sorted((a, b) for a, b in found if a != b and a in known and b in known)


def _hot(dependent: tuple[str, str], needed: tuple[str, str]) -> bool:
    return dependent[0] == "blocked" and needed[0] in ("down", "blocked", "degraded")


def _node(name: str, state: tuple[str, str], cause: bool, external: bool, corner: Point) -> Node:
    word, why = state
    told = {"ok": "ok", "blocked": "blocked", "unknown": "unknown"}.get(word, f"{word}: {why}" if why else word)
    if external and word == "ok":
        told = "external, ok"
    x, y = corner
    room = WIDE - ICON - MARGIN - (ROUND if external else 0)
    label, line = _cut(single_line(name), room, NAME), _cut(single_line(told), room, TOLD)
    return Node(name, label, line, word, cause, external, x + EDGE, y + EDGE)


def _cut(text: str, room: float, letter_wide: float) -> str:
    """As much of `text` as surely fits into `room` pixels."""
    used = 0.0
    for index, letter in enumerate(text):
        used += letter_wide * next(
            (width for letters, width in WIDTHS if letter in letters), 1.0 if letter < "\u0250" else 1.9
        )
        if used > room:
            return text[: max(index - 1, 1)] + "…"
    return text


def _path(needed: Point, bends: Sequence[Point], needing: Point) -> str:
    """A curve from the right of one box, past its bends, to the left of another."""
    points = [(needed[0] + WIDE, needed[1] + HIGH / 2)]
    for x, y in bends:
        points += [(x - WIDE / 2, y), (x + WIDE / 2, y)]
    points.append((needing[0] - TIP, needing[1] + HIGH / 2))
    if needing[0] < needed[0]:  # in a circle, one line must run back
        points = [(needed[0], points[0][1]), (needing[0] + WIDE + TIP, points[-1][1])]
    path = f"M{points[0][0] + EDGE:.0f} {points[0][1] + EDGE:.0f}"
    for (x, y), (to_x, to_y) in itertools.pairwise([(x + EDGE, y + EDGE) for x, y in points]):
        half = (to_x - x) / 2
        path += f"C{x + half:.0f} {y:.0f} {to_x - half:.0f} {to_y:.0f} {to_x:.0f} {to_y:.0f}"
    return path


def _described(nodes: Sequence[Node]) -> str:
    """The picture in words, for those who do not see it."""
    parts = []
    for state in ("down", "degraded", "blocked", "unknown", "ok"):
        found = [single_line(one.name) for one in nodes if one.state == state]
        if found and state == "ok":
            parts.append(f"{len(found)} ok")
        elif found:
            parts.append(f"{state}: {', '.join(found[:12])}" + (f" and {len(found) - 12} more" if found[12:] else ""))
    return f"{len(nodes)} services and external systems; " + "; ".join(parts)

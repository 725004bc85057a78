"""The verdict as static HTML on top of pytest-html's page; complete without scripts, everything escaped."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from fixtures.evidence import Observation
from fixtures.signatures import signature_of
from reports.compare import Comparison
from reports.terminal import plain
from reports.verdict import Verdict

if TYPE_CHECKING:
    from jinja2 import Template

LOG_LINES = 100


def title(verdict: Verdict, facts: Mapping[str, Any]) -> str:
    """The page's title: short enough for a browser's tab."""
    from markupsafe import escape

    return str(escape(plain(f"{verdict.word.upper()} · {facts['stack']} · {facts['started'][:16]}Z")))


@cache
def _template() -> Template:
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["plain"] = plain
    return environment.from_string(files("reports").joinpath("verdict.html.j2").read_text(encoding="utf-8"))


def render(
    verdict: Verdict,
    facts: Mapping[str, Any],
    mode: str,
    seen: Mapping[str, Observation],
    compared: Comparison | None = None,
) -> str:
    """The verdict's HTML."""
    logs = {
        name: _marked(seen[f"logs:{name}"])
        for name in (one.name for one in verdict.services if one.state not in ("ok", "unknown"))
        if f"logs:{name}" in seen
    }
    return _template().render(verdict=verdict, run=facts, mode=mode, counts=verdict.counts(), logs=logs)


def _marked(observation: Observation) -> Mapping[str, list[tuple[str, str | None]]]:
    """The lines of each container, with known errors named; why there are none, where there are none."""
    if observation.outcome != "seen":
        return {observation.text: []}
    return {
        container: [(line, signature_of(line)) for line in log["lines"][-LOG_LINES:]]
        for container, log in observation.value.items()
    }

"""The verdict as static HTML on top of pytest-html's page; complete without scripts, everything escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from service_down.fixtures.evidence.observation import Observation, parse_time
from service_down.fixtures.settings.schema import Settings
from service_down.reports.diagnosis.diagnose import DiagnosisContext
from service_down.reports.html.dependency_map import Map, draw_map
from service_down.reports.html.evidence import answers, inspected, instances, logs
from service_down.reports.html.resources import bars
from service_down.reports.html.timeline import draw_timeline
from service_down.reports.text import NO_REASON, ago, single_line
from service_down.reports.verdict import Verdict
from service_down.reports.verdict_file import Comparison, RunInfo

if TYPE_CHECKING:
    from jinja2 import Environment

BEGIN, END = "<!--service-down-->", "<!--/service-down-->"
_SORTED = ("failed", "unknown", "warned", "passed", "skipped")
_STATES = ("down", "blocked", "degraded", "unknown", "ok")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def title(verdict: Verdict, run: RunInfo) -> str:
    """The page's title: short enough for a browser's tab."""
    from markupsafe import escape

    return str(escape(single_line(f"{verdict.word.upper()} · {run.stack} · {run.started[:16]}Z")))


def render(
    verdict: Verdict,
    run: RunInfo,
    mode: str,
    seen: Mapping[str, Observation],
    scene: DiagnosisContext,
    settings: Settings,
    compared: Comparison | None = None,
) -> str:
    """The verdict's HTML, between marks by which `finish` finds it."""
    page = _environment().get_template("page.html.j2")
    drawn, undrawn = _drawn(verdict, scene, settings)
    shown = {one.name for one in drawn.nodes} if drawn else set()
    text = page.render(
        verdict=verdict,
        run=run,
        facts=_facts(run, mode, verdict.counts()),
        notices=_notices(run),
        no_reason=NO_REASON,
        unknown=_by_reason(verdict),
        since=lambda at: _since(at, run),
        map=drawn,
        undrawn=undrawn,
        elsewhere=[one for one in verdict.causes if one.service not in shown],
        moments=draw_timeline(verdict),
        services=sorted(verdict.services, key=lambda one: (_STATES.index(one.state), one.name)),
        instances=instances(scene),
        engine_seen=bool(scene.view),
        bars=bars(seen, settings),
        logs=logs(verdict, seen),
        inspected=inspected(verdict, scene),
        answers=answers(seen),
        checks=sorted(verdict.checks, key=lambda one: (_SORTED.index(one.outcome), one.id)),
        counts=verdict.counts(),
        compared=compared,
    )
    return f"{BEGIN}{text}{END}"


def _drawn(verdict: Verdict, scene: DiagnosisContext, settings: Settings) -> tuple[Map | None, str]:
    """The map, or why there is none: a picture that cannot be drawn must not cost the report."""
    try:
        drawn = draw_map(verdict, scene.model, scene.uses, settings.external)
    except Exception as error:
        return None, f"The map could not be drawn ({type(error).__name__}: {error})."
    return drawn, "No service is known, so there is nothing to draw."


def finish(page: str) -> str:
    """pytest-html's page with ours in front of it: its language, its width on a phone, the verdict first.

    A page that does not look as expected stays as it is: the verdict is in it all the same.
    """
    start, end = page.find(BEGIN), page.find(END)
    body, close = page.find("<body>"), page.rfind("</body>")
    if not 0 <= body < start < end < close:
        return page
    ours = page[start + len(BEGIN) : end]
    head = page[:body].replace("<html>", '<html lang="en">', 1)
    head = head.replace('<meta charset="utf-8"/>', '<meta charset="utf-8"/>' + _META, 1)
    theirs = page[body + len("<body>") : start] + page[end + len(END) : close]
    theirs = re.sub(r'<h1 id="title">(.*?)</h1>', r'<h2 id="title">\1</h2>', theirs, count=1, flags=re.DOTALL)
    theirs = re.sub(r'(<input [^>]*data-test-result="([a-z]+)")', r'\1 aria-label="show \2"', theirs)
    return f"{head}<body>{ours}{_BEFORE}{theirs}{_AFTER}{page[close:]}"


_META = '\n    <meta name="viewport" content="width=device-width, initial-scale=1"/>'
_BEFORE = (
    '<details id="pytest-html"><summary>The same checks as pytest-html\'s table (needs scripts)</summary>'
    '<div class="inner" tabindex="0" role="region" aria-label="pytest-html\'s table, scrollable">'
)
_AFTER = "</div></details>"


@cache
def _environment() -> Environment:
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(lambda name: _text(name)),
    )
    environment.filters |= {"plain": single_line, "readable": lambda text: _CONTROL.sub(" ", text), "moment": _moment}
    environment.globals |= {"style": Markup(_text("style.css")), "script": Markup(_text("script.js"))}
    return environment


def _moment(at: str) -> str:
    """A time as people read it, to the second; the files beside the page have the rest."""
    return single_line(at[:19].replace("T", " "))


def _text(name: str) -> str:
    return files("service_down.reports.html.templates").joinpath(name).read_text(encoding="utf-8")


def _facts(run: RunInfo, mode: str, counts: Mapping[str, int]) -> list[tuple[str, str]]:
    """What the run was, as names and values."""
    incident = [("Incident", run.incident)] if run.incident else []
    return [
        *incident,
        ("Stack", f"{run.stack} (project {run.project})"),
        ("Host", run.host),
        ("Mode", mode),
        ("Time", f"{run.started[:19].replace('T', ' ')} UTC"),
        ("Took", f"{run.seconds:.1f} s"),
        ("Checks", ", ".join(f"{count} {_WORDS.get(name, name)}" for name, count in counts.items() if count)),
    ]


_WORDS = {"unknown": "could not look"}


def _notices(run: RunInfo) -> list[str]:
    """What a reader must know before anything else."""
    told = []
    if run.replayed:
        told.append("Replay of a recording: nothing live was looked at.")
    if run.interrupted:
        told.append("Interrupted: not every check was run.")
    if run.scope:
        told.append(f"Only a part was looked at: {run.scope}")
    return told


def _by_reason(verdict: Verdict) -> list[tuple[str, list[str]]]:
    """The checks that could not look, by the reason why."""
    found: dict[str, list[str]] = {}
    for check, why in verdict.unknown:
        found.setdefault(why, []).append(check)
    return list(found.items())


def _since(at: str, run: RunInfo) -> str:
    begun, now = parse_time(at), parse_time(run.started)
    return f"({ago((now - begun).total_seconds())})" if begun and now else ""

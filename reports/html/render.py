"""The verdict as static HTML on top of pytest-html's page. It is complete without scripts, and all text is escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from service_down.fixtures.evidence.observation import Observations, parse_time
from service_down.fixtures.probes import external
from service_down.fixtures.settings.schema import Settings
from service_down.fixtures.text import harmless, single_line
from service_down.reports.diagnosis.diagnose import DiagnosisContext
from service_down.reports.diagnosis.unlooked import by_reason
from service_down.reports.html.dependency_map import DependencyMap, build_dependency_map
from service_down.reports.html.evidence import answers, inspected, instances, logs
from service_down.reports.html.resources import bars
from service_down.reports.html.timeline import build_timeline_picture
from service_down.reports.text import NO_ESCALATION_REASON, ago
from service_down.reports.verdict import Verdict
from service_down.reports.verdict_file import Comparison, RunInfo

if TYPE_CHECKING:
    from jinja2 import Environment

BEGIN, END = "<!--service-down-->", "<!--/service-down-->"
_OUTCOME_ORDER = ("failed", "unknown", "warned", "passed", "skipped")
_STATE_ORDER = ("down", "blocked", "degraded", "unknown", "ok")
_OUTCOME_TEXTS = {"unknown": "could not look"}  # all others are shown as they are
_VIEWPORT = '\n    <meta name="viewport" content="width=device-width, initial-scale=1"/>'
_TABLE_BEGIN = (
    '<details id="pytest-html"><summary>The same checks as pytest-html\'s table (needs scripts)</summary>'
    '<div class="inner" tabindex="0" role="region" aria-label="pytest-html\'s table, scrollable">'
)
_TABLE_END = "</div></details>"


def title(verdict: Verdict, run: RunInfo) -> str:
    """Return the page's title, short enough for a browser's tab."""
    from markupsafe import escape

    return str(escape(single_line(f"{verdict.word.upper()} · {run.stack} · {run.started[:16]}Z")))


def render(
    verdict: Verdict,
    run: RunInfo,
    mode: str,
    observations: Observations,
    context: DiagnosisContext,
    settings: Settings,
    compared: Comparison | None = None,
) -> str:
    """Return the verdict's HTML between the marks BEGIN and END, by which `finish` finds it."""
    dependency_map, no_map_reason = _dependency_map(verdict, context, settings)
    mapped = {node.name for node in dependency_map.nodes} if dependency_map else set()
    html = (
        _environment()
        .get_template("page.html.j2")
        .render(
            verdict=verdict,
            run=run,
            facts=_facts(run, mode, verdict.counts()),
            notices=_notices(run),
            no_reason=NO_ESCALATION_REASON,
            unknown=by_reason(verdict.unknown),
            since=lambda at: _time_before_run(at, run),
            dependency_map=dependency_map,
            no_map_reason=no_map_reason,
            unmapped_causes=[cause for cause in verdict.causes if cause.service not in mapped],
            timeline=build_timeline_picture(verdict),
            services=sorted(verdict.services, key=lambda service: (_STATE_ORDER.index(service.state), service.name)),
            instances=instances(context),
            engine_answered=context.engine is not None,
            bars=bars(observations, settings),
            logs=logs(verdict, observations),
            inspected=inspected(verdict, context),
            answers=answers(observations),
            checks=sorted(verdict.checks, key=lambda check: (_OUTCOME_ORDER.index(check.outcome), check.id)),
            counts=verdict.counts(),
            compared=compared,
        )
    )
    return f"{BEGIN}{html}{END}"


def _dependency_map(
    verdict: Verdict, context: DiagnosisContext, settings: Settings
) -> tuple[DependencyMap | None, str]:
    """Return the map, or None and the reason. An error while it is built must not cost the report."""
    try:
        dependency_map = build_dependency_map(verdict, context.model, context.uses, settings.all_of(external.TABLE))
    except Exception as error:
        return None, f"The map could not be drawn ({type(error).__name__}: {error})."
    return dependency_map, "No service is known, so there is nothing to draw."


def finish(page: str) -> str:
    """Move the verdict to the beginning of pytest-html's page, and set the page's language and viewport.

    A page without the expected structure is returned unchanged: it contains the verdict all the same.
    """
    start, end = page.find(BEGIN), page.find(END)
    body, close = page.find("<body>"), page.rfind("</body>")
    if not 0 <= body < start < end < close:
        return page
    verdict = page[start + len(BEGIN) : end]
    head = page[:body].replace("<html>", '<html lang="en">', 1)
    head = head.replace('<meta charset="utf-8"/>', '<meta charset="utf-8"/>' + _VIEWPORT, 1)
    table = page[body + len("<body>") : start] + page[end + len(END) : close]
    table = re.sub(r'<h1 id="title">(.*?)</h1>', r'<h2 id="title">\1</h2>', table, count=1, flags=re.DOTALL)
    table = re.sub(r'(<input [^>]*data-test-result="([a-z]+)")', r'\1 aria-label="show \2"', table)
    return f"{head}<body>{verdict}{_TABLE_BEGIN}{table}{_TABLE_END}{page[close:]}"


@cache
def _environment() -> Environment:
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(lambda name: _read_template(name)),
    )
    environment.filters |= {
        "plain": single_line,
        "readable": harmless,
        "short_time": _short_time,
    }
    environment.globals |= {"style": Markup(_read_template("style.css")), "script": Markup(_read_template("script.js"))}
    return environment


def _read_template(name: str) -> str:
    return files("service_down.reports.html.templates").joinpath(name).read_text(encoding="utf-8")


def _short_time(at: str) -> str:
    """Return a time to the second. The files beside the page have the exact time."""
    return single_line(at[:19].replace("T", " "))


def _facts(run: RunInfo, mode: str, counts: Mapping[str, int]) -> list[tuple[str, str]]:
    """Return the run's properties as names and values."""
    incident = [("Incident", run.incident)] if run.incident else []
    checks = (f"{count} {_OUTCOME_TEXTS.get(outcome, outcome)}" for outcome, count in counts.items() if count)
    return [
        *incident,
        ("Stack", f"{run.stack} (project {run.project})"),
        ("Host", run.host),
        ("Mode", mode),
        ("Time", f"{run.started[:19].replace('T', ' ')} UTC"),
        ("Took", f"{run.seconds:.1f} s"),
        ("Checks", ", ".join(checks)),
        *([("Derived", f"{run.derived_counts} (in no settings file)")] if run.derived else []),
    ]


def _notices(run: RunInfo) -> list[str]:
    """Return what limits the verdict: a replay, an interruption, a selection of checks."""
    notices = []
    if run.replayed:
        notices.append("Replay of a recording: nothing live was looked at.")
    if run.interrupted:
        notices.append("Interrupted: not every check was run.")
    if run.scope:
        notices.append(f"Only a part was looked at: {run.scope}")
    return notices


def _time_before_run(at: str, run: RunInfo) -> str:
    """Return how long before the run `at` was, in parentheses; empty when a time is not known."""
    begin, started = parse_time(at), parse_time(run.started)
    return f"({ago((started - begin).total_seconds())})" if begin and started else ""

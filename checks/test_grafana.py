"""The monitoring works again: dashboards load, datasources are healthy, logs and traces arrive (runbook 8)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from service_down.checks.framework.check import VERIFY, AnyTarget, CheckEvidence, ReportFindings, Target, check
from service_down.checks.framework.targets import tool
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.evidence.observation import Observation
from service_down.fixtures.probes.arrival import LOKI_LINE, LOKI_OWN, TEMPO_TRACE
from service_down.fixtures.probes.grafana import DATASOURCES
from service_down.fixtures.settings.schema import Loki, Settings
from service_down.fixtures.stack.model import Model

ONLY = (VERIFY,)


def dashboards(settings: Settings, model: Model) -> Sequence[Target[str]]:
    """Every expected dashboard."""
    told = settings.grafana
    return [Target(uid, told.service, uid, model, settings) for uid in told.dashboards] if told else []


@check(
    "dashboard",
    runbook=("8.dashboards",),
    modes=ONLY,
    over=dashboards,
    asks=lambda target: (f"grafana:dashboard:{target.id}",),
    absent="stack.toml names no dashboards in [grafana]",
)
def test_dashboard(target: Target[str], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """The dashboard exists and loads."""
    report_findings(judge_dashboard(target.service, target.spec, seen[f"grafana:dashboard:{target.id}"]))


def judge_dashboard(service: str, uid: str, seen: Observation) -> list[Finding]:
    """`dashboards-missing`."""
    if seen.outcome == "error":
        what = seen.text
    elif seen.value["status"] == 404:
        what = "Grafana does not know it (404)"
    elif not seen.value["panels"]:
        what = "it has no panels"
    else:
        return []
    return [
        finding("dashboards-missing", service, proof=[Proof(f"dashboard {uid}", what, seen.at)], name=uid, what=what)
    ]


@check(
    "datasources",
    runbook=("8.dashboards",),
    modes=ONLY,
    over=tool("grafana"),
    asks=lambda target: (DATASOURCES,),
    absent="stack.toml has no [grafana]",
)
def test_datasources(target: AnyTarget, seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """Each datasource of Grafana reports that it is healthy."""
    found = judge_datasources(target.service, seen[DATASOURCES], [one.name for one in target.model.services])
    report_findings(found, _left_aside(seen[DATASOURCES]))


def judge_datasources(service: str, seen: Observation, services: Sequence[str]) -> list[Finding]:
    """One `datasource-broken` for each that is not; its URL tells which service it needs."""
    if seen.outcome == "error":
        return [
            finding(
                "datasource-broken",
                service,
                proof=[Proof("datasources", seen.text, seen.at)],
                name="list",
                what=seen.text,
            )
        ]
    if not seen.value:
        what = "Grafana has no datasource at all"
        return [
            finding("datasource-broken", service, proof=[Proof("datasources", "0", seen.at)], name="list", what=what)
        ]
    judged = [one for one in seen.value if not _without_backend(one)]
    return [_broken(service, one, seen.at, services) for one in judged if one.get("http") != 200]


def _without_backend(source: Mapping[str, Any]) -> bool:
    """Whether it is of a kind that only works in the browser, which Grafana cannot ask (grafana#83794).

    The same words with 503 are those of a backend that has crashed.
    """
    unavailable = re.search(r"plugin[ .]unavailable", source.get("message") or "", re.IGNORECASE)
    return unavailable is not None and source.get("http") in (404, 500)


def _left_aside(seen: Observation) -> str:
    sources = seen.value if seen.outcome == "seen" else ()
    names = [f"{one['name']} ({one['type']})" for one in sources if _without_backend(one)]
    return f"not judged, since Grafana itself cannot ask them: {', '.join(names)}" if names else ""


def _broken(service: str, source: Mapping[str, Any], at: str, services: Sequence[str]) -> Finding:
    what = f"{source.get('http', source.get('status'))}: {source['message'][:200]}"
    host = str(source.get("url") or "").partition("//")[2].partition("/")[0].partition(":")[0]
    proof = Proof(f"datasource {source['name']} ({source['url']})", what, at)
    blamed = [host] if host in services else []
    return finding("datasource-broken", service, proof=[proof], name=source["name"], what=what, blamed=blamed)


@check(
    "loki-line",
    runbook=("8.loki",),
    modes=ONLY,
    over=tool("loki"),
    asks=lambda target: (LOKI_LINE,),
    absent="stack.toml has no [loki]",
)
def test_loki_line(target: Target[Loki], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """A line that is pushed comes back from a query."""
    report_findings(judge_arrival("logs-not-arriving", target.service, seen[LOKI_LINE]))


def judge_arrival(code: str, service: str, seen: Observation) -> list[Finding]:
    """What was sent did not come back."""
    if seen.outcome == "seen":
        return []
    url = (seen.value or {}).get("url", service)
    return [
        finding(code, service, proof=[Proof(f"sent to {url}", f"{seen.kind}: {seen.text}", seen.at)], what=seen.text)
    ]


def with_own_logs(settings: Settings, model: Model) -> Sequence[Target[Loki]]:
    """Loki, where the settings say which logs are the stack's own."""
    return [one for one in tool("loki")(settings, model) if one.spec.own_logs]


@check(
    "own-logs",
    runbook=("8.loki",),
    modes=ONLY,
    over=with_own_logs,
    asks=lambda target: (LOKI_OWN,),
    absent="[loki] names no own_logs",
)
def test_own_logs(target: Target[Loki], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """The stack's own logs are recent."""
    report_findings(
        judge_own_logs(target.service, target.spec, seen[LOKI_OWN], target.settings.thresholds.log_age_seconds)
    )


def judge_own_logs(service: str, told: Loki, seen: Observation, limit: float) -> list[Finding]:
    """`logs-not-arriving` when the newest line is too old or there is none."""
    if seen.outcome == "error":
        return judge_arrival("logs-not-arriving", service, seen)
    age = seen.value["age"]
    if age is not None and age <= limit:
        return []
    what = f"no line of {told.own_logs} in the last {limit:g} s" + (
        f"; the newest is {age:.0f} s old" if age is not None else ""
    )
    return [
        finding(
            "logs-not-arriving", service, proof=[Proof(f"newest line of {told.own_logs}", str(age), seen.at)], what=what
        )
    ]


@check(
    "tempo-trace",
    runbook=("8.tempo",),
    modes=ONLY,
    over=tool("tempo"),
    asks=lambda target: (TEMPO_TRACE,),
    absent="stack.toml has no [tempo]",
)
def test_tempo_trace(target: AnyTarget, seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """A trace that is sent comes back by its id."""
    report_findings(judge_arrival("traces-not-arriving", target.service, seen[TEMPO_TRACE]))

"""Grafana works: its dashboards load, and its datasources are healthy (runbook 8)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from service_down.checks.framework.check import VERIFY_ONLY, CheckEvidence, ReportFindings, Target, check
from service_down.checks.framework.targets import entries_of
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.evidence.observation import Observation
from service_down.fixtures.probes.grafana import (
    DASHBOARD,
    DATASOURCES,
    TABLE,
    Dashboard,
    Datasource,
    GrafanaSettings,
)
from service_down.fixtures.settings.schema import Settings
from service_down.fixtures.stack.model import Model


def dashboards(settings: Settings, model: Model) -> Sequence[Target[str]]:
    """Every expected dashboard, by its uid."""
    grafana = settings.only(TABLE)
    return [Target(uid, grafana.service, uid, model, settings) for uid in grafana.dashboards] if grafana else []


@check(
    "dashboard",
    runbook=("8.dashboards",),
    modes=VERIFY_ONLY,
    targets=dashboards,
    judges_errors_of=lambda target: (DASHBOARD.of(target.id),),
    absent="stack.toml names no dashboards in [grafana]",
)
def test_dashboard(target: Target[str], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The dashboard exists and loads."""
    report_findings(judge_dashboard(target.service, target.spec, evidence[DASHBOARD.of(target.id)]))


def judge_dashboard(service: str, uid: str, observation: Observation[Dashboard]) -> list[Finding]:
    """`dashboards-missing`."""
    dashboard = observation.value
    if dashboard is None:
        what = observation.text
    elif dashboard.status == 404:
        what = "Grafana does not know it (404)"
    elif not dashboard.panels:
        what = "it has no panels"
    else:
        return []
    proof = Proof(f"dashboard {uid}", what, observation.at)
    return [finding("dashboards-missing", service, proof=[proof], name=uid, what=what)]


@check(
    "datasources",
    runbook=("8.dashboards",),
    modes=VERIFY_ONLY,
    targets=entries_of(TABLE),
    judges_errors_of=lambda target: (DATASOURCES,),
    absent="stack.toml has no [grafana]",
)
def test_datasources(target: Target[GrafanaSettings], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """Each datasource of Grafana reports that it is healthy."""
    services = [service.name for service in target.model.services]
    found = judge_datasources(target.service, evidence[DATASOURCES], services)
    report_findings(found, _unjudged(evidence[DATASOURCES]))


def judge_datasources(
    service: str, observation: Observation[tuple[Datasource, ...]], services: Sequence[str]
) -> list[Finding]:
    """One `datasource-broken` for each that is not healthy; its URL tells which service it needs."""
    if not observation.value:
        failed = observation.value is None
        what = observation.text if failed else "Grafana has no datasource at all"
        proof = Proof("datasources", what if failed else "0", observation.at)
        return [finding("datasource-broken", service, proof=[proof], name="list", what=what)]
    return [
        _broken(service, source, observation.at, services)
        for source in observation.value
        if source.http_status != 200 and not _has_no_backend(source)
    ]


def _has_no_backend(source: Datasource) -> bool:
    """Whether it is of a kind that only works in the browser, which Grafana cannot ask (grafana#83794).

    The same message with 503 is that of a backend that has crashed.
    """
    unavailable = re.search(r"plugin[ .]unavailable", source.message, re.IGNORECASE)
    return unavailable is not None and source.http_status in (404, 500)


def _unjudged(observation: Observation[tuple[Datasource, ...]]) -> str:
    """The note that names the datasources that are not judged; empty where there are none."""
    names = [f"{source.name} ({source.type})" for source in observation.value or () if _has_no_backend(source)]
    return f"not judged, since Grafana itself cannot ask them: {', '.join(names)}" if names else ""


def _broken(service: str, source: Datasource, at: str, services: Sequence[str]) -> Finding:
    status = source.error_kind if source.http_status is None else source.http_status
    what = f"{status}: {source.message[:200]}"
    host = (source.url or "").partition("//")[2].partition("/")[0].partition(":")[0]
    proof = Proof(f"datasource {source.name} ({source.url})", what, at)
    blamed = [host] if host in services else []
    return finding("datasource-broken", service, proof=[proof], name=source.name, what=what, blamed=blamed)

"""The diagnosis context, from the run's settings, model and observations; pure."""

from __future__ import annotations

from datetime import datetime

from service_down.fixtures.engines.registry import ENGINE
from service_down.fixtures.evidence.observation import Observations
from service_down.fixtures.probes import external
from service_down.fixtures.settings.schema import Settings
from service_down.fixtures.stack.alert import Alert, service_names
from service_down.fixtures.stack.containers import service_of
from service_down.fixtures.stack.model import Model
from service_down.reports.diagnosis.diagnose import DiagnosisContext


def diagnosis_context_from(
    *,
    settings: Settings,
    model: Model,
    observations: Observations,
    compose: str,
    project: str | None,
    now: datetime,
    alert: Alert | None,
    breach: bool = False,
    recovering: bool = False,
    only_set_up: bool = False,
) -> DiagnosisContext:
    """The context of one run's diagnosis."""
    engine = observations.value(ENGINE)
    aliases = {service.name: service.aliases for service in model.services}
    containers = {
        service_of(container, aliases): container.name
        for container in reversed(engine.containers if engine else ())  # so that a service's first container stays
    }
    uses: dict[str, set[str]] = {}
    for name, entry in settings.all_of(external.TABLE).items():
        for service in entry.used_by:
            uses.setdefault(service, set()).add(name)
    return DiagnosisContext(
        model=model,
        uses={name: frozenset(others) for name, others in uses.items()},
        containers={name: container for name, container in containers.items() if name},
        compose=compose,
        project=(engine.project if engine and engine.project != "?" else None) or project or "?",
        now=now,
        not_critical_services=settings.not_critical_services(),
        engine=engine,
        alert=alert,
        breach=breach,
        recovering=recovering,
        only_set_up=only_set_up,
        alert_service=alert.service(settings, model, service_names(engine, model)) if alert else None,
    )

"""The diagnosis context, from the run's settings, model and observations; pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from service_down.fixtures.evidence.observation import Observation
from service_down.fixtures.probes.engine import service_name
from service_down.fixtures.settings.schema import Settings
from service_down.fixtures.stack.alert import Alert, known_names
from service_down.fixtures.stack.model import Model
from service_down.reports.diagnosis.diagnose import DiagnosisContext


def diagnosis_context_from(
    *,
    settings: Settings,
    model: Model,
    observations: Mapping[str, Observation],
    compose: str,
    project: str | None,
    now: datetime,
    alert: Alert | None,
    breach: bool = False,
    recovering: bool = False,
) -> DiagnosisContext:
    """The context of one run's diagnosis."""
    engine = observations.get("engine")
    view = (engine.value if engine is not None and engine.outcome == "seen" else None) or {}
    aliases = {service.name: service.aliases for service in model.services}
    containers = {
        service_name(container, aliases): container["Name"].lstrip("/")
        for container in reversed(view.get("containers", []))  # reversed, so that a service's first container stays
    }
    uses: dict[str, set[str]] = {}
    for name, external in settings.external.items():
        for service in external.used_by:
            uses.setdefault(service, set()).add(name)
    return DiagnosisContext(
        model=model,
        uses={name: frozenset(others) for name, others in uses.items()},
        containers={name: container for name, container in containers.items() if name},
        compose=compose,
        project=view.get("project") or project or "?",
        now=now,
        minor=settings.minor_services(),
        view=view,
        alert=alert,
        breach=breach,
        recovering=recovering,
        alert_service=alert.service(settings, model, known_names(view, model)) if alert else None,
    )

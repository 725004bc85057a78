"""How much a finding counts: on a service that is not critical, and beside what others say; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from service_down.fixtures.catalog.finding import Finding
from service_down.fixtures.stack.model import Model
from service_down.reports.diagnosis.explain import FUNCTION_LAYER, layer

HANGS = {"endpoint-timeout", "healthcheck-failing"}  # what a query that waits for a lock looks like from outside


def weighed(found: Finding, model: Model, not_critical: frozenset[str]) -> Finding:
    """On a service that is not critical, `critical` counts as `error`; also on one of another project."""
    service = model.service(found.service)
    minor = found.service in not_critical if service is None else not service.critical
    return replace(found, severity="error") if found.severity == "critical" and minor else found


def beside_others(found: Finding, findings: Sequence[Finding], model: Model) -> Finding:
    """A warning that counts for more beside another signal.

    What others wait for before they start, or in their queries, is their cause; errors about a peer that has failed
    only follow from it.
    """
    if found.facts.get("locks"):
        needing = (one.service for one in findings if _is_bad(one) and one.code in HANGS)
        return replace(found, severity="error") if any(_needs(model, one, found.service) for one in needing) else found
    if found.code == "peer-errors" and any(one.service in found.blamed and _is_bad(one) for one in findings):
        return replace(found, severity="error")
    if found.code != "healthcheck-starting" or found.severity != "warning":
        return found
    waiting = (model.service(one.service) for one in findings if one.code == "dependency-blocked")
    waited_for = any(one is not None and found.service in one.depends_on for one in waiting)
    return replace(found, severity="error") if waited_for else found


def _needs(model: Model, service: str, other: str) -> bool:
    return service != other and other in model.needed_by([service])


def _is_bad(found: Finding) -> bool:
    return found.severity != "warning" and layer(found) < FUNCTION_LAYER

"""Adjusts severities: lower on a service that is not critical, higher beside another service's finding; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from service_down.fixtures.catalog.finding import FUNCTION_LAYER, Finding, RaisedBy, catalogue
from service_down.fixtures.stack.model import Model


def with_service_severity(finding: Finding, model: Model, not_critical: frozenset[str]) -> Finding:
    """The finding with `critical` lowered to `error` where its service is not critical.

    `not_critical` names the services of other projects that are not critical.
    """
    service = model.service(finding.service)
    minor = finding.service in not_critical if service is None else not service.critical
    return replace(finding, severity="error") if finding.severity == "critical" and minor else finding


def with_raised_severity(finding: Finding, findings: Sequence[Finding], model: Model) -> Finding:
    """The finding as an error where it is a warning and one of `findings` raises it, as its code's `raised_by` says."""
    rule = catalogue()[finding.code].raised_by
    if rule is None or finding.severity != "warning":
        return finding
    raised = any(_raises(other, finding, rule, model) for other in findings)
    return replace(finding, severity="error") if raised else finding


def _raises(other: Finding, warning: Finding, rule: RaisedBy, model: Model) -> bool:
    if rule.lock_held and not warning.lock_held:
        return False
    if rule.codes and other.code not in rule.codes:
        return False
    if other.severity == "warning" or catalogue()[other.code].layer >= FUNCTION_LAYER:
        return False
    if rule.relation == "blamed":
        return other.service in warning.blamed
    if rule.relation == "needs":
        return other.service != warning.service and warning.service in model.needed_by([other.service])
    service = model.service(other.service)
    return service is not None and warning.service in service.depends_on

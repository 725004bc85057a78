"""What makes the next incident likely or long: healthchecks, restarts, images, replicas, backups (runbook 11)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import pytest

from service_down.checks.framework.check import (
    PREVENT_ONLY,
    AnyKey,
    AnyTarget,
    CheckEvidence,
    ReportFindings,
    Target,
    check,
    engine_key,
)
from service_down.checks.framework.targets import long_running
from service_down.checks.judges.set_up import Instance, known_instances, set_up_of, technology_of
from service_down.checks.test_healthcheck import CANNOT_RUN, CANNOT_RUN_EXITS
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.derive.technologies import Technology
from service_down.fixtures.engines import field_names
from service_down.fixtures.engines.registry import ENGINE
from service_down.fixtures.evidence.observation import CannotCheck
from service_down.fixtures.probes import backup
from service_down.fixtures.probes.prevent import SET_UP, SetUp
from service_down.fixtures.settings.schema import Settings
from service_down.fixtures.stack.containers import Container
from service_down.fixtures.stack.model import Model, Service

MANY_USERS = 3  # services that depend on one, from which on a single replica is told
NO_RESTART = ("no", "none", "")  # Compose's and Docker's words
MAX_WHAT_CHARACTERS = 200


def long_running_services(settings: Settings, model: Model) -> Sequence[Target[Service]]:
    """Every service that is to keep running, without those that only watch others."""
    return [target for target in long_running(settings, model) if not target.spec.monitoring]


def set_up_key(target: AnyTarget) -> Sequence[AnyKey]:
    """The probe that tells how services are set up."""
    return (SET_UP,)


@check(
    "healthcheck-present",
    runbook=("11.health-checks",),
    modes=PREVENT_ONLY,
    targets=long_running_services,
    requires=set_up_key,
    uses=engine_key,
    only_warns=True,
)
def test_healthcheck_present(target: Target[Service], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The service has a healthcheck."""
    known = technology_of(set_up_of(target, evidence))
    found = known_instances(target, evidence)
    if all(instance.healthcheck is None for instance in found):
        pytest.skip("not known: the compose file has no healthcheck, and only its image could tell of another")
    report_findings(judge_healthcheck(target.spec, found, known))


def judge_healthcheck(service: Service, found: Iterable[Instance], known: Technology) -> list[Finding]:
    """The warning `healthcheck-missing`."""
    for instance in found:
        if instance.healthcheck is False:
            proof = [Proof(f"{instance.where} healthcheck", "none")]
            facts = {"container": instance.where}
            facts |= {"command": known.healthcheck or "a command that fails when it does not work"}
            return [finding("healthcheck-missing", service.name, proof=proof, facts=facts)]
    return []


@check(
    "healthcheck-tool",
    runbook=("11.health-checks",),
    modes=PREVENT_ONLY,
    targets=long_running,
    requires=engine_key,
    only_warns=True,
)
def test_healthcheck_tool(target: Target[Service], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The healthcheck's command can run in the image, as its recorded runs tell."""
    state = evidence.required(ENGINE)
    report_findings(judge_tool(target.spec, state.containers_of(target.spec.name, target.spec.aliases)))


def judge_tool(service: Service, containers: Iterable[Container]) -> list[Finding]:
    """The warning `healthcheck-tool-missing`, by the newest run of each healthcheck."""
    for container in containers:
        for run in (container.health.runs if container.health else ())[-1:]:
            lines = [line.strip() for line in run.output.splitlines() if line.strip()]
            reason = next((line for line in lines if CANNOT_RUN.search(line)), "")
            if reason or run.exit_code in CANNOT_RUN_EXITS:
                what = (reason or (lines[-1] if lines else f"exit code {run.exit_code}"))[:MAX_WHAT_CHARACTERS]
                proof = [Proof(f"{container.name} healthcheck exit code", str(run.exit_code), run.end)]
                facts = {"container": container.name, "what": what}
                return [finding("healthcheck-tool-missing", service.name, proof=proof, facts=facts)]
    return []


@check(
    "restart-policy",
    runbook=("11.recovery",),
    modes=PREVENT_ONLY,
    targets=long_running,
    requires=set_up_key,
    uses=engine_key,
    only_warns=True,
)
def test_restart_policy(target: Target[Service], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """A service that is to keep running is restarted when it ends."""
    report_findings(judge_restart(target.spec, known_instances(target, evidence)))


def judge_restart(service: Service, found: Iterable[Instance]) -> list[Finding]:
    """The warning `restart-policy-missing`."""
    for instance in found:
        if instance.restart in NO_RESTART:
            policy = instance.restart or "no"
            proof = [Proof(f"{instance.where} {field_names.RESTART_POLICY}", policy)]
            return [finding("restart-policy-missing", service.name, proof=proof, policy=policy)]
    return []


@check(
    "image-pinned",
    runbook=("11.recovery",),
    modes=PREVENT_ONLY,
    targets=long_running,
    requires=set_up_key,
    uses=engine_key,
    only_warns=True,
)
def test_image_pinned(target: Target[Service], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The image's name says which version it is."""
    state = evidence.value(ENGINE)
    report_findings(judge_image(target.spec, known_instances(target, evidence), state.project if state else ""))


def judge_image(service: Service, found: Iterable[Instance], project: str) -> list[Finding]:
    """The warning `image-not-pinned`, not for an image that Compose builds and names after project and service."""
    for instance in found:
        image = instance.image or ""
        name, _, tag = image.rpartition("/")[2].partition(":")
        is_built = image in (f"{project}-{service.name}", f"{project}_{service.name}")
        if not name or "@" in image or re.fullmatch(r"[0-9a-f]{12,64}", image) or image.startswith("sha256:"):
            continue
        if not is_built and tag in ("", "latest"):
            what = "is whatever was newest when it was pulled" if tag else "has no tag, which means `latest`"
            proof = [Proof(f"{instance.where} image", image)]
            return [finding("image-not-pinned", service.name, proof=proof, image=image, what=what)]
    return []


def needed_services(settings: Settings, model: Model) -> Sequence[Target[Service]]:
    """Every service of which the number of replicas is known and that another one needs."""
    if model.source == "settings":
        return []
    return [target for target in long_running_services(settings, model) if users_of(target.spec, model)]


def users_of(service: Service, model: Model) -> list[str]:
    """The services that are to keep running and depend on this one."""
    return [
        other.name
        for other in model.services
        if service.name in other.depends_on and other.replicas and not (other.one_shot or other.monitoring)
    ]


@check(
    "replicas",
    runbook=("11.redundancy",),
    modes=PREVENT_ONLY,
    targets=needed_services,
    requires=set_up_key,
    absent="no service is known to depend on another one",
    only_warns=True,
)
def test_replicas(target: Target[Service], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """What many need does not hang on one container."""
    users = users_of(target.spec, target.model)
    report_findings(judge_replicas(target.spec, users, set_up_of(target, evidence)))


def judge_replicas(service: Service, users: Sequence[str], set_up: SetUp) -> list[Finding]:
    """The warning `single-replica`."""
    if service.replicas != 1 or len(users) < MANY_USERS:
        return []
    if technology_of(set_up).holds:
        how = f"two containers would not share their data: use the replication of {set_up.technology} itself"
    else:
        obstacles = ["its container_name"] if set_up.has_container_name else []
        obstacles += ["its fixed port of the machine"] if service.ports else []
        without = f", without {' and '.join(obstacles)}" if obstacles else ""
        how = f"deploy: {{replicas: 2}}{without}, if it keeps no data of its own"
    proof = [Proof(f"replicas of {service.name}", "1"), Proof("services that depend on it", ", ".join(users))]
    facts = {"count": str(len(users)), "users": ", ".join(users), "how": how}
    return [finding("single-replica", service.name, proof=proof, facts=facts)]


@check(
    "backup-present",
    runbook=("11.recovery",),
    modes=PREVENT_ONLY,
    targets=long_running,
    requires=set_up_key,
    only_warns=True,
)
def test_backup_present(target: Target[Service], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """A service that holds data has a backup that this suite can see."""
    settings = target.settings.all_of(backup.TABLE)
    if target.model.source == "settings":
        raise CannotCheck(f"it is not known which services make backups: {target.model.problem}")
    report_findings(judge_backups(target.spec, evidence.required(SET_UP), bool(settings)))


def judge_backups(service: Service, set_ups: Mapping[str, SetUp], has_settings: bool) -> list[Finding]:
    """The warning `backup-not-seen`. A service is known to make backups by its image, its command or its name."""
    own = set_ups.get(service.name, SetUp())
    makers = {name for name, set_up in set_ups.items() if technology_of(set_up).backs_up or "backup" in name.lower()}
    if technology_of(own).holds != "data" or has_settings or makers:
        return []
    proof = [Proof("[backup.*] in the settings", "none"), Proof("services that are known to make backups", "none")]
    return [finding("backup-not-seen", service.name, proof=proof, technology=own.technology)]

"""What the stack shows to others: published ports and secrets in variables; and ports claimed twice (runbook 11)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from service_down.checks.framework.check import (
    PREVENT_ONLY,
    CheckEvidence,
    ReportFindings,
    Target,
    check,
    engine_key,
)
from service_down.checks.framework.targets import long_running, services, stack
from service_down.checks.judges.set_up import Instance, known_instances, set_up_of, technology_of
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.probes.prevent import SET_UP, SetUp
from service_down.fixtures.settings.schema import Settings
from service_down.fixtures.stack.model import Model, PublishedPort, Service

EVERY_ADDRESS = ("", "0.0.0.0", "::", "[::]")


@check(
    "ports-open",
    runbook=("11.resources",),
    modes=PREVENT_ONLY,
    targets=long_running,
    requires=lambda target: (SET_UP,),
    uses=engine_key,
    only_warns=True,
)
def test_ports_open(target: Target[Service], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """No store is published on every address of the machine."""
    found, set_up = known_instances(target, evidence), set_up_of(target, evidence)
    opened = open_ports(found)
    findings = judge_ports(target.spec, opened, set_up)
    texts = ", ".join(map(_port_text, opened))
    report_findings(findings, f"published on every address: {texts}" if opened and not findings else "")


def open_ports(found: Iterable[Instance]) -> list[PublishedPort]:
    """The ports of a service that every address of the machine publishes, each once."""
    ports = (port for instance in found for port in instance.ports if port.host_ip in EVERY_ADDRESS)
    return list({(port.host_port, port.container_port): port for port in ports}.values())


def judge_ports(service: Service, opened: Sequence[PublishedPort], set_up: SetUp) -> list[Finding]:
    """The warning `store-port-open`; what is no store may be meant for everybody."""
    if not opened or not technology_of(set_up).holds:
        return []
    proof = [Proof("published port", _port_text(port)) for port in opened]
    facts = {"technology": set_up.technology, "ports": ", ".join(map(_port_text, opened))}
    facts |= {"port": str(opened[0].host_port), "inside": str(opened[0].container_port)}
    return [finding("store-port-open", service.name, proof=proof, facts=facts)]


def _port_text(port: PublishedPort) -> str:
    return f"{port.host_ip or '0.0.0.0'}:{port.host_port} -> {port.container_port}"


@check(
    "secrets-in-environment",
    runbook=("11.resources",),
    modes=PREVENT_ONLY,
    targets=services,
    requires=lambda target: (SET_UP,),
    only_warns=True,
)
def test_secrets_in_environment(
    target: Target[Service], evidence: CheckEvidence, report_findings: ReportFindings
) -> None:
    """No secret stands in a variable of the container."""
    report_findings(judge_variables(target.spec, set_up_of(target, evidence)))


def judge_variables(service: Service, set_up: SetUp) -> list[Finding]:
    """The warning `secret-in-environment`, with the names of the variables."""
    names = set_up.variables
    if not names:
        return []
    files = technology_of(set_up).secret_files if set_up.own_image else {}
    read = [files[name] for name in names if name in files]
    how = "mount it as a file (`secrets:`), and let the program read it there"
    if read:
        how = f"{', '.join(read)}: /run/secrets/NAME, which its image reads, with NAME in `secrets:`"
    proof = [Proof("variables with a secret", ", ".join(names))]
    return [finding("secret-in-environment", service.name, proof=proof, names=", ".join(names), how=how)]


def stack_with_file(settings: Settings, model: Model) -> Sequence[Target[None]]:
    """The stack as a whole, where a compose file tells its ports."""
    return stack(settings, model) if model.source == "compose" else []


@check(
    "ports-claimed-once",
    runbook=("11.recovery",),
    modes=PREVENT_ONLY,
    targets=stack_with_file,
    absent="no compose file tells the ports",
    only_warns=True,
)
def test_ports_claimed_once(target: Target[None], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """No two services of the compose file publish the same port."""
    report_findings(judge_claims(target.model.services))


def judge_claims(declared: Iterable[Service]) -> list[Finding]:
    """A warning `port-claimed-twice` for each port that two containers would publish."""
    claims = [(service, port) for service in declared if service.replicas for port in service.ports]
    pairs = [*_of_two_services(claims), *_of_replicas(claims)]
    return [
        finding(
            "port-claimed-twice",
            service,
            proof=[Proof(f"ports of {service}", str(port)), Proof(f"ports of {other}", str(port))],
            port=port,
            other=other,
        )
        for (service, port), other in dict(pairs).items()
    ]


Claims = Sequence[tuple[Service, PublishedPort]]


def _of_two_services(claims: Claims) -> Iterator[tuple[tuple[str, int], str]]:
    for (service, port), (other, another) in combinations(claims, 2):
        same = port.host_port == another.host_port and service.name != other.name
        if same and (port.host_ip == another.host_ip or {port.host_ip, another.host_ip} & set(EVERY_ADDRESS)):
            yield (other.name, port.host_port), service.name


def _of_replicas(claims: Claims) -> Iterator[tuple[tuple[str, int], str]]:
    for service, port in claims:
        if service.replicas > 1:
            yield (service.name, port.host_port), f"each of its {service.replicas} replicas"

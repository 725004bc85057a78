"""The published ports: who listens on them (runbook 4, 5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from service_down.checks.framework.check import CheckEvidence, ReportFindings, Target, check, engine_key
from service_down.checks.framework.targets import ports
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.engines.registry import ENGINE
from service_down.fixtures.evidence.observation import CannotCheck, Observation
from service_down.fixtures.probes.ports import SOCKETS, ListeningSocket
from service_down.fixtures.stack.build_model import published_ports
from service_down.fixtures.stack.containers import Container, EngineState, PortBinding
from service_down.fixtures.stack.model import PublishedPort, Service

# They listen for containers: only the engine knows which container has such a port.
FORWARDERS = ("docker-proxy", "rootlesskit", "rootlessport", "vpnkit", "slirp4netns", "com.docker.")
ALL_ADDRESSES = {"0.0.0.0", "::", "*", ""}
HEXADECIMAL_LENGTHS = (8, 32)  # of an IPv4 and an IPv6 address in /proc/net


@check(
    "port",
    runbook=("4.netstat", "5.port-conflict"),
    targets=ports,
    requires=engine_key,
    uses=lambda target: (SOCKETS,),
    absent="the stack publishes no port",
)
def test_port(target: Target[PublishedPort], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """No other program or container holds a published port of this stack."""
    service = target.model.service(target.service) or Service(target.service)
    report_findings(judge_port(service, target.spec, evidence.required(ENGINE), evidence[SOCKETS]))


def judge_port(
    service: Service,
    port: PublishedPort,
    engine: EngineState,
    sockets: Observation[tuple[ListeningSocket, ...]],
) -> list[Finding]:
    """`port-conflict` when another program or container holds the port that the service waits for.

    The container check reports a port that nobody holds, and everything else that a running container lacks. The
    engine's containers are judged before the sockets: without Docker's userland proxy a published port has no
    listening socket.
    """
    own = engine.containers_of(service.name, service.aliases)
    if any(_has_its_ports(container) for container in own):
        return []
    if own and not any(_publishes(container, port) for container in own):
        return []
    own_names = {container.name for container in own}
    holder = next((name for name in _containers_on(port, engine) if name not in own_names), None)
    if holder:
        return [_conflict(service, port, f"the container {holder}", Proof(f"published port {port.host_port}", holder))]
    if sockets.value is None:
        raise CannotCheck(f"who listens on port {port.host_port} is not known: {sockets.text}")
    return [_socket_conflict(service, port, socket, sockets.at) for socket in _programs_on(port, sockets.value)[:1]]


def _has_its_ports(container: Container) -> bool:
    """Whether a container has its ports now or will have them soon.

    A crash loop releases its ports and takes them again. A container that restarts after a failed start has none.
    """
    if container.restarting or container.status == "restarting":
        return not container.start_error
    return container.running


def _publishes(container: Container, port: PublishedPort) -> bool:
    """Whether a container was created to publish the port. The compose file may have changed since then."""
    shares_network = container.network_mode.startswith(("host", "container:"))
    return not shares_network and any(own.host_port == port.host_port for own in published_ports(container))


def _containers_on(port: PublishedPort, engine: EngineState) -> Iterator[str]:
    """The names of the containers, of this project or another, that have the port now."""
    for container in engine.containers:
        if container.running and _binds(container.bound_ports, port):
            yield container.name
    for other in engine.others:
        if other.status in ("running", "paused") and _binds(other.ports, port):
            yield other.name


def _binds(bindings: Iterable[PortBinding], port: PublishedPort) -> bool:
    return any(binding.protocol == "tcp" and _takes(binding.host_ip, binding.host_port, port) for binding in bindings)


def _programs_on(port: PublishedPort, sockets: Iterable[ListeningSocket]) -> list[ListeningSocket]:
    """The listening sockets on the port, without those that listen for a container."""
    own = [socket for socket in sockets if not (socket.process or "").startswith(FORWARDERS)]
    return [socket for socket in own if _takes(socket.address, socket.port, port)]


def _takes(address: str, number: int, port: PublishedPort) -> bool:
    return number == port.host_port and _overlaps(address, port.host_ip)


def _overlaps(address: str, wanted: str) -> bool:
    """Whether a socket that listens on `address` prevents a binding on the address `wanted`.

    A hexadecimal address of /proc/net is taken for an overlap.
    """
    is_hexadecimal = set(address) <= set("0123456789ABCDEF") and len(address) in HEXADECIMAL_LENGTHS
    return address == wanted or address in ALL_ADDRESSES or wanted in ALL_ADDRESSES or is_hexadecimal


def _socket_conflict(service: Service, port: PublishedPort, socket: ListeningSocket, at: str) -> Finding:
    process = socket.process
    holder = f"the process {process} (pid {socket.pid})" if process else "a process of the host"
    proof = Proof(f"listening socket {port.host_port}", process or "process not shown", at)
    return _conflict(service, port, holder, proof)


def _conflict(service: Service, port: PublishedPort, holder: str, proof: Proof) -> Finding:
    return finding("port-conflict", service.name, proof=[proof], port=port.host_port, holder=holder)

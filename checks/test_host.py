"""The machine: disk, inodes, memory, load, and who listens on the stack's ports (runbook 2, 4, 5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from service_down.checks.framework.check import AnyTarget, CheckEvidence, ReportFindings, Target, check, needs_engine
from service_down.checks.framework.targets import HOST, disks, machine, ports
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.evidence.observation import CannotCheck, Observation
from service_down.fixtures.probes.engine import containers_of
from service_down.fixtures.settings.schema import Thresholds
from service_down.fixtures.stack.model import PublishedPort, Service, bound_ports

GIB = 2**30
# They listen for containers: who holds such a port is the engine's to say
FORWARDERS = ("docker-proxy", "rootlesskit", "rootlessport", "vpnkit", "slirp4netns", "com.docker.")


@check("disk", runbook=("2.df", "4.df"), over=disks, asks=lambda target: (f"disk:{target.spec}",))
def test_disk(target: Target[str], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """The file system has room."""
    report_findings(judge_disk(target.spec, seen[f"disk:{target.spec}"], target.settings.thresholds))


def judge_disk(path: str, seen: Observation, thresholds: Thresholds) -> list[Finding]:
    """`disk-full` or `disk-pressure`; a path that does not exist is `data-dir-missing`."""
    if seen.outcome == "error":
        return [finding("data-dir-missing", HOST, proof=[Proof(path, seen.text, seen.at)], path=path, what=seen.text)]
    value = seen.value
    for code, limit in (("disk-full", thresholds.disk_full_percent), ("disk-pressure", thresholds.disk_warn_percent)):
        if value["used_percent"] >= limit:
            proof = Proof(
                f"df {value['mount']}", f"{value['used_percent']:g} % used, {value['free'] / GIB:.1f} GiB free", seen.at
            )
            used, free = f"{value['used_percent']:g} %", f"{value['free'] / GIB:.1f} GiB"
            return [finding(code, HOST, proof=[proof], path=value["path"], used=used, free=free, limit=f"{limit:g} %")]
    return []


@check("inodes", runbook=("2.df", "4.df"), over=disks, asks=lambda target: (f"disk:{target.spec}",))
def test_inodes(target: Target[str], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """The file system has inodes left."""
    report_findings(judge_inodes(seen[f"disk:{target.spec}"], target.settings.thresholds))


def judge_inodes(seen: Observation, thresholds: Thresholds) -> list[Finding]:
    """`inodes-full`; a path that does not exist is the disk check's business."""
    used = seen.value.get("inodes_used_percent") if seen.outcome == "seen" else None
    if used is None or used < thresholds.inodes_full_percent:
        return []
    proof = Proof(f"df -i {seen.value['mount']}", f"{used:g} % used", seen.at)
    limit = f"{thresholds.inodes_full_percent:g} %"
    return [finding("inodes-full", HOST, proof=[proof], path=seen.value["path"], used=f"{used:g} %", limit=limit)]


def _memory(target: AnyTarget) -> tuple[str, ...]:
    return ("memory",)


@check("host-memory", runbook=("2.free", "4.free"), over=machine, asks=_memory)
def test_host_memory(target: AnyTarget, seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """The machine has memory to give."""
    report_findings(judge_memory(seen["memory"], target.settings.thresholds))


def judge_memory(seen: Observation, thresholds: Thresholds) -> list[Finding]:
    """`memory-pressure` by what is available, not by what is free."""
    total, available = seen.value["total"], seen.value["available"]
    share = 100 * available / total if total else 100.0
    if share >= thresholds.memory_available_percent:
        return []
    proof = Proof("MemAvailable", f"{available / GIB:.2f} GiB of {total / GIB:.2f} GiB", seen.at)
    facts = {"free": f"{available / GIB:.2f} GiB", "total": f"{total / GIB:.1f} GiB"}
    return [
        finding("memory-pressure", HOST, proof=[proof], limit=f"{thresholds.memory_available_percent:g} %", facts=facts)
    ]


@check("host-load", runbook=("2.htop", "4.cpu"), over=machine, asks=lambda target: ("load",), only_warns=True)
def test_host_load(target: AnyTarget, seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """The machine keeps up with its work."""
    report_findings(judge_load(seen["load"], target.settings.thresholds))


def judge_load(seen: Observation, thresholds: Thresholds) -> list[Finding]:
    """`cpu-saturated` by the five-minute load per CPU."""
    load, cpus = seen.value["5"], seen.value["cpus"]
    if load / cpus < thresholds.load_per_cpu:
        return []
    proof = Proof("load average over 5 min", f"{load:g} on {cpus} CPUs", seen.at)
    what = f"the load is {load:g} on {cpus} CPUs"
    return [finding("cpu-saturated", HOST, proof=[proof], what=what, limit=f"{thresholds.load_per_cpu:g} per CPU")]


@check(
    "port",
    runbook=("4.netstat", "5.port-conflict"),
    over=ports,
    needs=needs_engine,
    uses=lambda target: ("sockets",),
    absent="the stack publishes no port",
)
def test_port(target: Target[PublishedPort], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """Each published port is held by this stack, and not by somebody else."""
    service = target.model.service(target.service) or Service(target.service)
    report_findings(judge_port(service, target.spec, seen.value("engine"), seen["sockets"]))


def judge_port(service: Service, port: PublishedPort, view: Mapping[str, Any], sockets: Observation) -> list[Finding]:
    """`port-conflict` when another holds the port that the service waits for.

    That nobody holds it is the container check's business, and so is all that a running container lacks. Without
    Docker's userland proxy a published port has no listening socket: the engine's word counts first.
    """
    own = containers_of(view, service.name, service.aliases)
    if any(_has_its_ports(one) for one in own) or (own and not any(_wants(one, port) for one in own)):
        return []
    holder = next((name for name in _containers_on(port, view) if name not in _names(own)), None)
    if holder:
        return [_conflict(service, port, f"the container {holder}", Proof(f"published port {port.host_port}", holder))]
    if sockets.outcome != "seen":
        raise CannotCheck(f"who listens on port {port.host_port} is not known: {sockets.text}")
    return [_listener(service, port, one, sockets.at) for one in _programs_on(port, sockets.value)[:1]]


def _has_its_ports(container: Mapping[str, Any]) -> bool:
    """Whether it runs, or will in a moment: a crash loop lets go of its ports and takes them again.

    One that only restarts, and whose last start failed, has none.
    """
    state = container["State"]
    restarts = state.get("Restarting") or state.get("Status") == "restarting"
    return not state.get("Error") if restarts else bool(state.get("Running"))


def _wants(container: Mapping[str, Any], port: PublishedPort) -> bool:
    """Whether it was made to publish the port: the compose file may say another than when it was deployed."""
    shares = str(container["HostConfig"].get("NetworkMode") or "").startswith(("host", "container:"))
    return not shares and any(one.host_port == port.host_port for one in bound_ports(container))


def _names(containers: Iterable[Mapping[str, Any]]) -> set[str]:
    return {one["Name"].lstrip("/") for one in containers}


def _containers_on(port: PublishedPort, view: Mapping[str, Any]) -> Iterator[str]:
    """The names of the containers, of this project or another, that have the port now."""
    for one in view["containers"]:
        bound = (one["NetworkSettings"].get("Ports") or {}).items() if one["State"].get("Running") else ()
        for inner, bindings in bound:
            tcp = inner.endswith("/tcp")
            if tcp and any(_takes(each.get("HostIp"), each.get("HostPort"), port) for each in bindings or ()):
                yield one["Name"].lstrip("/")
    for other in view["others"]:
        if other["state"] in ("running", "paused") and any(_takes(*each, port) for each in _published(other)):
            yield other["name"]


def _published(other: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Address and number of the TCP ports of a container that is not ours; older recordings hold numbers only."""
    if "published" not in other:
        return (("", number) for number in other["ports"])
    return ((one["ip"], one["port"]) for one in other["published"] if one["protocol"] == "tcp")


def _takes(address: str | None, number: object, port: PublishedPort) -> bool:
    return str(number) == str(port.host_port) and _overlaps(address or "", port.host_ip)


def _programs_on(port: PublishedPort, sockets: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The listening sockets on the port that are a program's own, and no container's."""
    own = [one for one in sockets if not str(one["process"] or "").startswith(FORWARDERS)]
    return [one for one in own if _takes(one["address"], one["port"], port)]


def _listener(service: Service, port: PublishedPort, socket: Mapping[str, Any], at: str) -> Finding:
    process = socket["process"]
    who = f"the process {process} (pid {socket['pid']})" if process else "a process of the host"
    proof = Proof(f"listening socket {port.host_port}", process or "process not shown", at)
    return _conflict(service, port, who, proof)


def _conflict(service: Service, port: PublishedPort, holder: str, proof: Proof) -> Finding:
    return finding("port-conflict", service.name, proof=[proof], port=port.host_port, holder=holder)


def _overlaps(listening: str, wanted: str) -> bool:
    """Whether a socket on one address takes a port from a binding on another."""
    everywhere = {"0.0.0.0", "::", "*", ""}  # compared, not bound
    return (
        listening == wanted
        or listening in everywhere
        or wanted in everywhere
        or (set(listening) <= set("0123456789ABCDEF") and len(listening) in (8, 32))
    )

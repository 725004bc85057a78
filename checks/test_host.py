"""The machine: disk, inodes, memory, load, and who listens on the stack's ports (runbook 2, 4, 5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from checks.check import AnyTarget, Seen, Settle, Target, check
from checks.targets import HOST, disks, machine, ports
from fixtures.evidence import Observation
from fixtures.finding import Finding, Proof, finding
from fixtures.model import LABEL, PublishedPort
from fixtures.settings import Thresholds

GIB = 2**30


@check("disk", runbook=("2.df", "4.df"), over=disks, asks=lambda target: (f"disk:{target.spec}",))
def test_disk(target: Target[str], seen: Seen, settle: Settle) -> None:
    """The file system has room."""
    settle(judge_disk(target.spec, seen[f"disk:{target.spec}"], target.settings.thresholds))


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
def test_inodes(target: Target[str], seen: Seen, settle: Settle) -> None:
    """The file system has inodes left."""
    settle(judge_inodes(seen[f"disk:{target.spec}"], target.settings.thresholds))


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


@check("host-memory", runbook=("2.free", "4.free"), over=machine, needs=_memory)
def test_host_memory(target: AnyTarget, seen: Seen, settle: Settle) -> None:
    """The machine has memory to give."""
    settle(judge_memory(seen["memory"], target.settings.thresholds))


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


@check("host-load", runbook=("2.htop", "4.cpu"), over=machine, needs=lambda target: ("load",), only_warns=True)
def test_host_load(target: AnyTarget, seen: Seen, settle: Settle) -> None:
    """The machine keeps up with its work."""
    settle(judge_load(seen["load"], target.settings.thresholds))


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
    asks=lambda target: ("sockets",),
    needs=lambda target: ("engine",),
    absent="the stack publishes no port",
)
def test_port(target: Target[PublishedPort], seen: Seen, settle: Settle) -> None:
    """Each published port is held by this stack, and not by somebody else."""
    settle(judge_port(target.service, target.spec, seen.value("engine"), seen["sockets"]))


def judge_port(service: str, port: PublishedPort, view: Mapping[str, Any], sockets: Observation) -> list[Finding]:
    """`port-conflict` when another holds the port; that nobody holds it is the container check's business.

    Without Docker's userland proxy a published port has no listening socket: the engine's word counts first.
    """
    holders = [one for one in view["containers"] if _publishes(one, port.host_port)]
    if any((one["Config"]["Labels"] or {}).get(LABEL + "service") in (service, None) for one in holders):
        return []
    other = [one for one in view["others"] if port.host_port in one["ports"] and one["state"] == "running"]
    if holders or other:
        name = holders[0]["Name"].lstrip("/") if holders else other[0]["name"]
        return [_conflict(service, port, f"the container {name}", Proof(f"published port {port.host_port}", name))]
    listening = [
        one for one in sockets.value or () if one["port"] == port.host_port and _overlaps(one["address"], port.host_ip)
    ]
    if listening:
        process = listening[0]["process"]
        who = f"the process {process} (pid {listening[0]['pid']})" if process else "a process of the host"
        return [
            _conflict(
                service,
                port,
                who,
                Proof(f"listening socket {port.host_port}", process or "process not shown", sockets.at),
            )
        ]
    return []


def _conflict(service: str, port: PublishedPort, holder: str, proof: Proof) -> Finding:
    return finding("port-conflict", service, proof=[proof], port=port.host_port, holder=holder)


def _publishes(container: Mapping[str, Any], port: int) -> bool:
    if not container["State"].get("Running"):
        return False
    bound: Iterable[Any] = (container["NetworkSettings"].get("Ports") or {}).values()
    return any(binding.get("HostPort") == str(port) for bindings in bound for binding in bindings or ())


def _overlaps(listening: str, wanted: str) -> bool:
    """Whether a socket on one address takes a port from a binding on another."""
    everywhere = {"0.0.0.0", "::", "*", ""}  # compared, not bound
    return (
        listening == wanted
        or listening in everywhere
        or wanted in everywhere
        or (set(listening) <= set("0123456789ABCDEF") and len(listening) in (8, 32))
    )

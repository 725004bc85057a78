"""A running container is on its networks, where its peers find it by its service's name (runbook 4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from service_down.checks.framework.check import CheckEvidence, ReportFindings, Target, check, needs_engine
from service_down.checks.framework.targets import long_running
from service_down.checks.judges.config_drift import drifted
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.evidence.observation import Observation, parse_time, utc
from service_down.fixtures.probes.compose import HASHES
from service_down.fixtures.probes.engine import containers_of
from service_down.fixtures.stack.model import LABEL, Service

NO_NETWORK = ("host", "none", "container:")  # modes in which there is none to be cut from
NAMELESS = {"bridge"}  # the engine's own network, in which nobody has a name


@check("network", runbook=("4.network",), over=long_running, needs=needs_engine, uses=lambda target: (HASHES,))
def test_network(target: Target[Service], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """A running container is on its networks, under its service's name."""
    report_findings(judge_network(target.spec, seen.value("engine"), seen[HASHES]))


def judge_network(service: Service, view: Mapping[str, Any], hashes: Observation) -> list[Finding]:
    """One finding when peers cannot find a running container by name: on its first network, or on a further one.

    The further networks of the compose file count only for a container that was made from this very file.
    """
    for container in containers_of(view, service.name, service.aliases):
        mode = str(container["HostConfig"].get("NetworkMode") or "")
        state = container["State"]
        if not state.get("Running") or state.get("Restarting") or mode.startswith(NO_NETWORK):
            continue
        same = drifted(service, container, hashes) is False
        found = _cut(service, container, mode, service.joins if same else (), view.get("events") or ())
        if found:
            return [found]
    return []


def _cut(
    service: Service,
    container: Mapping[str, Any],
    mode: str,
    wanted: Sequence[str],
    events: Iterable[Mapping[str, Any]],
) -> Finding | None:
    networks = container["NetworkSettings"].get("Networks") or {}
    joined = {name: one for name, one in networks.items() if one.get("EndpointID") or one.get("IPAddress")}
    named = [name for name, one in joined.items() if service.name in _names(one)]
    attached = {*joined, *(str(one.get("NetworkID")) for one in joined.values())}
    home = mode if mode not in ("", "default", "bridge") and not _is_on(mode, attached) else ""
    away = [name for name in wanted if name not in named]
    here = ", ".join(joined)
    composed = (container["Config"].get("Labels") or {}).get(LABEL + "service")
    if not joined:
        what, network = "it is on no network", home
    elif home:
        what, network = f"it is on {here}, and cut from {home}, which it was made for", home
    elif not named and composed and not joined.keys() <= NAMELESS:
        what, network = f"it is on {here} without the name {service.name}", ""
    elif away:
        how = "without its name there" if away[0] in joined else "not there"
        what, network = f"it is on {here}, but the compose file wants it on {away[0]} too, and it is {how}", away[0]
    else:
        return None
    key, name = container["Id"], container["Name"].lstrip("/")
    left = [one for one in events if one["id"] == key and one["action"] == "network disconnect"]
    since = _after_start(container, left)
    proof = Proof(f"{name} NetworkSettings.Networks", ", ".join(networks) or "none", since)
    facts = {"container": name, "what": what, "network": network}
    found = finding("network-detached", service.name, proof=[proof], since=since, facts=facts)
    found_by_others = bool(away and named and not home)
    return replace(found, severity="error") if found_by_others else found


def _names(network: Mapping[str, Any]) -> set[str]:
    return {*(network.get("Aliases") or ()), *(network.get("DNSNames") or ())}


def _is_on(network: str, attached: Iterable[str]) -> bool:
    """Whether a network, told by its name or the beginning of its id, is among those."""
    return any(one == network or (len(network) >= 12 and one.startswith(network)) for one in attached)


def _after_start(container: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> str | None:
    """When the container left a network in this life; every stop leaves them all."""
    started = parse_time(container["State"].get("StartedAt"))
    own = [one["at"] for one in events if started and one["at"] >= started.timestamp()]
    return utc(own[-1]) if own else None

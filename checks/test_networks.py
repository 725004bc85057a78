"""A running container is on its networks, where others find it by its service's name (runbook 4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from service_down.checks.framework.check import CheckEvidence, ReportFindings, Target, check, engine_key
from service_down.checks.framework.targets import long_running
from service_down.checks.judges.config_drift import has_drifted
from service_down.checks.judges.container_findings import own_events
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.engines import field_names
from service_down.fixtures.engines.registry import ENGINE
from service_down.fixtures.evidence.observation import Observation, parse_time, utc
from service_down.fixtures.probes.compose import HASHES, ComposeHashes
from service_down.fixtures.stack.containers import Container, EngineState, Event
from service_down.fixtures.stack.model import Service

MODES_WITHOUT_NETWORK = ("host", "none", "container:")
ENGINE_NETWORK_MODES = ("", "default", "bridge")
NETWORKS_WITHOUT_NAMES = {"bridge"}  # the engine's own network has no DNS
MIN_ID_CHARACTERS = 12  # of a shortened network id


@check("network", runbook=("4.network",), targets=long_running, requires=engine_key, uses=lambda target: (HASHES,))
def test_network(target: Target[Service], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """A running container is on its networks, under its service's name."""
    report_findings(judge_network(target.spec, evidence.required(ENGINE), evidence[HASHES]))


def judge_network(service: Service, state: EngineState, hashes: Observation[ComposeHashes]) -> list[Finding]:
    """At most one finding: others cannot find a running container by name on its first network, or on a further one.

    The further networks of the compose file count only for a container that was made from this very file.
    """
    for container in state.containers_of(service.name, service.aliases):
        if not container.in_service or container.network_mode.startswith(MODES_WITHOUT_NETWORK):
            continue
        is_current = has_drifted(service, container, hashes) is False
        found = _judge_container(service, container, service.networks if is_current else (), state.events)
        if found:
            return [found]
    return []


def _judge_container(
    service: Service, container: Container, wanted: Sequence[str], events: Iterable[Event]
) -> Finding | None:
    attachments = container.connected_networks
    connected = [attachment.network for attachment in attachments]
    named = [attachment.network for attachment in attachments if service.name in attachment.dns_names]
    first = _missing_first_network(container)
    missing = [network for network in wanted if network not in named]
    here = ", ".join(connected)
    if not connected:
        what, network = "it is on no network", first
    elif first:
        what, network = f"it is on {here}, and cut from {first}, which it was made for", first
    elif not named and container.compose.service and not set(connected) <= NETWORKS_WITHOUT_NAMES:
        what, network = f"it is on {here} without the name {service.name}", ""
    elif missing:
        network = missing[0]
        how = "without its name there" if network in connected else "not there"
        what = f"it is on {here}, but the compose file wants it on {network} too, and it is {how}"
    else:
        return None
    since = _disconnect_time(container, events)
    all_networks = ", ".join(attachment.network for attachment in container.attachments) or "none"
    found = finding(
        "network-detached",
        service.name,
        proof=[Proof(f"{container.name} {field_names.NETWORKS}", all_networks, since)],
        since=since,
        facts={"container": container.name, "what": what, "network": network},
    )
    found_by_others = bool(missing and named and not first)
    return replace(found, severity="error") if found_by_others else found


def _missing_first_network(container: Container) -> str:
    """The network that the container was made for and is not connected to; empty when there is none."""
    mode = container.network_mode
    if mode in ENGINE_NETWORK_MODES:
        return ""
    attached = {name for entry in container.connected_networks for name in (entry.network, entry.network_id)}
    return "" if _is_among(mode, attached) else mode


def _is_among(network: str, names: Iterable[str]) -> bool:
    """Whether a network, by its name or the beginning of its id, is among these names and ids."""
    is_long = len(network) >= MIN_ID_CHARACTERS
    return any(name == network or (is_long and name.startswith(network)) for name in names)


def _disconnect_time(container: Container, events: Iterable[Event]) -> str | None:
    """When the container last left a network, since its start.

    A stop leaves every network, so earlier events do not count.
    """
    started = parse_time(container.started)
    if started is None:
        return None
    left = [event.at for event in own_events(container, events) if event.action == "network disconnect"]
    since_start = [at for at in left if at >= started.timestamp()]
    return utc(since_start[-1]) if since_start else None

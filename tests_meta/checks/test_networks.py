"""The network check, on a container that a real engine inspected."""

from __future__ import annotations

from dataclasses import replace

from service_down.checks.test_networks import judge_network
from service_down.fixtures.catalog.finding import Finding
from service_down.fixtures.evidence.observation import Observation
from service_down.fixtures.probes.compose import ComposeHashes
from service_down.fixtures.stack.containers import Container, Event
from service_down.fixtures.stack.model import Service
from service_down.tests_meta.checks.recorded_containers import engine_state, event, recorded_container

SERVICE = Service("ok")
NO_HASHES: Observation[ComposeHashes] = Observation("compose:hashes", "unlooked", text="no compose file")


def judge(
    container: Container,
    *events: Event,
    service: Service = SERVICE,
    hashes: Observation[ComposeHashes] = NO_HASHES,
) -> list[Finding]:
    return judge_network(service, engine_state(container, service="ok", events=events), hashes)


def test_a_container_that_left_its_network_is_found() -> None:
    container = recorded_container("hvdemo-ok-1")
    assert judge(container) == []
    renamed = replace(container.attachments[0], dns_names=frozenset({"something-else"}))
    assert [found.code for found in judge(replace(container, attachments=(renamed,)))] == ["network-detached"]
    left = event(container, "network disconnect")
    (found,) = judge(replace(container, attachments=()), left)
    assert (found.code, found.since) == ("network-detached", "2026-11-23T09:34:11.000Z")


def test_default_bridge_needs_no_dns_names() -> None:
    container = recorded_container("hvdemo-ok-1")
    attachment = replace(container.attachments[0], network="bridge", dns_names=frozenset())
    assert judge(replace(container, network_mode="bridge", attachments=(attachment,))) == []


def test_missing_network_is_reported_only_if_config_hash_matches() -> None:
    recorded = recorded_container("hvdemo-ok-1")
    container = replace(recorded, compose=replace(recorded.compose, config_hash="abc", version="2.26.1"))
    networks = tuple(attachment.network for attachment in container.attachments)
    service = Service("ok", networks=(*networks, "hvdemo_back"))
    same = Observation("compose:hashes", "seen", ComposeHashes("2.26.1-4", {"ok": "abc"}))
    other = Observation("compose:hashes", "seen", ComposeHashes("2.26.1-4", {"ok": "def"}))
    (found,) = judge(container, service=service, hashes=same)
    assert (found.code, found.severity, "hvdemo_back" in found.summary) == ("network-detached", "error", True)
    assert judge(container, service=service, hashes=other) == []
    assert judge(container, service=service) == []

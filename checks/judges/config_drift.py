"""Whether a container was made from what the compose file says today, by Compose's own hashes. Pure functions."""

from __future__ import annotations

from service_down.fixtures.evidence.observation import Observation
from service_down.fixtures.probes.compose import ComposeHashes
from service_down.fixtures.stack.containers import Container
from service_down.fixtures.stack.model import Service


def has_drifted(service: Service, container: Container, hashes: Observation[ComposeHashes]) -> bool | None:
    """Whether the container was made from another configuration; None when that cannot be known.

    Hashes of two versions of Compose cannot be compared. Compose hashes more than the file when the container shares
    another container's network, or when the service may depend on a service whose profile is not active.
    """
    wanted = hashes.value
    if wanted is None or container.network_mode.startswith("container:") or service.has_optional_dependency:
        return None
    hash_now, hash_then = wanted.hashes.get(service.name), container.compose.config_hash
    if not hash_now or not hash_then or container.compose.version != wanted.version.partition("-")[0]:
        return None
    return hash_then != hash_now

"""Whether a container was made from what the compose file says today, by Compose's own hashes; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service_down.fixtures.evidence.observation import Observation
from service_down.fixtures.stack.model import LABEL, Service


def drifted(service: Service, container: Mapping[str, Any], hashes: Observation) -> bool | None:
    """True for another configuration, None where it cannot be said: hashes of two versions of Compose say nothing.

    Nor do they where Compose hashed something else than the file: another container's id, or a service without one
    that it may depend on and whose profile is not active.
    """
    mode = str((container.get("HostConfig") or {}).get("NetworkMode") or "")
    if hashes.outcome != "seen" or mode.startswith("container:") or service.optional:
        return None
    labels = (container.get("Config") or {}).get("Labels") or {}
    wanted, has = hashes.value["hashes"].get(service.name), labels.get(LABEL + "config-hash")
    if not wanted or not has or labels.get(LABEL + "version") != hashes.value["version"].partition("-")[0]:
        return None
    return bool(has != wanted)

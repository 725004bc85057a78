"""Whether a container was made from what the compose file says today, by Compose's own hashes; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fixtures.evidence import Observation
from fixtures.model import LABEL


def drifted(service: str, container: Mapping[str, Any], hashes: Observation) -> bool | None:
    """True for another configuration, None where it cannot be said: hashes of two versions of Compose say nothing."""
    mode = str((container.get("HostConfig") or {}).get("NetworkMode") or "")
    if hashes.outcome != "seen" or mode.startswith("container:"):  # Compose hashed that container's id, not the file
        return None
    labels = (container.get("Config") or {}).get("Labels") or {}
    wanted, has = hashes.value["hashes"].get(service), labels.get(LABEL + "config-hash")
    if not wanted or not has or labels.get(LABEL + "version") != hashes.value["version"].partition("-")[0]:
        return None
    return bool(has != wanted)

"""A fault's recording: the evidence of one run on a real engine, and what that run concluded."""

from __future__ import annotations

import gzip
import json
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from service_down.tests_meta.faults.inject import ROOT

FOLDER = Path(__file__).resolve().parent / "recorded"
EVIDENCE, VERDICT = ".json.gz", ".verdict.json"
_SOMEWHERE = re.compile(r"(?:/[\w.-]+)+/tests_meta(?=/stack)")  # containers of an earlier checkout elsewhere
SAME = ("verdict", "summary", "causes", "warnings", "unknown", "escalate", "services", "alert", "changes")


def names() -> list[str]:
    """The faults that are recorded."""
    return sorted(path.name.removesuffix(EVIDENCE) for path in FOLDER.glob(f"*{EVIDENCE}"))


def keep(name: str, run: Path) -> None:
    """Keeps a run's evidence and conclusion; this machine's name and paths do not matter to them."""
    text = (run / "evidence.json").read_text()
    text = _SOMEWHERE.sub("/srv/service-down/tests_meta", text.replace(str(ROOT), "/srv/service-down"))
    text = text.replace(f'"{socket.gethostname()}"', '"lab"')
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}{EVIDENCE}").write_bytes(gzip.compress(text.encode(), mtime=0))
    told = conclusion(json.loads((run / "verdict.json").read_text()))
    (FOLDER / f"{name}{VERDICT}").write_text(json.dumps(told, indent=1) + "\n")


def live_conclusion(name: str) -> dict[str, Any]:
    """What the recorded run concluded when it was live."""
    told: dict[str, Any] = json.loads((FOLDER / f"{name}{VERDICT}").read_text())
    return told


def conclusion(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """What a verdict.json says, without its wording: that may become better after the recording."""
    causes = [
        {key: one[key] for key in ("service", "code", "severity", "since", "blocks")} for one in verdict["causes"]
    ]
    return {
        "verdict": verdict["verdict"],
        "causes": causes,
        "warnings": [f"{one['service']} {one['code']}" for one in verdict["warnings"]],
        "unknown": [one["check"] for one in verdict["unknown"]],
        "escalate": verdict["escalate"]["reasons"],
        "services": {one["name"]: one["state"] for one in verdict["services"]},
    }


def differences(live: Mapping[str, Any], again: Mapping[str, Any]) -> list[str]:
    """Where a replay's verdict.json is not, word for word, the live run's."""
    return [f"the replay says another {key} than the live run" for key in SAME if live[key] != again[key]]

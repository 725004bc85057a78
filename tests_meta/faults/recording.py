"""A fault's recording: the evidence of one run on a real engine, and the conclusion of that run."""

from __future__ import annotations

import gzip
import json
import re
import socket
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from service_down.tests_meta.suite_run import ROOT

RECORDED_FOLDER = Path(__file__).resolve().parent / "recorded"
EVIDENCE_SUFFIX, VERDICT_SUFFIX = ".json.gz", ".verdict.json"
COMPARED_KEYS = ("verdict", "summary", "causes", "warnings", "unknown", "escalate", "services", "alert", "changes")
_OTHER_CHECKOUT = re.compile(r"(?:/[\w.-]+)+/tests_meta(?=/stack)")  # in labels of containers from another checkout


def recorded_faults() -> list[str]:
    """Return the names of the recorded faults, sorted."""
    return sorted(path.name.removesuffix(EVIDENCE_SUFFIX) for path in RECORDED_FOLDER.glob(f"*{EVIDENCE_SUFFIX}"))


def evidence_file(name: str) -> Path:
    """Return the file with the compressed evidence of a recorded fault."""
    return RECORDED_FOLDER / f"{name}{EVIDENCE_SUFFIX}"


def _verdict_file(name: str) -> Path:
    return RECORDED_FOLDER / f"{name}{VERDICT_SUFFIX}"


def save_recording(name: str, run_folder: Path) -> None:
    """Save a run's evidence and conclusion, without the name and the paths of this machine."""
    text = (run_folder / "evidence.json").read_text()
    text = _OTHER_CHECKOUT.sub("/srv/service-down/tests_meta", text.replace(str(ROOT), "/srv/service-down"))
    text = text.replace(f'"{socket.gethostname()}"', '"lab"')
    RECORDED_FOLDER.mkdir(exist_ok=True)
    evidence_file(name).write_bytes(gzip.compress(text.encode(), mtime=0))
    verdict = json.loads((run_folder / "verdict.json").read_text())
    _verdict_file(name).write_text(json.dumps(conclusion(verdict), indent=1) + "\n")


def write_recording(name: str, folder: Path, at: datetime, **context: str) -> Path:
    """Write a recorded fault as a run's folder for `--replay`, dated `at`, with changes to the context."""
    table = json.loads(gzip.decompress(evidence_file(name).read_bytes()))
    table["context"] |= {"run": f"{at:%Y%m%dT%H%M%SZ}-{name}", "started": at.isoformat(), **context}
    table["options"]["now"] = (at + timedelta(seconds=2)).isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evidence.json").write_text(json.dumps(table))
    return folder


def live_conclusion(name: str) -> dict[str, Any]:
    """Return the conclusion of the live run that was recorded."""
    saved: dict[str, Any] = json.loads(_verdict_file(name).read_text())
    return saved


def conclusion(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a verdict.json concludes, without its texts: their wording may change after the recording."""
    causes = [
        {key: cause[key] for key in ("service", "code", "severity", "since", "blocks")} for cause in verdict["causes"]
    ]
    return {
        "verdict": verdict["verdict"],
        "causes": causes,
        "warnings": [f"{warning['service']} {warning['code']}" for warning in verdict["warnings"]],
        "unknown": [entry["check"] for entry in verdict["unknown"]],
        "escalate": verdict["escalate"]["reasons"],
        "services": {service["name"]: service["state"] for service in verdict["services"]},
    }


def replay_differences(live: Mapping[str, Any], replay: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each key in which a replay's verdict.json differs from the live run's."""
    return [f"the replay has another {key} than the live run" for key in COMPARED_KEYS if live[key] != replay[key]]

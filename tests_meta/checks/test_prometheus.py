"""The check of Prometheus' alerts in a run: its message names the alerts that it does not judge."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from service_down.tests_meta.faults.recording import write_recording
from service_down.tests_meta.suite_run import run_suite


def test_alerts_that_are_not_judged_stand_in_the_message_of_the_check(tmp_path: Path) -> None:
    folder = write_recording("healthy-verify", tmp_path / "recorded", datetime(2026, 11, 24, 3, 0, tzinfo=UTC))
    recording = json.loads((folder / "evidence.json").read_text())
    alerts = next(entry for entry in recording["observations"] if entry["probe"] == "prometheus:alerts")
    labels = {"alertname": "Watchdog", "severity": "none"}
    alerts["value"]["alerts"] = [{"labels": labels, "since": "2026-11-23T20:00:00Z"}]
    (folder / "evidence.json").write_text(json.dumps(recording))
    ran = run_suite(f"--replay={folder}", "-k", "test_alerts", reports=tmp_path / "reports")
    assert ran.code == 0, ran.out
    messages = {check["id"]: (check["outcome"], check["message"]) for check in ran.verdict["checks"]}
    assert messages == {"alerts:prometheus": ("passed", "not judged: Watchdog")}

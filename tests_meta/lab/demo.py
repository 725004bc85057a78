"""`make demo`: runs the suite against the reference stack while it is broken, and again after the repair."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from typing import Any

from service_down.tests_meta.faults.recording import conclusion, evidence_file, live_conclusion
from service_down.tests_meta.lab.commands import LabError, NoEngineError, log
from service_down.tests_meta.lab.stack import ReferenceStack, make_stack
from service_down.tests_meta.suite_run import PYTEST, ROOT

REPORTS = ROOT / "reports" / "out"
RECORDED_FAULT = "auth-out-of-memory-and-backup-stale"  # shown where there is no engine


def run_visibly(stack: ReferenceStack, *options: str) -> tuple[int, dict[str, Any]]:
    """Run the suite against the stack with its output on the terminal. Return its exit code and verdict.json."""
    command = [PYTEST, *options, "--stack", str(stack.settings_file)]
    print(f"\n$ pytest {' '.join(options)} --stack {os.path.relpath(stack.settings_file, ROOT)}", flush=True)
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **stack.environment()}, check=False)
    return done.returncode, _latest_verdict()


def _latest_verdict() -> dict[str, Any]:
    verdict: dict[str, Any] = json.loads((REPORTS / "latest" / "verdict.json").read_text())
    return verdict


def demo(stack: ReferenceStack) -> list[str]:
    """Break the stack, run triage, repair the stack, run verify. Return what the suite concluded wrongly."""
    mistakes = []
    stack.up()
    log("breaking it: docker compose stop postgres")
    stack.stop("postgres")
    try:
        code, verdict = run_visibly(stack, "-m", "triage", "--incident", "DEMO-1")
        causes = [(cause["service"], cause["code"]) for cause in verdict["causes"]]
        if (code, verdict["verdict"], causes) != (1, "down", [("postgres", "container-stopped")]):
            mistakes.append(
                f"triage: {verdict['verdict']}, causes {causes}, exit code {code}; expected down, postgres stopped, 1"
            )
    finally:
        log("repairing it: docker compose start postgres")
        stack.start("postgres")
    code, verdict = run_visibly(stack, "-m", "verify", "--wait", "60", "--incident", "DEMO-1")
    if (code, verdict["verdict"]) != (0, "healthy"):
        mistakes.append(f"verify: {verdict['verdict']}, exit code {code}; expected healthy, 0")
    return mistakes


def demo_without_engine(reason: str) -> list[str]:
    """Replay a fault that was recorded on a real engine. Return what the replay concluded wrongly."""
    log(f"NO ENGINE, so this is the replay of a recorded incident: {reason}")
    folder = REPORTS / "demo-recording"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evidence.json").write_bytes(gzip.decompress(evidence_file(RECORDED_FAULT).read_bytes()))
    command = [PYTEST, f"--replay={folder}"]
    print(f"\n$ pytest --replay={os.path.relpath(folder, ROOT)}", flush=True)
    subprocess.run(command, cwd=ROOT, check=False)
    same = conclusion(_latest_verdict()) == live_conclusion(RECORDED_FAULT)
    return [] if same else ["the replay has another conclusion than the live run"]


def main() -> int:
    """Run the demo and return its exit code: 0 when every verdict was right."""
    try:
        mistakes = demo(make_stack("pyairtable-demo"))
    except NoEngineError as error:
        mistakes = demo_without_engine(str(error))
        log("the verdict is right; report: reports/out/latest" if not mistakes else f"WRONG: {mistakes[0]}")
        return 1 if mistakes else 0
    except LabError as error:
        log(f"error: {error}")
        return 1
    for sentence in mistakes:
        log(f"WRONG: {sentence}")
    if not mistakes:
        log(f"both verdicts are right; reports: {os.path.relpath(REPORTS, ROOT)}")
        log("the stack is still running; make demo-down removes it")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())

"""`make demo`: the suite on the reference stack, healthy, broken and repaired, as somebody on call would see it."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from service_down.tests_meta.faults.recording import EVIDENCE, FOLDER, conclusion, live_conclusion
from service_down.tests_meta.lab.commands import LabError, NoEngineError, say
from service_down.tests_meta.lab.stack import ReferenceStack, make_stack

ROOT = Path(__file__).resolve().parents[2]
REPORTS = ROOT / "reports" / "out"
INCIDENT = "auth-out-of-memory-and-backup-stale"  # the recording to show where there is no engine


def pytest_on(stack: ReferenceStack, *words: str) -> tuple[int, dict[str, Any]]:
    """Runs the suite on the stack, visibly; its exit code and its verdict.json."""
    command = [sys.executable, "-m", "pytest", *words, "--stack", str(stack.settings)]
    print(f"\n$ pytest {' '.join(words)} --stack {os.path.relpath(stack.settings, ROOT)}", flush=True)
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **stack.environment()}, check=False)
    return done.returncode, json.loads((REPORTS / "latest" / "verdict.json").read_text())


def demo(stack: ReferenceStack) -> list[str]:
    """The whole story; gives what the suite said wrongly."""
    wrong = []
    stack.up()
    say("breaking it: docker compose stop postgres")
    stack.stop("postgres")
    try:
        code, verdict = pytest_on(stack, "-m", "triage", "--incident", "DEMO-1")
        causes = [(one["service"], one["code"]) for one in verdict["causes"]]
        if (code, verdict["verdict"], causes) != (1, "down", [("postgres", "container-stopped")]):
            wrong.append(
                f"triage said {verdict['verdict']} with {causes} and exit {code}, wanted down, postgres stopped"
            )
    finally:
        say("repairing it: docker compose start postgres")
        stack.start("postgres")
    code, verdict = pytest_on(stack, "-m", "verify", "--wait", "60", "--incident", "DEMO-1")
    if (code, verdict["verdict"]) != (0, "healthy"):
        wrong.append(f"verify said {verdict['verdict']} with exit {code}, wanted healthy and 0")
    return wrong


def demo_without_engine(why: str) -> list[str]:
    """The same suite on an incident that was recorded on a real engine, where none can be had; what it said wrongly."""
    say(f"NO ENGINE, so this is a recorded incident and nothing live: {why}")
    folder = REPORTS / "demo-recording"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evidence.json").write_bytes(gzip.decompress((FOLDER / f"{INCIDENT}{EVIDENCE}").read_bytes()))
    command = [sys.executable, "-m", "pytest", f"--replay={folder}"]
    print(f"\n$ pytest --replay={os.path.relpath(folder, ROOT)}", flush=True)
    subprocess.run(command, cwd=ROOT, check=False)
    told = conclusion(json.loads((REPORTS / "latest" / "verdict.json").read_text()))
    return [] if told == live_conclusion(INCIDENT) else ["the replay says something else than the live run did"]


def main() -> int:
    """0 when the suite said the right thing every time."""
    try:
        stack = make_stack("pyairtable-demo")
        wrong = demo(stack)
    except NoEngineError as error:
        wrong = demo_without_engine(str(error))
        say("right; report: reports/out/latest" if not wrong else f"WRONG: {wrong[0]}")
        return 1 if wrong else 0
    except LabError as error:
        say(f"cannot: {error}")
        return 1
    for sentence in wrong:
        say(f"WRONG: {sentence}")
    if not wrong:
        say(f"right both times; reports: {os.path.relpath(REPORTS, ROOT)}; the stack stays up (make demo-down)")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

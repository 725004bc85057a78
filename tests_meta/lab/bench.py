"""`make bench`: how long triage takes on the healthy demo stack, from the command to its end."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

from tests_meta.lab.demo import ROOT
from tests_meta.lab.say import LabError, say
from tests_meta.lab.stack import make_stack

RUNS = 7


def main() -> int:
    """Prints the median and the extremes of some runs."""
    try:
        stack = make_stack("pyairtable-demo")
        stack.up()
    except LabError as error:
        say(f"cannot: {error}")
        return 1
    command = [sys.executable, "-m", "pytest", "-m", "triage", "--stack", str(stack.settings)]
    seconds = []
    for _ in range(RUNS + 1):
        began = time.monotonic()
        subprocess.run(command, cwd=ROOT, env={**os.environ, **stack.environment()}, capture_output=True, check=False)
        seconds.append(time.monotonic() - began)
    warm = sorted(seconds[1:])
    median = statistics.median(warm)
    print(f"triage, {RUNS} runs after a first one: median {median:.2f} s, {warm[0]:.2f} to {warm[-1]:.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())

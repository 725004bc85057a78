"""Runs the suite's command as a person does, and measures it from outside."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from service_down.fixtures.run.places import PREFIX
from service_down.tests_meta.suite_run import ROOT

LOOK_SECONDS = 0.05  # between two looks at the process
GONE_SECONDS = 2.0  # for what a run has started to be gone after its end
PYTEST_FOLDER = "pytest-of-"  # pytest's own, of which it keeps the newest: xdist makes one with `-n`
MARK = "CHAOS_RUN"  # a variable that all processes of a run have
VERDICT = re.compile(r"(?:^(?=[HDU])|(?=INTERRUPTED))(HEALTHY|DEGRADED|DOWN|UNKNOWN|INTERRUPTED)\b", re.MULTILINE)
WRITTEN = re.compile(r'^\s*"verdict": "(\w+)"', re.MULTILINE)
ALL_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


@dataclass(frozen=True)
class Signal:
    """A signal for a run, so many seconds after its start."""

    number: signal.Signals
    seconds: float


@dataclass(frozen=True)
class Ended:
    """How a command ended. `code` is negative when a signal ended it, None when it had to be killed."""

    code: int | None
    out: str
    seconds: float
    memory_kib: int  # peak of the largest process
    descriptors: int  # most that one process had open
    threads: int  # most in one process

    @property
    def verdict(self) -> str:
        """The word of the verdict on the terminal, in small letters; empty without one."""
        found = VERDICT.search(self.out)
        return found[1].lower() if found else ""


def watched(
    command: Sequence[str],
    folder: Path,
    env: Mapping[str, str],
    *,
    longest_seconds: float = 120.0,
    signals: Sequence[Signal] = (),
) -> Ended:
    """Run a command from the suite's own folder; its output goes to a file in `folder`. `env`: all variables."""
    marked = {**env, MARK: str(folder)}
    began = time.monotonic()
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=marked,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: [signal.signal(number, signal.SIG_DFL) for number in ALL_SIGNALS],
        )
    left, descriptors, threads, is_killed = list(signals), 0, 0, False
    while True:
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
        seconds = time.monotonic() - began
        if pid:
            break
        while left and seconds >= left[0].seconds:
            process.send_signal(left.pop(0).number)
        if seconds > longest_seconds and not is_killed:
            is_killed = True
            for number in [*_tree(process.pid), process.pid]:
                with contextlib.suppress(OSError):
                    os.kill(number, signal.SIGKILL)
        for number in _tree(process.pid):
            descriptors = max(descriptors, _count(number, "fd"))
            threads = max(threads, _count(number, "task"))
        time.sleep(min([LOOK_SECONDS, *(max(0.0, one.seconds - seconds) for one in left)]))
    code = process.returncode = os.waitstatus_to_exitcode(status)
    out = (folder / "output").read_text(errors="replace")
    return Ended(None if is_killed else code, out, seconds, used.ru_maxrss, descriptors, threads)


def _tree(pid: int) -> list[int]:
    """A process and those that it started, as far as they are there."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
            found.extend(map(int, children))
    return found


def _count(pid: int, what: str) -> int:
    with contextlib.suppress(OSError):
        return sum(1 for _ in Path(f"/proc/{pid}/{what}").iterdir())
    return 0


def processes_left(folder: Path) -> int:
    """How many processes of the runs in a folder are still there, some time after their end."""
    end = time.monotonic() + GONE_SECONDS
    while (left := _marked(folder)) and time.monotonic() < end:
        time.sleep(LOOK_SECONDS)
    return left


def _marked(folder: Path) -> int:
    wanted, count = f"{MARK}={folder}".encode(), 0
    for file in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            count += wanted in file.read_bytes().split(b"\0")
    return count


def files_left(temporary: Path, reports: Path) -> list[str]:
    """What runs have left in their temporary folder, and in the report directory, that is no whole report."""
    left = [path for path in temporary.iterdir() if not path.name.startswith(PYTEST_FOLDER)]
    left += [path for path in reports.iterdir() if path.name.startswith((".", PREFIX))]
    return [path.name for path in left if not (path / "verdict.json").exists()]


def written_verdict(reports: Path) -> str:
    """The verdict of the newest report; empty without one."""
    try:
        found = WRITTEN.search((reports / "latest" / "verdict.json").read_text())
    except OSError:
        return ""
    return found[1] if found else ""


def machine() -> str:
    """This machine in one line: cores, memory, kernel, Python."""
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = platform.uname()
    cores = len(os.sched_getaffinity(0))
    kernel = ".".join(system.release.split(".")[:2])
    return (
        f"{cores} cores, {gib:.0f} GiB, {system.system} {kernel} {system.machine}, Python {platform.python_version()}"
    )

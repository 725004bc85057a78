"""Runs one row of the matrix: the suite's command against a healthy stack, and what is wrong with what came of it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from service_down.tests_meta.chaos.process import Ended, files_left, processes_left, watched, written_verdict
from service_down.tests_meta.chaos.proxy import through
from service_down.tests_meta.chaos.row import FOLDER, Row, why_not_here
from service_down.tests_meta.chaos.row import ROOT as ROOT_WORD
from service_down.tests_meta.fake_engine import Odd, Request
from service_down.tests_meta.fake_servers import Talk, http, recording_server
from service_down.tests_meta.fake_stack import fake_stack, healthy_postgres, healthy_redis
from service_down.tests_meta.frozen_disk import frozen_disk
from service_down.tests_meta.suite_run import COMMAND, PYTEST, ROOT

HANG_SECONDS = 30.0  # beyond what a row may take: then the run is killed
SERVICES = ("web-0", "web-1", "web-2", "postgres", "redis")
COMPOSE = {
    "name": "shop",
    "services": {
        name: {"image": f"image-of-shop-{name}-1:1", "networks": {"default": None}, "container_name": f"shop-{name}-1"}
        for name in SERVICES
    },
    "networks": {"default": {"name": "shop_default"}},
}
HEALTHY_PROGRAM = f"#!/bin/sh\nexec cat {FOLDER}/compose.yaml\n"  # JSON is YAML too
TALKS: Mapping[str, Talk] = {"http": http("200 OK"), "postgres": healthy_postgres, "redis": healthy_redis}


class NotTriedError(Exception):
    """A row cannot be tried here; the text says why."""


@dataclass(frozen=True)
class Outcome:
    """What came of a row."""

    ended: Ended
    verdict: str
    left: tuple[str, ...]  # files and processes

    @property
    def has_traceback(self) -> bool:
        """Whether the output holds a traceback, or pytest's word for one of its own."""
        return "Traceback" in self.ended.out or "INTERNALERROR" in self.ended.out or "Fatal Python" in self.ended.out


def problems(row: Row, outcome: Outcome) -> list[str]:
    """What is wrong; the time is judged by `is_late`."""
    ended, wrong = outcome.ended, []
    if ended.code is None:
        wrong.append("hang")
    elif not outcome.verdict:
        wrong.append("no verdict")
    elif outcome.verdict not in row.allowed:
        wrong.append("false down" if outcome.verdict == "down" else f"may not be {outcome.verdict}")
    elif ended.code != row.allowed[outcome.verdict]:
        wrong.append(f"exit {ended.code} with {outcome.verdict}")
    if outcome.has_traceback:
        wrong.append("traceback")
    if outcome.left:
        wrong.append(f"left over: {', '.join(outcome.left)}")
    return wrong


def is_late(row: Row, outcome: Outcome) -> bool:
    """Whether the command took longer than its budget and half a second, and what the row adds."""
    return outcome.ended.seconds > row.most_seconds


def try_row(row: Row, folder: Path) -> Outcome:
    """Run a row in a new folder. Raises NotTriedError."""
    if reason := why_not_here(row):
        raise NotTriedError(reason)
    if below := [place for place in row.covers for path in (ROOT, folder) if path.is_relative_to(place)]:
        raise NotTriedError(f"the suite or its reports lie in {below[0]}")
    folder.chmod(0o777)  # for another user
    for name in ("bin", "home", "tmp", "reports"):
        (folder / name).mkdir()
        (folder / name).chmod(0o777)
    (folder / "compose.yaml").write_text(json.dumps(COMPOSE))
    for name, program in (("docker", row.docker or HEALTHY_PROGRAM), ("healthy", HEALTHY_PROGRAM)):
        (folder / "bin" / name).write_text(program.replace(FOLDER, str(folder)))
        (folder / "bin" / name).chmod(0o755)
    if row.plugin:
        (folder / "chaos_plugin.py").write_text(row.plugin)
    met: set[str] = set()
    with contextlib.ExitStack() as running:
        talks = {}
        for name, toxic in row.toxics.items():
            talks[name] = through(running.enter_context(recording_server(TALKS[name])).port, toxic)
        if row.disk:
            running.enter_context(_disk(row, folder / "frozen"))
        settings = f'compose_files = ["compose.yaml"]\n{_filled(row.settings, folder)}'
        odd = {path: _counted(path, answer, met) for path, answer in row.odd.items()}
        stack = running.enter_context(fake_stack(folder, len(TALKS), settings, odd, None, **talks))
        env = {
            **os.environ,
            "HOME": str(folder / "home"),
            "TMPDIR": str(folder / "tmp"),
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "DOCKER_HOST": stack.docker_host,
            "REDIS_PASSWORD": "r3dis-s3cret",
            **{name: _filled(value, folder) for name, value in row.env.items()},
        }
        ended = watched(
            _command(row, folder, stack.settings_file),
            folder,
            {name: value for name, value in env.items() if value and not name.startswith("PYTEST_XDIST_")},
            longest_seconds=row.most_seconds + HANG_SECONDS,
            signals=row.signals,
        )
    if not row.signals and (missing := row.odd.keys() - met):
        raise NotTriedError(f"the suite did not ask for {', '.join(sorted(missing))}")
    left = files_left(folder / "tmp", folder / "reports")
    if count := processes_left(folder):
        left.append(f"{count} processes")
    return Outcome(ended, _verdict(ended, folder), tuple(left))


def _command(row: Row, folder: Path, settings: Path) -> list[str]:
    plugin = [sys.executable, "-IXutf8", "-c", COMMAND.format(folder=str(folder))]
    command = [*plugin, "-p", "chaos_plugin"] if row.plugin else [PYTEST]
    options = [f"--stack={settings}", f"--report-dir={folder / 'reports'}", f"--budget={row.budget:g}"]
    words = (*row.wrapper, *command, "-m", row.mode, *options, *row.options)
    return [_filled(word, folder) for word in words]


def _filled(text: str, folder: Path) -> str:
    return text.replace(FOLDER, str(folder)).replace(ROOT_WORD, str(ROOT))


def _counted(path: str, answer: Odd, met: set[str]) -> Odd:
    """An odd answer that notes that it was asked for."""

    def answered(request: Request) -> None:
        met.add(path)
        answer(request)

    return answered


def _verdict(ended: Ended, folder: Path) -> str:
    """The verdict on the terminal, else that of the report; `refused` for a usage error, `silent` for a signal."""
    if found := ended.verdict or written_verdict(folder / "reports"):
        return found
    if "ERROR: " in ended.out:
        return "refused"
    return "silent" if not ended.out and (ended.code or 0) < 0 else ""


@contextmanager
def _disk(row: Row, folder: Path) -> Iterator[None]:
    """A frozen disk. Raises NotTriedError."""
    try:
        with frozen_disk(folder) if row.disk == "fuse" else _frozen_loop(folder):
            yield
    except pytest.skip.Exception as error:
        raise NotTriedError(str(error)) from None


@contextmanager
def _frozen_loop(folder: Path) -> Iterator[Path]:
    """A small ext4 on a loop device, frozen: it can be read, and what writes to it sleeps. Raises NotTriedError."""
    folder.mkdir()
    image = folder.with_suffix(".image")
    with image.open("wb") as file:
        file.truncate(16 << 20)
    _root("mkfs.ext4", "-q", str(image))
    _root("mount", "-o", "loop", str(image), str(folder))
    try:
        (folder / "reports").mkdir()
        _root("fsfreeze", "--freeze", str(folder))
        try:
            yield folder
        finally:
            _root("fsfreeze", "--unfreeze", str(folder))
    finally:
        _root("umount", "--lazy", str(folder))


def _root(*command: str) -> None:
    """Run a command that needs root. Raises NotTriedError."""
    try:
        subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    except FileNotFoundError:
        raise NotTriedError(f"there is no {command[0]}") from None
    except subprocess.CalledProcessError as error:
        raise NotTriedError(f"{command[0]}: {error.stderr.strip()}") from None

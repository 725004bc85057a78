"""Provides a Docker engine: a running one, or one from Debian's or Ubuntu's packages."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from service_down.tests_meta.lab.commands import (
    LabError,
    NoEngineError,
    command_succeeds,
    log,
    run_command,
    step,
    wait_until,
)

DOCKERD_LOG = Path("/var/log/service-down-lab-dockerd.log")
PID_FILES = (Path("/var/run/docker.pid"), Path("/var/run/docker/containerd/containerd.pid"))
INSTALL_LOCK = Path(tempfile.gettempdir()) / "service-down-lab-install.lock"
PACKAGES = ("docker.io", "iptables", "ca-certificates")


def engine_answers() -> bool:
    """Return whether a Docker engine answers."""
    return command_succeeds(["docker", "version", "--format", "{{.Server.Version}}"], 20)


def ensure_engine() -> None:
    """Start or install an engine unless one answers. Raises NoEngineError when that is not possible."""
    if shutil.which("docker") and engine_answers():
        log("engine: already running")
        return
    if os.environ.get("DOCKER_HOST"):
        raise NoEngineError(f"no engine answers at DOCKER_HOST={os.environ['DOCKER_HOST']}")
    if shutil.which("apt-get") is None:
        raise NoEngineError("no Docker engine answers, and none can be installed without apt; start one and try again")
    if os.geteuid() != 0:
        raise NoEngineError("no Docker engine answers, and only root can install one; start one, or run this as root")
    if shutil.which("dockerd") is None:
        with step("engine: installing Debian's docker.io"):
            install_packages(*PACKAGES)
    _start()


def install_packages(*packages: str) -> None:
    """Install Debian packages. Concurrent calls wait for each other. Raises LabError."""
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    with INSTALL_LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # apt does not wait for another apt
        try:
            run_command(command, 600, env=env)
        except LabError:  # the package lists may be missing or outdated
            run_command(["apt-get", "update"], 300, env=env)
            run_command(command, 600, env=env)


def _start() -> None:
    with step("engine: starting dockerd"):
        if Path("/run/systemd/system").is_dir():
            run_command(["systemctl", "start", "docker"], 60)
        else:
            for pid_file in PID_FILES:
                _remove_stale(pid_file)
            with DOCKERD_LOG.open("ab") as output:  # dockerd outlives this process
                subprocess.Popen(
                    ["dockerd"], stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
                )
        try:
            wait_until("dockerd", engine_answers, 60)
        except LabError as error:
            last_line = (
                DOCKERD_LOG.read_text(errors="replace").strip().splitlines()[-1:] if DOCKERD_LOG.exists() else []
            )
            raise NoEngineError(f"{error}; last line of its log: {' '.join(last_line)[:300]}") from None


def _remove_stale(pid_file: Path) -> None:
    """Remove the pid file of an engine that was killed: dockerd takes a zombie with that pid for a running engine."""
    try:
        pid = int(pid_file.read_text())
    except (OSError, ValueError):
        return
    try:
        name, _, rest = Path(f"/proc/{pid}/stat").read_text().partition(")")
    except OSError:
        name, rest = "", " Z"
    alive = rest.split()[:1] != ["Z"] and name.partition("(")[2] in ("dockerd", "containerd")
    if not alive:
        pid_file.unlink(missing_ok=True)

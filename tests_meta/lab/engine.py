"""A Docker engine: the one that answers, else one from Debian's or Ubuntu's packages, started and waited for."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from service_down.tests_meta.lab.commands import LabError, NoEngineError, run, say, step, wait_for, works

LOG = Path("/var/log/service-down-lab-dockerd.log")
PIDFILES = (Path("/var/run/docker.pid"), Path("/var/run/docker/containerd/containerd.pid"))
INSTALLING = Path(tempfile.gettempdir()) / "service-down-lab-install.lock"
PACKAGES = ("docker.io", "iptables", "ca-certificates")


def answers() -> bool:
    """Whether an engine answers."""
    return works(["docker", "version", "--format", "{{.Server.Version}}"], 20)


def ensure_engine() -> None:
    """Makes sure that an engine answers. Raises NoEngineError when none can be had."""
    if shutil.which("docker") and answers():
        say("engine: the one that answers")
        return
    if os.environ.get("DOCKER_HOST"):
        raise NoEngineError(f"no engine answers at DOCKER_HOST={os.environ['DOCKER_HOST']}")
    if shutil.which("apt-get") is None:
        raise NoEngineError("no Docker engine answers, and without apt none can be installed; start one and try again")
    if os.geteuid() != 0:
        raise NoEngineError("no Docker engine answers, and only root can install one; start one, or run this as root")
    if shutil.which("dockerd") is None:
        with step("engine: installing Debian's docker.io"):
            install(*PACKAGES)
    _start()


def install(*packages: str) -> None:
    """Installs Debian packages, one call after another. Raises LabError."""
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    with INSTALLING.open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # apt does not wait for another apt
        try:
            run(command, 600, env=env)
        except LabError:  # the lists may be missing or old
            run(["apt-get", "update"], 300, env=env)
            run(command, 600, env=env)


def _start() -> None:
    with step("engine: starting dockerd"):
        if Path("/run/systemd/system").is_dir():
            run(["systemctl", "start", "docker"], 60)
        else:
            for pidfile in PIDFILES:
                _remove_stale(pidfile)
            with LOG.open("ab") as log:  # it stays when this process has gone
                subprocess.Popen(["dockerd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        try:
            wait_for("dockerd", answers, 60)
        except LabError as error:
            last = LOG.read_text(errors="replace").strip().splitlines()[-1:] if LOG.exists() else []
            raise NoEngineError(f"{error}; its last words: {' '.join(last)[:300]}") from None


def _remove_stale(pidfile: Path) -> None:
    """Removes the pid file of an engine that was killed: dockerd takes a zombie of that number for alive."""
    try:
        pid = int(pidfile.read_text())
    except (OSError, ValueError):
        return
    try:
        name, _, rest = Path(f"/proc/{pid}/stat").read_text().partition(")")
    except OSError:
        name, rest = "", " Z"
    alive = rest.split()[:1] != ["Z"] and name.partition("(")[2] in ("dockerd", "containerd")
    if not alive:
        pidfile.unlink(missing_ok=True)

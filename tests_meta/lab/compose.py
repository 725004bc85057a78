"""Compose v2: the one that is there, else a package of this distribution, else Debian 13's, which runs on 12 too."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from service_down.tests_meta.lab.commands import LabError, run, say, step, works
from service_down.tests_meta.lab.engine import install

PLUGINS = Path.home() / ".docker" / "cli-plugins"
NEWER = "trixie"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def ensure_compose() -> None:
    """Makes sure that `docker compose` works. Raises LabError."""
    if _works():
        say("compose: the one that is there")
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise LabError("`docker compose` is missing; install Docker's Compose v2 plugin and try again")
    for package in ("docker-compose-v2", "docker-compose-plugin"):
        if _is_offered(package):
            with step(f"compose: installing {package}"):
                install(package)
            if _works():
                return
    with step(f"compose: fetching the plugin from Debian {NEWER}"):
        _fetch()
    if not _works():
        raise LabError("`docker compose` was installed, but does not work")


def _works() -> bool:
    return works(["docker", "compose", "version"], 20)


def _is_offered(package: str) -> bool:
    return works(["sh", "-c", f"apt-cache policy {package} | grep -q 'Candidate: [0-9]'"], 30)


def mirror() -> str:
    """The package mirror that this machine's own apt uses. Raises LabError where it is not Debian's."""
    codename = run(["sh", "-c", ". /etc/os-release && echo $VERSION_CODENAME"], 5).strip()
    lines = run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", f"Codename: {codename}"], 30
    ).split()
    if not lines or not Path(KEYRING).exists():
        raise LabError("this machine's apt names no Debian mirror; install Docker's Compose v2 plugin by hand")
    return lines[0]


def _fetch() -> None:
    """Downloads one package of the newer Debian with an apt state of its own, and unpacks its one binary."""
    with tempfile.TemporaryDirectory(prefix="service-down-apt-") as name:
        folder = Path(name)
        (folder / "lists" / "partial").mkdir(parents=True)
        (folder / "cache" / "archives" / "partial").mkdir(parents=True)
        (folder / "sources.list").write_text(f"deb [signed-by={KEYRING}] {mirror()} {NEWER} main\n")
        options = [
            f"Dir::Etc::sourcelist={folder}/sources.list",
            "Dir::Etc::sourceparts=/dev/null",
            f"Dir::State::lists={folder}/lists",
            f"Dir::Cache={folder}/cache",
            "APT::Sandbox::User=root",
        ]
        apt = ["apt-get", *(word for option in options for word in ("-o", option))]
        run([*apt, "update"], 300)
        run(["sh", "-c", 'cd "$0" && exec "$@"', str(folder), *apt, "download", "docker-compose"], 300)
        package = next(folder.glob("docker-compose_*.deb"))
        run(["dpkg-deb", "-x", str(package), str(folder / "tree")], 60)
        PLUGINS.mkdir(parents=True, exist_ok=True)
        binary = folder / "tree" / "usr" / "libexec" / "docker" / "cli-plugins" / "docker-compose"
        shutil.copy2(binary, PLUGINS / "docker-compose")

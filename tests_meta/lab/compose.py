"""Provides Compose v2: the installed one, a package of this distribution, or the package of Debian 13."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from service_down.tests_meta.lab.commands import LabError, command_succeeds, log, run_command, step
from service_down.tests_meta.lab.engine import install_packages

PLUGIN_FOLDER = Path.home() / ".docker" / "cli-plugins"
NEWER_DEBIAN = "trixie"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def ensure_compose() -> None:
    """Install Compose unless `docker compose` works. Raises LabError."""
    if _compose_works():
        log("compose: already installed")
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise LabError("`docker compose` is missing; install Docker's Compose v2 plugin and try again")
    for package in ("docker-compose-v2", "docker-compose-plugin"):
        if _is_available(package):
            with step(f"compose: installing {package}"):
                install_packages(package)
            if _compose_works():
                return
    with step(f"compose: fetching the plugin from Debian {NEWER_DEBIAN}"):
        _install_from_newer_debian()
    if not _compose_works():
        raise LabError("`docker compose` was installed, but does not work")


def _compose_works() -> bool:
    return command_succeeds(["docker", "compose", "version"], 20)


def _is_available(package: str) -> bool:
    return command_succeeds(["sh", "-c", f"apt-cache policy {package} | grep -q 'Candidate: [0-9]'"], 30)


def debian_mirror() -> str:
    """Return the URL of the package mirror that apt uses here. Raises LabError where it is not Debian's."""
    codename = run_command(["sh", "-c", ". /etc/os-release && echo $VERSION_CODENAME"], 5).strip()
    urls = run_command(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", f"Codename: {codename}"], 30
    ).split()
    if not urls or not Path(KEYRING).exists():
        raise LabError("this machine's apt names no Debian mirror; install Docker's Compose v2 plugin by hand")
    return urls[0]


def _install_from_newer_debian() -> None:
    """Download the package with a separate apt state, and copy its binary to the plugin folder."""
    with tempfile.TemporaryDirectory(prefix="service-down-apt-") as name:
        folder = Path(name)
        (folder / "lists" / "partial").mkdir(parents=True)
        (folder / "cache" / "archives" / "partial").mkdir(parents=True)
        (folder / "sources.list").write_text(f"deb [signed-by={KEYRING}] {debian_mirror()} {NEWER_DEBIAN} main\n")
        options = [
            f"Dir::Etc::sourcelist={folder}/sources.list",
            "Dir::Etc::sourceparts=/dev/null",
            f"Dir::State::lists={folder}/lists",
            f"Dir::Cache={folder}/cache",
            "APT::Sandbox::User=root",
        ]
        apt = ["apt-get", *(argument for option in options for argument in ("-o", option))]
        run_command([*apt, "update"], 300)
        run_command(["sh", "-c", 'cd "$0" && exec "$@"', str(folder), *apt, "download", "docker-compose"], 300)
        package = next(folder.glob("docker-compose_*.deb"))
        run_command(["dpkg-deb", "-x", str(package), str(folder / "tree")], 60)
        PLUGIN_FOLDER.mkdir(parents=True, exist_ok=True)
        binary = folder / "tree" / "usr" / "libexec" / "docker" / "cli-plugins" / "docker-compose"
        shutil.copy2(binary, PLUGIN_FOLDER / "docker-compose")

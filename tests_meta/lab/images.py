"""Provides images: the official ones where a registry answers, or one made of Debian packages."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Literal

from service_down.tests_meta.lab.commands import LabError, command_succeeds, log, run_command, step
from service_down.tests_meta.lab.compose import debian_mirror
from service_down.tests_meta.lab.engine import install_packages

ImageKind = Literal["official", "debian"]

PACKAGES = (
    "postgresql-15", "redis-server", "prometheus", "prometheus-alertmanager",
    "python3", "python3-psycopg2", "python3-redis", "ca-certificates",
)  # fmt: skip
# Further servers, to test their probes with: an image of their own, so that the reference stack's stays small.
SERVER_PACKAGES = ("mariadb-server", "rabbitmq-server", "memcached", "python3", "ca-certificates")
EXCLUDED_PATHS = (
    "/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*", "/usr/share/javascript/*",
    "/usr/lib/*/libLLVM*", "/usr/lib/*/libz3*", "/usr/lib/postgresql/*/lib/llvmjit*", "/usr/bin/promtool",
)  # fmt: skip  # these are half of the image's size; PostgreSQL runs with jit=off
DEBIAN_RELEASE = "bookworm"
REGISTRY_TEST_IMAGE = "hello-world:latest"
DOCKERFILE = """\
FROM python:3.12.11-slim-bookworm
RUN pip install --no-cache-dir psycopg2-binary==2.9.10 redis==6.2.0
"""


def ensure_images() -> tuple[ImageKind, str]:
    """Return the kind of images available here, and the name of the image for our own services. Raises LabError."""
    debian, official = _debian_name("service-down-lab", PACKAGES), _official_name()
    for kind, name in (("debian", debian), ("official", official)):
        if command_succeeds(["docker", "image", "inspect", name], 20):
            log(f"images: {_description(kind)}, already built")
            return kind, name  # type: ignore[return-value]  # both are literals above
    if command_succeeds(["docker", "pull", "--quiet", REGISTRY_TEST_IMAGE], 8):
        with step("images: a registry answers, so the official ones; building the image of our own services"):
            run_command(["docker", "build", "--quiet", "--tag", official, "-"], 600, input_text=DOCKERFILE)
        return "official", official
    with step(
        "images: no registry answers; building one from Debian packages, with stand-ins for Grafana, Loki, Tempo"
    ):
        _build_debian_image(debian, PACKAGES)
    return "debian", debian


def ensure_servers_image() -> str:
    """Return the name of the image with further servers, made of Debian packages in any case. Raises LabError."""
    name = _debian_name("service-down-lab-servers", SERVER_PACKAGES)
    if command_succeeds(["docker", "image", "inspect", name], 20):
        log("servers: the image is already built")
        return name
    with step("servers: building an image of Debian packages"):
        _build_debian_image(name, SERVER_PACKAGES)
    return name


def _description(kind: str) -> str:
    return "official" if kind == "official" else "Debian packages, with stand-ins for Grafana, Loki and Tempo"


def _debian_name(name: str, packages: tuple[str, ...]) -> str:
    recipe = " ".join((*packages, *EXCLUDED_PATHS, DEBIAN_RELEASE))
    return f"{name}:{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


def _official_name() -> str:
    return f"service-down-lab-python:{hashlib.sha256(DOCKERFILE.encode()).hexdigest()[:12]}"


def _build_debian_image(name: str, packages: tuple[str, ...]) -> None:
    """Build the image with mmdebstrap and import it into the engine."""
    if shutil.which("mmdebstrap") is None:
        if shutil.which("apt-get") is None:
            raise LabError("no image registry answers, and without apt no image can be built here")
        install_packages("mmdebstrap")
    with tempfile.TemporaryDirectory(prefix="service-down-image-") as folder:
        archive = Path(folder) / "image.tar"
        options = [f"--dpkgopt=path-exclude={pattern}" for pattern in EXCLUDED_PATHS]
        run_command(
            [
                "mmdebstrap",
                "--variant=minbase",
                f"--include={','.join(packages)}",
                *options,
                DEBIAN_RELEASE,
                str(archive),
                debian_mirror(),
            ],
            900,
        )
        run_command(["docker", "import", str(archive), name], 300)

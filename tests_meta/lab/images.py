"""Images: the official ones where a registry answers, else one made of Debian packages. Decided by trying."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Literal

from service_down.tests_meta.lab.commands import LabError, run, say, step, works
from service_down.tests_meta.lab.compose import mirror
from service_down.tests_meta.lab.engine import install

Kind = Literal["official", "debian"]

PACKAGES = (
    "postgresql-15", "redis-server", "prometheus", "prometheus-alertmanager",
    "python3", "python3-psycopg2", "python3-redis", "ca-certificates",
)  # fmt: skip
LEFT_OUT = (
    "/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*", "/usr/share/javascript/*",
    "/usr/lib/*/libLLVM*", "/usr/lib/*/libz3*", "/usr/lib/postgresql/*/lib/llvmjit*", "/usr/bin/promtool",
)  # fmt: skip  # half of the image's size; PostgreSQL runs with jit=off
SUITE = "bookworm"
SMALL = "hello-world:latest"
DOCKERFILE = """\
FROM python:3.12.11-slim-bookworm
RUN pip install --no-cache-dir psycopg2-binary==2.9.10 redis==6.2.0
"""


def ensure_images() -> tuple[Kind, str]:
    """The kind of images that this machine can have, and the name of our own services' image. Raises LabError."""
    debian, official = _debian_name(), _official_name()
    for kind, name in (("debian", debian), ("official", official)):
        if works(["docker", "image", "inspect", name], 20):
            say(f"images: {_described(kind)}, made earlier")
            return kind, name  # type: ignore[return-value]  # both are literals above
    if works(["docker", "pull", "--quiet", SMALL], 8):
        with step("images: a registry answers, so the official ones; building the services' own"):
            run(["docker", "build", "--quiet", "--tag", official, "-"], 600, input_text=DOCKERFILE)
        return "official", official
    with step("images: no registry answers, so one of Debian packages, with stand-ins for Grafana, Loki and Tempo"):
        _make(debian)
    return "debian", debian


def _described(kind: str) -> str:
    return "official" if kind == "official" else "Debian packages, with stand-ins for Grafana, Loki and Tempo"


def _debian_name() -> str:
    recipe = " ".join((*PACKAGES, *LEFT_OUT, SUITE))
    return f"service-down-lab:{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


def _official_name() -> str:
    return f"service-down-lab-python:{hashlib.sha256(DOCKERFILE.encode()).hexdigest()[:12]}"


def _make(name: str) -> None:
    """Builds the image with mmdebstrap, and imports it."""
    if shutil.which("mmdebstrap") is None:
        if shutil.which("apt-get") is None:
            raise LabError("no image registry answers, and without apt no image can be built here")
        install("mmdebstrap")
    with tempfile.TemporaryDirectory(prefix="service-down-image-") as folder:
        archive = Path(folder) / "image.tar"
        options = [f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT]
        packages = ",".join(PACKAGES)
        run(
            ["mmdebstrap", "--variant=minbase", f"--include={packages}", *options, SUITE, str(archive), mirror()],
            900,
        )
        run(["docker", "import", str(archive), name], 300)

"""Which Compose project is looked at when the compose file cannot be read: what is certain first, never a choice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fixtures.evidence import CannotLook
from fixtures.look import Look
from fixtures.probes.project import must_be_real, project_of
from fixtures.redact import Redactor
from fixtures.settings import Settings, Stack

LABEL = "com.docker.compose.project"
BASE = Path("/srv/My Shop")


class Compose:
    """What `docker compose config` says, if it says anything."""

    def __init__(self, name: str | None) -> None:
        self.name = name

    def raw(self, probe: str) -> Any:
        if self.name is None:
            raise CannotLook("the compose file cannot be used")
        return {"name": self.name}


def look(project: str | None = None, folder: str | None = None, **environ: str) -> Look:
    settings = Settings(stack=Stack(project_directory=folder))
    files = (BASE / "compose.yaml", BASE / "b.yaml")
    return Look(settings, environ, Redactor(b"salt"), "run", "triage", BASE, project, files)


def entry(project: str, files: str) -> dict[str, Any]:
    """A container as the engine lists it."""
    labels = {LABEL: project, f"{LABEL}.config_files": files, f"{LABEL}.working_dir": str(BASE)}
    return {"Id": project, "Labels": labels}


SHOP = entry("store", "/srv/My Shop/compose.yaml,/srv/My Shop/c.yaml")
TYPED = entry("store", "b.yaml")
COPY = entry("staging", "/srv/My Shop/b.yaml")
FOREIGN = entry("x", "/srv/x/compose.yaml")
UNLABELLED = {"Id": "y", "Labels": None}


@pytest.mark.parametrize(
    ("at", "listed", "file", "project"),
    [
        (look("told", COMPOSE_PROJECT_NAME="mine"), [SHOP], "named", "told"),
        (look(COMPOSE_PROJECT_NAME="mine"), [SHOP], "named", "named"),
        (look(), [FOREIGN, SHOP, SHOP, UNLABELLED], None, "store"),
        (look(), [TYPED, FOREIGN], None, "store"),
        (look(COMPOSE_PROJECT_NAME="staging"), [SHOP, COPY], None, "staging"),
        (look(COMPOSE_PROJECT_NAME="mine"), [], None, "mine"),
        (look(), [FOREIGN], None, "myshop"),
        (look(folder="/srv/elsewhere"), [FOREIGN], None, "elsewhere"),
    ],
    ids=["told", "file", "containers", "typed path", "environment chooses", "environment", "folder", "told folder"],
)
def test_the_project_is_known_without_its_compose_file(
    at: Look, listed: list[dict[str, Any]], file: str | None, project: str
) -> None:
    assert project_of(at, listed, Compose(file)) == project


def test_of_two_projects_of_one_file_none_is_guessed() -> None:
    with pytest.raises(CannotLook, match=r"several projects \(staging, store\): give --project"):
        project_of(look(), [SHOP, COPY], Compose(None))


def test_a_mistyped_project_is_not_one_that_is_gone() -> None:
    with pytest.raises(CannotLook, match="nothing of project sotre, and its compose files run as store"):
        must_be_real("sotre", look("sotre"), [SHOP, FOREIGN], ["x"])
    must_be_real("sotre", look("sotre"), [SHOP, FOREIGN], ["x", "sotre"])  # its volumes are still there
    must_be_real("store", look("store"), [FOREIGN], [])  # nobody else runs from these files

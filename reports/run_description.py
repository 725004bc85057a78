"""What a run was, in the words of its report: where, when, of what, and how much of it."""

from __future__ import annotations

import platform
import re
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pytest
from service_down.fixtures.evidence.observation import Context, utc
from service_down.fixtures.probes.context import LOCAL, Look
from service_down.fixtures.run.run import VERIFY, Run
from service_down.reports.delivery.terminal import plain
from service_down.reports.diagnosis.context import scene_from
from service_down.reports.diagnosis.diagnose import Scene

VERSION = "0.1.0"


def cleaned(run: Run, text: str | None) -> str | None:
    """What a person typed, on one line and without secrets."""
    return plain(run.look.redactor.text(text or "")).strip() or None


def actions_of(run: Run) -> list[str]:
    """What has been done: as recorded, where this is a recording, and as told now."""
    recorded = run.replayed.options.get("actions") if run.replayed else None
    told = [str(one) for one in (recorded if isinstance(recorded, list) else [])] + (run.options.action or [])
    return [text for one in told if (text := cleaned(run, one))]


def context_of(run: Run, project: str) -> Context:
    """What the run was; a recording's own where it is one."""
    if run.replayed:
        return run.replayed.evidence.context
    return Context(
        run=run.look.run,
        mode=run.look.mode,
        started=utc(run.started),
        host=_machine(run.look),
        stack=run.look.settings.stack.name,
        project=project,
        suite=_version(),
        incident=cleaned(run, run.options.incident),
    )


def _machine(look: Look) -> str:
    """The machine that the run is about: the one that was asked for, else the engine's, else this one."""
    return look.host if look.host != LOCAL else look.engine_host or platform.node()


def facts_of(run: Run, context: Context, seconds: float, interrupted: bool, scope: str | None) -> dict[str, Any]:
    """`run` of verdict.json."""
    return {
        "id": context.run,
        "started": context.started,
        "seconds": round(seconds, 2),
        "replayed": run.replayed is not None,
        "interrupted": interrupted,
        "scope": scope,
        "suite": context.suite,
        "host": context.host,
        "stack": context.stack,
        "project": context.project,
        "incident": cleaned(run, run.options.incident) or context.incident,
        "actions": actions_of(run),
    }


def scene_of(run: Run) -> Scene:
    """What the diagnosis knows beside the findings, from what was asked already."""
    return scene_from(
        settings=run.look.settings,
        model=run.stack(),
        observations=run.observations(),
        compose=run.compose,
        project=run.look.project,
        now=run.now(),
        alert=run.alert,
        recovering=run.look.mode == VERIFY,
        breach=run.options.suspect_breach or bool(run.replayed and run.replayed.options.get("breach")),
    )


def scope_of(config: pytest.Config, mode: str) -> str | None:
    """What the run was limited to, in the words of its options; None when to nothing."""
    option = config.option
    parts = [f"--service={name}" for name in option.service or ()]
    parts += [f"-k {option.keyword}"] if option.keyword else []
    parts += [f"-m {option.markexpr!r}"] if option.markexpr.strip() != mode else []
    parts += [f"--deselect={name}" for name in option.deselect or ()]
    parts += [f"--ignore={name}" for name in [*(option.ignore or ()), *(option.ignore_glob or ())]]
    if config.args_source == pytest.Config.ArgsSource.ARGS:
        parts += [name for name in config.args if not re.fullmatch(r"(?:.*/)?checks/?", name)]
    return " ".join(parts) or None


def two_machines(look: Look) -> str:
    """What to say when the machine that is looked at is another one than the engine's, as far as can be told."""
    if look.host == LOCAL or look.engine_url or "localhost" in look.host or "127.0.0.1" in look.host:
        return ""
    return f"--hosts looks at {look.host}, but the engine asked is this machine's: set DOCKER_HOST to that one's"


def _version() -> str:
    try:
        return version("service-down")
    except PackageNotFoundError:
        return VERSION

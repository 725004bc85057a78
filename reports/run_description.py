"""What a run was, in the words of its report: where, when, of what, and how much of it."""

from __future__ import annotations

import platform
import re
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pytest
from service_down.fixtures.evidence.observation import RunContext, utc
from service_down.fixtures.probes.context import LOCAL, ProbeContext
from service_down.fixtures.run.run import VERIFY, Run
from service_down.reports.diagnosis.context import diagnosis_context_from
from service_down.reports.diagnosis.diagnose import DiagnosisContext
from service_down.reports.text import single_line

VERSION = "0.1.0"


def cleaned(run: Run, text: str | None) -> str | None:
    """What a person typed, on one line and without secrets."""
    return single_line(run.context.redactor.text(text or "")).strip() or None


def actions_of(run: Run) -> list[str]:
    """What has been done: as recorded, where this is a recording, and as told now."""
    recorded = run.replayed.options.get("actions") if run.replayed else None
    told = [str(one) for one in (recorded if isinstance(recorded, list) else [])] + (run.options.action or [])
    return [text for one in told if (text := cleaned(run, one))]


def context_of(run: Run, project: str) -> RunContext:
    """What the run was; a recording's own where it is one."""
    if run.replayed:
        return run.replayed.evidence.context
    return RunContext(
        run=run.context.run,
        mode=run.context.mode,
        started=utc(run.started),
        host=_machine(run.context),
        stack=run.context.settings.stack.name,
        project=project,
        suite=_version(),
        incident=cleaned(run, run.options.incident),
    )


def _machine(context: ProbeContext) -> str:
    """The machine that the run is about: the one that was asked for, else the engine's, else this one."""
    return context.host if context.host != LOCAL else context.engine_host or platform.node()


def facts_of(run: Run, context: RunContext, seconds: float, interrupted: bool, scope: str | None) -> dict[str, Any]:
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


def scene_of(run: Run) -> DiagnosisContext:
    """What the diagnosis knows beside the findings, from what was asked already."""
    return diagnosis_context_from(
        settings=run.context.settings,
        model=run.stack(),
        observations=run.observations(),
        compose=run.compose,
        project=run.context.project,
        now=run.now(),
        alert=run.alert,
        recovering=run.context.mode == VERIFY,
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


def two_machines(context: ProbeContext) -> str:
    """What to say when the machine that is looked at is another one than the engine's, as far as can be told."""
    if context.host == LOCAL or context.engine_url or "localhost" in context.host or "127.0.0.1" in context.host:
        return ""
    return f"--hosts looks at {context.host}, but the engine asked is this machine's: set DOCKER_HOST to that one's"


def _version() -> str:
    try:
        return version("service-down")
    except PackageNotFoundError:
        return VERSION

"""The run itself, as its report and its recording describe it."""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version

import msgspec
import pytest

from service_down.fixtures.engines.registry import ENGINE
from service_down.fixtures.evidence.observation import Evidence, Observations, RunContext, utc
from service_down.fixtures.evidence.recording import Recording, encode
from service_down.fixtures.own_checks.recorded import RecordedCheck
from service_down.fixtures.probes.context import LOCAL, ProbeContext
from service_down.fixtures.run.modes import PREVENT, VERIFY
from service_down.fixtures.run.run import Run
from service_down.fixtures.text import single_line
from service_down.reports.diagnosis.context import diagnosis_context_from
from service_down.reports.diagnosis.diagnose import DiagnosisContext
from service_down.reports.verdict import CheckResult
from service_down.reports.verdict_file import RunInfo

VERSION = "0.1.0"  # of a checkout that is not installed


def run_context_of(run: Run, project: str) -> RunContext:
    """Return the run's context. For a replay, return the recorded context."""
    if run.replayed:
        return run.replayed.evidence.context
    return RunContext(
        run=run.context.run,
        mode=run.context.mode,
        started=utc(run.started),
        host=_clean(run, _machine(run.context)) or "?",
        stack=_clean(run, run.context.settings.stack.name) or "?",
        project=project,
        suite=_version(),
        incident=_clean(run, run.options.incident),
    )


def _machine(context: ProbeContext) -> str:
    """Return the machine that is checked: that of --hosts, else the engine's, else this one."""
    return context.host if context.host != LOCAL else context.engine_host or platform.node()


def _version() -> str:
    try:
        return version("service-down")
    except PackageNotFoundError:
        return VERSION


def run_info(run: Run, context: RunContext, seconds: float, interrupted: bool, scope: str | None) -> RunInfo:
    """Return the run's part of the verdict file. `context`: the run's own, or the recorded one."""
    return RunInfo(
        id=context.run,
        started=context.started,
        seconds=round(seconds, 2),
        replayed=run.replayed is not None,
        interrupted=interrupted,
        scope=_clean(run, scope),
        suite=context.suite,
        host=context.host,
        stack=context.stack,
        project=context.project,
        incident=_clean(run, run.options.incident) or context.incident,
        actions=_actions(run),
        derived={key: _clean(run, origin) or "" for key, origin in (run.model.derived if run.model else {}).items()},
    )


def _actions(run: Run) -> tuple[str, ...]:
    """Return the actions of a recording, and those of --action."""
    recorded = run.replayed.options.get("actions") if run.replayed else None
    actions = [str(action) for action in (recorded if isinstance(recorded, list) else [])]
    actions += run.options.action or []
    return tuple(text for action in actions if (text := _clean(run, action)))


def _clean(run: Run, text: str | None) -> str | None:
    """Return what a person typed, on one line and without secrets; None for nothing."""
    return single_line(run.context.redactor.redact_text(text or "")).strip() or None


def diagnosis_context_of(run: Run, observations: Observations) -> DiagnosisContext:
    """Return what the diagnosis knows beside the findings."""
    return diagnosis_context_from(
        settings=run.shown_settings,
        model=run.stack(),
        observations=observations,
        compose=run.compose,
        project=run.context.project,
        now=run.now(),
        alert=run.alert,
        recovering=run.context.mode == VERIFY,
        only_set_up=run.context.mode == PREVENT,
        breach=run.options.suspect_breach or bool(run.replayed and run.replayed.options.get("breach")),
    )


def recording_of(
    run: Run,
    context: RunContext,
    observations: Observations,
    actions: Sequence[str],
    checks: Sequence[CheckResult],
) -> bytes:
    """Return the run's recording, encoded: everything that a replay needs to reach the same verdict.

    Of the `checks` it keeps the results of the user's own: a replay does not execute these.
    """
    own_checks = [msgspec.to_builtins(_recorded(check)) for check in checks if check.own]
    options = {
        "now": run.now().isoformat(),
        "compose": run.compose,
        "services": list(run.context.services),
        "alert": asdict(run.alert) if run.alert else None,
        "actions": list(actions),
        "breach": run.options.suspect_breach,
        "own_checks": own_checks,
    }
    evidence = Evidence(context, observations.stored)
    return encode(Recording(evidence, run.context.settings, run.stack(), options), run.context.redactor)


def _recorded(check: CheckResult) -> RecordedCheck:
    known = (check.id, check.service, check.outcome, check.seconds, check.message, check.findings)
    return RecordedCheck(*known, check.only_warns)


def scope_of(config: pytest.Config, mode: str, own_paths: Sequence[str] = ()) -> str | None:
    """Return the options that limit the run to a part of the checks; None without any.

    `own_paths` are those of the user's own checks that the settings name beside all others.
    """
    option = config.option
    parts = [f"--service={name}" for name in option.service or ()]
    parts += [f"-k {option.keyword}"] if option.keyword else []
    parts += [f"-m {option.markexpr!r}"] if option.markexpr.strip() != mode else []
    parts += [f"--deselect={name}" for name in option.deselect or ()]
    parts += [f"--ignore={name}" for name in [*(option.ignore or ()), *(option.ignore_glob or ())]]
    if config.args_source == pytest.Config.ArgsSource.ARGS:
        named = [name for name in config.args if name not in own_paths]
        parts += [name for name in named if not re.fullmatch(r"(?:.*/)?checks/?", name)]
    return " ".join(parts) or None


def engine_notes(observations: Observations) -> tuple[str, ...]:
    """Return a note on each question that the engine did not answer, beside those whose checks say so."""
    state = observations.value(ENGINE)
    return state.gaps if state else ()


def other_engine_note(context: ProbeContext) -> str:
    """Return a note when --hosts names another machine than the engine's, as far as it can be known; else nothing."""
    if context.host == LOCAL or context.engine_url or "localhost" in context.host or "127.0.0.1" in context.host:
        return ""
    host = context.redactor.redact_text(context.host)
    return f"--hosts looks at {host}, but the engine asked is this machine's: set DOCKER_HOST to that one's"

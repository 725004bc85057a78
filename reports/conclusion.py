"""What a run concludes: its verdict, the verdict file and its history, each made once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from service_down.fixtures.evidence.observation import Observations, RunContext
from service_down.fixtures.run.run import Run
from service_down.reports.diagnosis.diagnose import DiagnosisContext, diagnose
from service_down.reports.history.incident import HistoryOptions, RunHistory, history_of
from service_down.reports.run_description import diagnosis_context_of, run_context_of, run_info
from service_down.reports.steps import Steps
from service_down.reports.verdict import CheckResult, Verdict
from service_down.reports.verdict_file import VerdictFile, verdict_file


@dataclass(frozen=True)
class Conclusion:
    """The verdict of a run, and everything that its report is made of."""

    run_context: RunContext
    observations: Observations
    context: DiagnosisContext | None  # None when it could not be made
    verdict: Verdict
    file: VerdictFile
    history: RunHistory | None  # None when it could not be made


@dataclass(frozen=True)
class RunEnd:
    """How the run ended."""

    seconds: float
    interrupted: bool
    missing: int  # checks that were selected and did not run
    scope: str | None


def conclude(
    run: Run, results: Sequence[CheckResult], end: RunEnd, history_options: HistoryOptions, steps: Steps
) -> Conclusion:
    """Return the conclusion of the results. There is always one: at worst, its verdict is unknown."""
    steps.attempt("the model", run.stack)  # it may wait for the engine, whose observation belongs to the run
    observations = run.observations()
    context = steps.attempt("the verdict", lambda: diagnosis_context_of(run, observations))
    verdict = _verdict(results, context, end.missing, steps)
    run_context = run_context_of(run, context.project if context else "?")
    info = run_info(run, run_context, end.seconds, end.interrupted or end.missing > 0, end.scope)
    file = verdict_file(verdict, info, run.context.mode)
    history = steps.attempt("the incident's other runs", lambda: history_of(file, history_options))
    if history:
        steps.note(history.note)
        file = replace(file, compared=history.compared)
    return Conclusion(run_context, observations, context, verdict, file, history)


def _verdict(results: Sequence[CheckResult], context: DiagnosisContext | None, missing: int, steps: Steps) -> Verdict:
    verdict = None
    if context:
        judged = replace(context, missing=missing)
        verdict = steps.attempt("the verdict", lambda: diagnose(results, judged))
    return verdict or Verdict("unknown", "the results could not be judged", checks=tuple(results))

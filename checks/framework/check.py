"""What a check is: a pytest test with an id, the runbook sections it automates, and the probes it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import pytest

from service_down.fixtures.catalog.finding import Finding
from service_down.fixtures.engines.registry import ENGINE
from service_down.fixtures.evidence.observation import NEEDS_SETTINGS, CannotCheck, NeedsSettings, Observation, ProbeKey
from service_down.fixtures.run.modes import PREVENT, TRIAGE, VERIFY
from service_down.fixtures.settings.schema import Settings
from service_down.fixtures.stack.model import Model

BOTH_MODES = (TRIAGE, VERIFY)
VERIFY_ONLY = (VERIFY,)
TRIAGE_ONLY = (TRIAGE,)
PREVENT_ONLY = (PREVENT,)
VERIFY_AND_PREVENT = (VERIFY, PREVENT)

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
T_contra = TypeVar("T_contra", contravariant=True)


@dataclass(frozen=True)
class Target(Generic[T_co]):
    """One thing of the stack that a check is parametrized over: its id, its service, and its settings or model.

    `origin`: what tells of it, where nobody wrote it into the settings.
    """

    id: str
    service: str
    spec: T_co
    model: Model
    settings: Settings
    origin: str = ""


AnyTarget = Target[object]
AnyKey = ProbeKey[object]
Keys = Callable[[Target[T]], Sequence[AnyKey]]
Targets = Callable[[Settings, Model], Sequence[Target[T]]]


def no_keys(target: AnyTarget) -> Sequence[AnyKey]:
    """For a check without probes of this kind."""
    return ()


@dataclass(frozen=True)
class Check:
    """The description of a check.

    `requires` are probes without whose answer there is nothing to judge. `judges` are probes whose error is judged
    too. `uses` are probes whose answer improves the finding, and may be missing. `absent` says why there may be no
    target. `only_warns`: the check gives warnings only, so where it could not run it hides nothing that is down.
    """

    id: str
    runbook: tuple[str, ...]
    modes: tuple[str, ...]
    targets: Targets[object]
    requires: Keys[object] = no_keys
    judges_errors_of: Keys[object] = no_keys
    uses: Keys[object] = no_keys
    absent: str = "stack.toml names nothing of the kind"
    only_warns: bool = False

    def keys(self, target: AnyTarget) -> tuple[AnyKey, ...]:
        """Every probe whose answer the check may read."""
        return (*self.requires(target), *self.judges_errors_of(target), *self.uses(target))

    def probes(self, target: AnyTarget) -> tuple[str, ...]:
        """The ids of these probes."""
        return tuple(key.id for key in self.keys(target))


class ObservationSource(Protocol):
    """Where observations come from: the collector itself, a worker's connection to it, or a recording."""

    def start(self, probes: Iterable[str]) -> None:
        """Starts the probes."""

    def read(self, key: ProbeKey[T]) -> Observation[T]:
        """The observation of a probe."""

    def refresh(self, probes: Iterable[str] | None = None) -> None:
        """Lets these probes run anew; None: all of them."""

    def is_interrupted(self) -> bool:
        """Whether nothing is asked any more."""


class CheckEvidence:
    """The observations that one check may judge."""

    def __init__(self, check: Check, target: AnyTarget, source: ObservationSource, mode: str) -> None:
        """Waits for the answers. Raises CannotCheck when one that is required is missing."""
        self.mode = mode
        source.start(check.probes(target))
        self._observations = {key.id: source.read(key) for key in check.keys(target)}
        for key in check.requires(target):
            if self._observations[key.id].outcome != "seen":
                raise _cannot_check(self._observations[key.id], f"{key.id} could not be asked: ")
        for key in check.judges_errors_of(target):
            if self._observations[key.id].outcome == "unlooked":
                raise _cannot_check(self._observations[key.id])

    def __getitem__(self, key: ProbeKey[T]) -> Observation[T]:
        """The observation of a probe."""
        return self._observations[key.id]  # type: ignore[return-value]  # it was read with this key

    def value(self, key: ProbeKey[T]) -> T | None:
        """The value of a probe; None when it has none."""
        return self[key].value

    def required(self, key: ProbeKey[T]) -> T:
        """The value of a probe that the check requires. Raises CannotCheck when there is none."""
        observation = self[key]
        if observation.value is None:
            raise CannotCheck(f"{key.id} could not be asked: {observation.text}")
        return observation.value

    def times(self) -> Mapping[str, float]:
        """The seconds that each probe took: pytest's own figures count the waiting of whichever test came first."""
        return {probe: observation.seconds for probe, observation in self._observations.items()}


def _cannot_check(observation: Observation[object], beginning: str = "") -> CannotCheck:
    """The exception for an observation without an answer."""
    kind = NeedsSettings if observation.kind == NEEDS_SETTINGS else CannotCheck
    return kind(beginning + observation.text)


class CheckFailed(AssertionError):  # noqa: N818  # an outcome of the design, not a programming error
    """A check did not pass; its text is one line for each finding."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(f"{finding.code}: {finding.summary}" for finding in findings))
        self.findings = tuple(findings)


class ReportFindings(Protocol):
    """Ends a check: it passes, warns, or raises CheckFailed. `note` says what was not judged."""

    def __call__(self, findings: Sequence[Finding], note: str = "") -> None:
        """Ends it with these findings."""


class CheckFunction(Protocol[T_contra]):
    """The pytest test of a check."""

    def __call__(
        self, target: Target[T_contra], evidence: CheckEvidence, report_findings: ReportFindings
    ) -> None:  # the names are pytest's fixtures
        """Judges the evidence, and ends with `report_findings`."""


def check(
    name: str,
    *,
    runbook: tuple[str, ...],
    modes: tuple[str, ...] = BOTH_MODES,
    targets: Targets[T],
    requires: Keys[T] = no_keys,
    judges_errors_of: Keys[T] = no_keys,
    uses: Keys[T] = no_keys,
    absent: str = Check.absent,
    only_warns: bool = False,
) -> Callable[[CheckFunction[T]], CheckFunction[T]]:
    """Makes a test a check; the fields are those of Check."""
    description = Check(name, runbook, modes, targets, requires, judges_errors_of, uses, absent, only_warns)  # type: ignore[arg-type]  # its targets are its own

    def decorate(test: CheckFunction[T]) -> CheckFunction[T]:
        for mode in modes:
            getattr(pytest.mark, mode)(test)
        pytest.mark.check(description)(test)
        return test

    return decorate


def engine_key(target: AnyTarget) -> Sequence[AnyKey]:
    """For checks of what only the engine knows."""
    return (ENGINE,)

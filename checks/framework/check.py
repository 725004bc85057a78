"""What a check is: a pytest test with an id, the runbook sections it automates, and the probes it asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import pytest
from service_down.fixtures.catalog.finding import Finding
from service_down.fixtures.evidence.observation import CannotCheck, Observation
from service_down.fixtures.settings.schema import Settings
from service_down.fixtures.stack.model import Model

TRIAGE, VERIFY = "triage", "verify"
BOTH = (TRIAGE, VERIFY)

T = TypeVar("T")


@dataclass(frozen=True)
class Target(Generic[T]):
    """One thing of the stack that a check is about: its id, its service, and what the settings say of it."""

    id: str
    service: str
    spec: T
    model: Model
    settings: Settings


AnyTarget = Target[Any]
Ids = Callable[[AnyTarget], Sequence[str]]


def _nothing(target: AnyTarget) -> Sequence[str]:
    return ()


@dataclass(frozen=True)
class Check:
    """The description of a check.

    `needs` are probes without whose answer there is nothing to judge; `asks` are those whose error is judged too;
    `uses` are those whose answer makes the finding better, and may be missing. `absent` says why there may be
    nothing to look at. `only_warns`: nothing but warnings come of it, so where it could not look it hides nothing that
    is down.
    """

    id: str
    runbook: tuple[str, ...]
    modes: tuple[str, ...]
    over: Callable[[Settings, Model], Sequence[AnyTarget]]
    needs: Ids = _nothing
    asks: Ids = _nothing
    uses: Ids = _nothing
    absent: str = "stack.toml names nothing of the kind"
    only_warns: bool = False

    def probes(self, target: AnyTarget) -> tuple[str, ...]:
        """Every probe the check may look at."""
        return (*self.needs(target), *self.asks(target), *self.uses(target))


class ObservationSource(Protocol):
    """Whoever answers for probes: the collector itself, or a worker's connection to it."""

    def start(self, probes: Iterable[str]) -> None:
        """Starts the probes."""

    def get(self, probe: str) -> Observation:
        """The observation of a probe."""

    def refresh(self, probes: Iterable[str] | None = None) -> None:
        """Lets these probes be asked anew; None: all of them."""


class CheckEvidence:
    """The observations that one check may judge."""

    def __init__(self, check: Check, target: AnyTarget, source: ObservationSource, mode: str) -> None:
        """Waits for the answers. Raises CannotLook when one that is needed is missing."""
        self.mode = mode
        source.start(check.probes(target))
        self._observations = {probe: source.get(probe) for probe in check.probes(target)}
        for probe in check.needs(target):
            if self._observations[probe].outcome != "seen":
                raise CannotCheck(f"{probe} could not be asked: {self._observations[probe].text}")
        for probe in check.asks(target):
            if self._observations[probe].outcome == "unlooked":
                raise CannotCheck(self._observations[probe].text)

    def __getitem__(self, probe: str) -> Observation:
        """The observation of `probe`."""
        return self._observations[probe]

    def value(self, probe: str) -> Any:
        """The value of `probe`, or None when it has none."""
        return self._observations[probe].value

    def times(self) -> Mapping[str, float]:
        """The seconds each probe took by itself: pytest's own figures blame whichever test waited first."""
        return {name: observation.seconds for name, observation in self._observations.items()}


class CheckFailed(AssertionError):  # noqa: N818  # a word of the design, not a programming error
    """A check did not pass; its text is one line for each finding."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(f"{one.code}: {one.summary}" for one in findings))
        self.findings = tuple(findings)


class ReportFindings(Protocol):
    """Ends a check: passes, warns, or raises NotFine; `note` says what was left aside."""

    def __call__(self, findings: Sequence[Finding], note: str = "") -> None:
        """Ends it with these findings."""


def check(
    name: str,
    *,
    runbook: tuple[str, ...],
    modes: tuple[str, ...] = BOTH,
    over: Callable[[Settings, Model], Sequence[AnyTarget]],
    needs: Ids = _nothing,
    asks: Ids = _nothing,
    uses: Ids = _nothing,
    absent: str = Check.absent,
    only_warns: bool = False,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Makes a test a check; the fields are those of Check."""
    described = Check(name, runbook, modes, over, needs, asks, uses, absent, only_warns)

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        for mode in modes:
            test = getattr(pytest.mark, mode)(test)
        marked: Callable[..., None] = pytest.mark.check(described)(test)
        return marked

    return decorate


def needs_engine(target: AnyTarget) -> Sequence[str]:
    """For checks of what only the engine knows."""
    return ("engine",)

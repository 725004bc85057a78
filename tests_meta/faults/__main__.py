"""Injects faults into the reference stack, runs the suite, and compares its verdict with the expected one.

`matrix` tries faults on a separate stack and heals it after each. `drill` injects one fault into the demo stack and
leaves it there for practice; `drill-heal` removes it. `list` prints all faults.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from service_down.tests_meta.faults.assessment import Assessment, assess
from service_down.tests_meta.faults.fault import Fault, load_faults
from service_down.tests_meta.faults.inject import FaultInjector, replay_verdict
from service_down.tests_meta.faults.recording import replay_differences, save_recording
from service_down.tests_meta.lab.commands import LabError, log
from service_down.tests_meta.lab.stack import make_stack
from service_down.tests_meta.suite_run import ROOT

REPORTS = ROOT / "reports" / "out"
RESULTS_FILE = REPORTS / "faults.json"
FAST_HEALTHCHECKS = {"LAB_INTERVAL": "2s"}  # the stack must become healthy again after every fault


@dataclass(frozen=True)
class MatrixRow:
    """The result of one fault."""

    fault: str
    expected: str
    got: str
    seconds: float
    assessment: Assessment

    @property
    def mark(self) -> str:
        """`right` or `WRONG`."""
        return "right" if self.assessment.right else "WRONG"

    def text(self) -> str:
        """Return the row as text, with a line below it for each mistake."""
        columns = f"{self.fault:<34} {self.expected:<52.52} {self.got:<52.52} {self.seconds:>6} {self.mark}"
        return "\n".join([columns, *(f"    {sentence}" for sentence in self.assessment.sentences())])


def run_matrix(injector: FaultInjector, chosen: Iterable[Fault], record: bool) -> list[MatrixRow]:
    """Inject each fault, run the suite and heal the stack; return a row for each."""
    rows = []
    injector.stack.up()
    for fault in chosen:
        row = _try_fault(injector, fault, record)
        rows.append(row)
        print(row.text(), flush=True)
    return rows


def _try_fault(injector: FaultInjector, fault: Fault, record: bool) -> MatrixRow:
    with tempfile.TemporaryDirectory(prefix="service-down-fault-") as folder:
        try:
            injector.inject(fault)
            run, seconds = injector.run_suite(fault, Path(folder))
            verdict = run.verdict
            assessment = assess(fault, verdict)
            replayed = replay_verdict(run.folder, Path(folder) / "replay")
            assessment = replace(assessment, mistakes=(*assessment.mistakes, *replay_differences(verdict, replayed)))
            got = ", ".join([verdict["verdict"], *(f"{service} {code}" for service, code in run.causes)])
            if record and assessment.right:
                save_recording(fault.name, run.folder)
        except LabError as error:
            assessment, got, seconds = Assessment(mistakes=(f"lab: {error}",)), "no verdict", 0.0
        finally:
            _heal(injector, fault)
    expected = ", ".join([fault.verdict, *fault.causes])
    return MatrixRow(fault.name, expected, got, round(seconds, 2), assessment)


def _heal(injector: FaultInjector, fault: Fault) -> None:
    """Heal the stack; where that fails, make it anew, so that the next fault begins with a healthy stack."""
    try:
        injector.heal(fault)
    except LabError as error:
        log(f"could not heal {fault.name}, so the stack is removed and started again: {error}")
        injector.stack.down()
        injector.stack.up()


def totals(rows: list[MatrixRow]) -> str:
    """Return the result of the matrix in one line."""
    known = load_faults()
    expected = sum(len(known[row.fault].causes) for row in rows)
    missed = sum(len(row.assessment.missed_causes) for row in rows)
    false = sum(len(row.assessment.false_causes) for row in rows)
    wrong = sum(not row.assessment.right for row in rows)
    return f"{len(rows)} faults, {wrong} wrong; causes: {expected - missed} right, {missed} missed, {false} false"


def main() -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m service_down.tests_meta.faults",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=("matrix", "list", "drill", "drill-heal"))
    parser.add_argument("names", nargs="*", metavar="FAULT", help="name of a fault (default: all)")
    parser.add_argument("--record", action="store_true", help="save the evidence of faults with the right verdict")
    parser.add_argument("--times", type=int, default=1, metavar="N", help="number of runs of the matrix (default: 1)")
    options = parser.parse_args()
    known = load_faults()
    unknown = [name for name in options.names if name not in known]
    if unknown:
        print(f"unknown fault: {unknown[0]}; `make drills` lists all faults", file=sys.stderr)
        return 2
    chosen = [known[name] for name in options.names or known]
    try:
        match options.command:
            case "list":
                return _list(chosen)
            case "matrix":
                return _matrix(chosen, options.record, options.times)
            case "drill":
                return _drill(chosen)
            case _:
                return _heal_drill(known)
    except LabError as error:
        log(f"error: {error}")
        return 1


def _list(chosen: list[Fault]) -> int:
    width = max(len(fault.name) for fault in chosen)
    for fault in chosen:
        print(f"{fault.name:<{width}}  {fault.says}")
    return 0


def _matrix(chosen: list[Fault], record: bool, times: int) -> int:
    injector = FaultInjector(make_stack("service-down-faults", 12_000, FAST_HEALTHCHECKS))
    rows: list[MatrixRow] = []
    for _ in range(times):
        rows += run_matrix(injector, chosen, record)
    RESULTS_FILE.parent.mkdir(parents=True, exist_ok=True)
    RESULTS_FILE.write_text(json.dumps([{**asdict(row), "mark": row.mark} for row in rows], indent=1) + "\n")
    print(totals(rows))
    return 1 if any(not row.assessment.right for row in rows) else 0


def _demo_injector() -> FaultInjector:
    return FaultInjector(make_stack("pyairtable-demo"))


def _drill_note(injector: FaultInjector) -> Path:
    """Return the file that holds the name of the fault of the current drill."""
    return injector.stack.state_folder / "drill"


def _drill(chosen: list[Fault]) -> int:
    """Inject one fault into the demo stack, and leave it broken."""
    if len(chosen) != 1:
        log("a drill needs exactly one fault: make drill FAULT=name (make drills lists them)")
        return 2
    (fault,) = chosen
    injector = _demo_injector()
    injector.stack.up()
    injector.inject(fault)
    _drill_note(injector).write_text(fault.name)
    run, _ = injector.run_suite(fault, REPORTS)
    print(run.out)
    assessment = assess(fault, run.verdict)
    log(f"injected fault: {fault.name} ({fault.says})")
    log("the verdict is right" if assessment.right else f"the verdict is WRONG: {'; '.join(assessment.sentences())}")
    log("repair the stack yourself, or run: make drill-heal")
    return 0 if assessment.right else 1


def _heal_drill(known: dict[str, Fault]) -> int:
    """Heal the demo stack after a drill."""
    injector = _demo_injector()
    note = _drill_note(injector)
    if note.exists():
        injector.heal(known[note.read_text()])
        note.unlink()
    log("healed: the stack is healthy")
    return 0


if __name__ == "__main__":
    sys.exit(main())

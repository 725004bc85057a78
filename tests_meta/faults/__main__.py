"""`make faults` runs the whole matrix; `make drill` gives one fault to the demo stack and leaves it for practice."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from service_down.tests_meta.faults.case import Fault, Marked, faults, mark
from service_down.tests_meta.faults.inject import ROOT, Patient, replayed
from service_down.tests_meta.faults.recording import differences, keep
from service_down.tests_meta.lab.commands import LabError, say
from service_down.tests_meta.lab.stack import make_stack

OUT = ROOT / "reports" / "out" / "faults.json"
QUICK = {"LAB_INTERVAL": "2s"}  # between healthchecks: the stack is made whole again some eighty times
Row = dict[str, object]


def run_matrix(patient: Patient, chosen: Iterable[Fault], record: bool) -> list[Row]:
    """Gives each fault, asks, heals; a row for each."""
    rows = []
    patient.stack.up()
    for fault in chosen:
        row = _run(patient, fault, record)
        rows.append(row)
        print(
            f"{fault.name:<34} {row['expected']!s:<52.52} {row['got']!s:<52.52} {row['seconds']:>6} {row['mark']}",
            flush=True,
        )
        for sentence in row["why"] if isinstance(row["why"], tuple) else ():
            print(f"    {sentence}", flush=True)
    return rows


def _run(patient: Patient, fault: Fault, record: bool) -> Row:
    expected = ", ".join([fault.verdict, *fault.causes])
    with tempfile.TemporaryDirectory(prefix="service-down-fault-") as folder:
        try:
            patient.inject(fault)
            verdict, _, seconds = patient.ask(fault, Path(folder))
            marked = mark(fault, verdict)
            again = replayed(Path(folder) / "latest", Path(folder) / "again")
            marked = replace(marked, wrong=(*marked.wrong, *differences(verdict, again)))
            got = ", ".join([verdict["verdict"], *(f"{one['service']} {one['code']}" for one in verdict["causes"])])
            if record and marked.right:
                keep(fault.name, Path(folder) / "latest")
        except LabError as error:
            marked, got, seconds = Marked((f"lab: {error}",), (), ()), "not tried", 0.0
        finally:
            _heal(patient, fault)
    return {
        "fault": fault.name,
        "expected": expected,
        "got": got,
        "seconds": round(seconds, 2),
        "mark": "right" if marked.right else "WRONG",
        "why": marked.wrong,
        "missed": marked.missed,
        "false": marked.false,
    }


def _heal(patient: Patient, fault: Fault) -> None:
    """Heals; when that does not do, makes the stack anew, so that the next fault finds it whole."""
    try:
        patient.heal(fault)
    except LabError as error:
        say(f"healing {fault.name} by making the stack anew: {error}")
        patient.stack.down()
        patient.stack.up()


def totals(rows: list[Row]) -> str:
    """The matrix in a line."""
    wanted = sum(len(faults()[str(row["fault"])].causes) for row in rows)
    missed = sum(len(row["missed"]) for row in rows if isinstance(row["missed"], tuple))
    false = sum(len(row["false"]) for row in rows if isinstance(row["false"], tuple))
    wrong = sum(row["mark"] != "right" for row in rows)
    return f"{len(rows)} cases, {wrong} wrong; causes: {wanted - missed} right, {missed} missed, {false} false"


def main() -> int:
    """Runs one command."""
    parser = argparse.ArgumentParser(prog="python -m service_down.tests_meta.faults", description=__doc__)
    parser.add_argument("command", choices=("matrix", "list", "drill", "drill-heal"))
    parser.add_argument("names", nargs="*", metavar="FAULT", help="only these")
    parser.add_argument("--record", action="store_true", help="keep the evidence of what was right")
    parser.add_argument("--times", type=int, default=1, help="run the matrix this often")
    told = parser.parse_args()
    known = faults()
    strange = [name for name in told.names if name not in known]
    if strange:
        print(f"there is no fault {strange[0]}; `make drills` lists them", file=sys.stderr)
        return 2
    chosen = [known[name] for name in told.names or known]
    if told.command == "list":
        for fault in known.values():
            print(f"{fault.name:<36} {fault.says}")
        return 0
    try:
        return _matrix(chosen, told.record, told.times) if told.command == "matrix" else _drill(told.command, chosen)
    except LabError as error:
        say(f"cannot: {error}")
        return 1


def _matrix(chosen: list[Fault], record: bool, times: int) -> int:
    patient = Patient(make_stack("service-down-faults", 12_000, QUICK))
    rows: list[Row] = []
    for _ in range(times):
        rows += run_matrix(patient, chosen, record)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(rows, indent=1) + "\n")
    print(totals(rows))
    return 1 if any(row["mark"] != "right" for row in rows) else 0


def _drill(command: str, chosen: list[Fault]) -> int:
    patient = Patient(make_stack("pyairtable-demo"))
    note = patient.stack.state / "drill"
    if command == "drill-heal":
        if note.exists():
            patient.heal(faults()[note.read_text()])
            note.unlink()
        say("healed: the stack is whole again")
        return 0
    if len(chosen) != 1:
        say("one fault at a time: make drill FAULT=name")
        return 2
    patient.stack.up()
    patient.inject(chosen[0])
    note.write_text(chosen[0].name)
    verdict, out, _ = patient.ask(chosen[0], ROOT / "reports" / "out")
    print(out)
    marked = mark(chosen[0], verdict)
    judged = "the suite is right" if marked.right else str(marked)
    say(f"{chosen[0].name}: {chosen[0].says}; {judged}; make drill-heal repairs")
    return 0 if marked.right else 1


if __name__ == "__main__":
    sys.exit(main())

"""Some of the faults, given to the real stack: those that recorded evidence cannot stand for, and are quick to give.

`make faults` gives them all; every other one is judged from its recorded evidence in test_recorded_faults.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from service_down.tests_meta.faults.case import faults, mark
from service_down.tests_meta.faults.inject import Patient
from service_down.tests_meta.lab.stack import ReferenceStack

QUICK = (
    "healthy-scaled",
    "healthy-decoy",
    "auth-out-of-memory",
    "auth-crash-loop-while-running",
    "migrate-failed-and-blocks",
    "port-taken-by-a-program",
    "redis-cut-from-its-network",
    "redis-password-rotated-on-one-side",
    "healthcheck-broken",
    "certificate-expired",
    "disk-full",
    "redis-killed-and-tempo-stopped",
)


@pytest.mark.parametrize("name", QUICK)
def test_a_real_fault_is_named_rightly(running: ReferenceStack, tmp_path: Path, name: str) -> None:
    fault, patient = faults()[name], Patient(running)
    running.up()
    try:
        patient.inject(fault)
        verdict, out, _ = patient.ask(fault, tmp_path / "reports")
        marked = mark(fault, verdict)
        assert marked.right, f"{marked}\n{out}"
    finally:
        patient.heal(fault)

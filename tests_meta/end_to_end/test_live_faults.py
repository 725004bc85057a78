"""Some of the faults, injected into the reference stack: the ones that take little time.

`make faults` injects all of them; test_recorded_faults.py judges the recorded evidence of all of them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from service_down.tests_meta.faults.assessment import assess
from service_down.tests_meta.faults.fault import load_faults
from service_down.tests_meta.faults.inject import FaultInjector
from service_down.tests_meta.lab.stack import ReferenceStack

QUICK_FAULTS = (
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


@pytest.mark.parametrize("name", QUICK_FAULTS)
def test_the_verdict_on_a_live_fault_is_right(reference_stack: ReferenceStack, tmp_path: Path, name: str) -> None:
    fault, injector = load_faults()[name], FaultInjector(reference_stack)
    reference_stack.up()
    try:
        injector.inject(fault)
        run, _ = injector.run_suite(fault, tmp_path / "reports")
        assessment = assess(fault, run.verdict)
        assert assessment.right, f"{assessment}\n{run.out}"
    finally:
        injector.heal(fault)

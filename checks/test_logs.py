"""The last log lines of what is not fine are in the evidence, with known error signatures marked (runbook 2, 4)."""

from __future__ import annotations

from checks.check import TRIAGE, Seen, Settle, Target, check, needs_engine
from checks.targets import services
from fixtures.model import Service


@check(
    "logs",
    runbook=("2.compose-logs", "4.docker-logs", "5.compose-logs"),
    modes=(TRIAGE,),
    over=services,
    needs=needs_engine,
    asks=lambda target: (f"logs:{target.spec.name}",),
    only_warns=True,
)
def test_logs(target: Target[Service], seen: Seen, settle: Settle) -> None:
    """The log could be read; what it says proves a cause only beside another signal, so it fails nothing by itself."""
    assert isinstance(seen.value(f"logs:{target.spec.name}"), dict)
    settle([])

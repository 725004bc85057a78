"""The newest backup exists, is fresh, not empty and a readable archive; the data directories exist (runbook 7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from service_down.checks.framework.check import CheckEvidence, ReportFindings, Target, check
from service_down.checks.framework.targets import HOST, named
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.evidence.observation import CannotCheck, Observation, parse_time, utc
from service_down.fixtures.settings.schema import Backup, Settings
from service_down.fixtures.stack.model import Model

ABSENT = "stack.toml has no [backup.*]"


@check(
    "backup", runbook=("7.backup",), over=named("backup"), asks=lambda target: (f"backup:{target.id}",), absent=ABSENT
)
def test_backup(target: Target[Backup], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """There is something to restore from."""
    report_findings(judge_backup(target.spec, seen[f"backup:{target.id}"]))


def judge_backup(told: Backup, seen: Observation) -> list[Finding]:
    """`backup-missing` for none, an empty or a broken one; `backup-stale` for one that is too old."""
    if seen.outcome == "error":
        return [_missing(told, seen.text, Proof(told.path, seen.text, seen.at))]
    value = seen.value
    if not value["count"]:
        return [
            _missing(told, f"no file matches {told.pattern}", Proof(f"{told.path}/{told.pattern}", "0 files", seen.at))
        ]
    newest = value["newest"]
    if not value["size"]:
        return [_missing(told, f"the newest, {newest}, is empty", Proof(newest, "0 bytes", seen.at))]
    if value["whole"] is False:
        return [
            _missing(
                told,
                f"the newest, {newest}, cannot be read: {value['problem']}",
                Proof(newest, value["problem"], seen.at),
            )
        ]
    if value["whole"] is None:
        raise CannotCheck(f"whether {newest} is whole: {value['problem']}")
    hours = value["age"] / 3600
    if hours > told.most_hours:
        proof = Proof(f"age of {newest}", f"{hours:.1f} h", seen.at)
        return [
            finding(
                "backup-stale",
                HOST,
                proof=[proof],
                since=_stale_since(told, value["age"], seen.at),
                path=told.path,
                age=f"{hours:.0f} h",
                limit=f"{told.most_hours:g} h",
            )
        ]
    return []


def _stale_since(told: Backup, age: float, looked: str) -> str | None:
    """When the newest backup became too old."""
    at = parse_time(looked)
    return utc(at.timestamp() - age + told.most_hours * 3600) if at else None


def _missing(told: Backup, what: str, proof: Proof) -> Finding:
    return finding("backup-missing", HOST, proof=[proof], path=told.path, what=what)


def data_directories(settings: Settings, model: Model) -> Sequence[Target[str]]:
    """Every data directory of the settings."""
    paths = [path for backup in settings.backup.values() for path in backup.data_dirs]
    return [Target(path, HOST, path, model, settings) for path in paths]


@check(
    "data-directory",
    runbook=("7.data",),
    over=data_directories,
    asks=lambda target: (f"dir:{target.id}",),
    absent="no [backup.*] names data_dirs",
)
def test_data_directory(target: Target[str], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """The data directory is there."""
    report_findings(judge_directory(target.spec, seen[f"dir:{target.id}"]))


def judge_directory(path: str, seen: Observation) -> list[Finding]:
    """`data-dir-missing`."""
    value: Any = seen.value
    if seen.outcome == "seen" and value["exists"]:
        return []
    return [
        finding(
            "data-dir-missing",
            HOST,
            proof=[Proof(path, "no such directory", seen.at)],
            path=path,
            what="no such directory",
        )
    ]

"""The newest backup exists, is recent, not empty and a readable archive; the data directories exist (runbook 7)."""

from __future__ import annotations

from collections.abc import Sequence

from service_down.checks.framework.check import CheckEvidence, ReportFindings, Target, check
from service_down.checks.framework.targets import HOST, entries_of
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.evidence.observation import CannotCheck, Observation, parse_time, utc
from service_down.fixtures.probes.backup import BACKUP, DIRECTORY, TABLE, BackupSettings, Directory, NewestBackup
from service_down.fixtures.settings.schema import Settings
from service_down.fixtures.stack.model import Model

HOUR_SECONDS = 3600


@check(
    "backup",
    runbook=("7.backup",),
    targets=entries_of(TABLE),
    judges_errors_of=lambda target: (BACKUP.of(target.id),),
    absent="stack.toml has no [backup.*]",
)
def test_backup(target: Target[BackupSettings], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """There is a backup to restore from."""
    report_findings(judge_backup(target.spec, evidence[BACKUP.of(target.id)]))


def judge_backup(location: BackupSettings, observation: Observation[NewestBackup]) -> list[Finding]:
    """`backup-missing` for none, an empty one and one that cannot be read; `backup-stale` for one that is too old."""
    backup, at = observation.value, observation.at
    if backup is None:
        return [_missing(location, observation.text, Proof(location.path, observation.text, at))]
    if not backup.count:
        proof = Proof(f"{location.path}/{location.pattern}", "0 files", at)
        return [_missing(location, f"no file matches {location.pattern}", proof)]
    newest = backup.newest
    if not backup.size_bytes:
        return [_missing(location, f"the newest, {newest}, is empty", Proof(newest, "0 bytes", at))]
    if backup.whole is False:
        what = f"the newest, {newest}, cannot be read: {backup.problem}"
        return [_missing(location, what, Proof(newest, backup.problem, at))]
    if backup.whole is None:
        raise CannotCheck(f"whether {newest} is whole: {backup.problem}")
    hours = backup.age_seconds / HOUR_SECONDS
    if hours <= location.most_hours:
        return []
    facts = {"path": location.path, "age": f"{hours:.0f} h", "limit": f"{location.most_hours:g} h"}
    proof = Proof(f"age of {newest}", f"{hours:.1f} h", at)
    since = _stale_since(location, backup.age_seconds, at)
    return [finding("backup-stale", HOST, proof=[proof], since=since, facts=facts)]


def _stale_since(location: BackupSettings, age_seconds: float, observed_at: str) -> str | None:
    """When the newest backup became too old."""
    at = parse_time(observed_at)
    return utc(at.timestamp() - age_seconds + location.most_hours * HOUR_SECONDS) if at else None


def _missing(location: BackupSettings, what: str, proof: Proof) -> Finding:
    return finding("backup-missing", HOST, proof=[proof], path=location.path, what=what)


def data_directories(settings: Settings, model: Model) -> Sequence[Target[str]]:
    """Every data directory of the settings."""
    paths = [path for location in settings.all_of(TABLE).values() for path in location.data_dirs]
    return [Target(path, HOST, path, model, settings) for path in paths]


@check(
    "data-directory",
    runbook=("7.data",),
    targets=data_directories,
    judges_errors_of=lambda target: (DIRECTORY.of(target.id),),
    absent="no [backup.*] names data_dirs",
)
def test_data_directory(target: Target[str], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The data directory exists."""
    report_findings(judge_directory(target.spec, evidence[DIRECTORY.of(target.id)]))


def judge_directory(path: str, observation: Observation[Directory]) -> list[Finding]:
    """`data-dir-missing`."""
    if observation.value is not None and observation.value.exists:
        return []
    what = "no such directory"
    return [finding("data-dir-missing", HOST, proof=[Proof(path, what, observation.at)], path=path, what=what)]

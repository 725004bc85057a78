"""Secrets in what the user typed and in names that settings make: no file and no line shows them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from service_down.tests_meta.suite_run import NO_ENGINE, SuiteRun, run_suite

SECRET, TYPED = "7Gq-tok3n-2Fw9x", "Typ3d-Secr3t-77q"
SETTINGS = f"""
[stack]
project = "p"
name = "shop ${{MY_API_TOKEN}}"
[host]
paths = ["/tmp/z-${{MY_API_TOKEN}}"]
[external."token={TYPED}"]
url = "http://127.0.0.1:1/"
[backup.db]
path = "/tmp/no-backups"
data_dirs = ["/tmp/data-${{MY_API_TOKEN}}"]
"""


def run(folder: Path, *options: str, settings: str = SETTINGS) -> SuiteRun:
    """Run triage without an engine, with a token in the environment."""
    (folder / "stack.toml").write_text(settings)
    env = {"MY_API_TOKEN": SECRET, "DOCKER_HOST": NO_ENGINE}
    options = ("-m", "triage", f"--stack={folder / 'stack.toml'}", f"--junitxml={folder}/junit.xml", *options)
    return run_suite(*options, reports=folder / "reports", env=env)


def leaks(shown: SuiteRun, folder: Path) -> list[str]:
    """Return the names of files, and the terminal, that hold one of the secrets."""
    files = {path.name: path.read_text(errors="replace") for path in folder.iterdir()}
    return [name for name, text in {"terminal": shown.out, **files}.items() if SECRET in text or TYPED in text]


@pytest.mark.parametrize("parallel", [[], ["-n", "2"]], ids=["alone", "xdist"])
def test_no_secret_in_a_name_of_the_settings_is_shown(tmp_path: Path, parallel: list[str]) -> None:
    live = run(tmp_path, "-v", "-rA", *parallel)
    assert live.code == 1, live.out
    assert leaks(live, live.folder) == []
    for kind in ("disk:/tmp/z-<secret:", "data-directory:/tmp/data-<secret:", "external:token=<secret:"):
        assert any(check["id"].startswith(kind) for check in live.verdict["checks"]), kind
    replay = run_suite(f"--replay={live.folder}", "-v", reports=tmp_path / "again")
    for key in ("verdict", "causes", "summary", "unknown"):
        assert replay.verdict[key] == live.verdict[key], key


def test_no_secret_in_what_the_user_typed_is_shown(tmp_path: Path) -> None:
    shown = run(tmp_path, "-k", f"host_memory and not {SECRET}", f"--deselect=checks/x.py::test[token={TYPED}]")
    assert "ONLY" in shown.out
    assert leaks(shown, shown.folder) == []
    assert leaks(run(tmp_path, f"--hosts=ssh://{SECRET}.invalid", "-k", "host_memory"), shown.folder) == []


@pytest.mark.parametrize(
    "host", ["ssh://root:{}@h", "root:{}@h", "ssh://root:a/{}@h", "paramiko://u:{}@h:22", "ssh://:{}@h"]
)
def test_a_password_in_hosts_is_refused_and_not_shown(tmp_path: Path, host: str) -> None:
    refused = run(tmp_path, f"--hosts={host.format(TYPED)}")
    assert refused.code == 4, refused.out
    assert refused.out.startswith("ERROR: --hosts holds a password")
    assert TYPED not in refused.out
    assert len(refused.out.strip().splitlines()) == 1


@pytest.mark.parametrize("mistake", ['[host]\nx = "${MY_API_TOKEN}"', '[external."a-${MY_API_TOKEN}"]\nurl = 1'])
def test_a_mistake_in_the_settings_shows_no_secret(tmp_path: Path, mistake: str) -> None:
    settings = '[stack]\nproject = "p"\ncompose_files = ["no-${MY_API_TOKEN}.yaml"]\n'
    for text in (settings, f"{settings}{mistake}"):
        refused = run(tmp_path, settings=text)
        assert refused.code == 4, refused.out
        assert SECRET not in refused.out


def test_a_full_trace_of_an_interrupted_run_shows_no_secret(tmp_path: Path) -> None:
    plugin = ("-p", "service_down.tests_meta.canary.interrupt")
    interrupted = run(tmp_path, "--full-trace", "-k", "host_memory", *plugin)
    assert interrupted.code == 2, interrupted.out
    assert "KeyboardInterrupt" in interrupted.out
    assert "interrupting_check" in interrupted.out, "the trace is shown"
    assert SECRET not in interrupted.out
    assert json.dumps(interrupted.verdict).count(SECRET) == 0

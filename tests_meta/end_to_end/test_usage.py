"""Mistakes in the settings and on the command line: a message of one line, exit code 4, and no check runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from service_down.fixtures.probes import endpoints
from service_down.fixtures.settings.load import SettingsError, load_settings
from service_down.tests_meta.suite_run import NO_ENGINE, ROOT, run_suite

VALID_SETTINGS = '[stack]\nproject = "p"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[stack", "not valid TOML"),
        ("[stck]\n", "stck: unknown table"),
        ("[stack]\nprojct = 'p'\n", "stack.projct: unknown key; did you mean 'project'?"),
        ("[stack]\nname = 3\n", "stack.name: expected"),
        ("[endpoints.gateway]\nservice = 'web'\nport = 70000\n", "endpoints.gateway.port: expected"),
        ("[endpoints.gateway]\nservice = 'web'\n", "endpoints.gateway: key 'port' is missing"),
        ("[endpoints.gateway]\nservice = 'web'\nport = 1\nprogram = '('\n", "endpoints.gateway.program"),
        ("[endpoints.gateway]\nservice = 'web'\nport = 1\nprogram = '(a+)+b'\n", "program: a repetition or choice"),
        ("[endpoints]\ngateway = 3\n", "endpoints.gateway: expected"),
        ("endpoints = 3\n", "endpoints: expected"),
        ("[timeouts]\nhttp = -1\n", "timeouts.http: expected"),
        ("[stack]\nname = '${NOT_SET_ANYWHERE}'\n", "stack.name: environment variable NOT_SET_ANYWHERE is not set"),
        ("a = " + "[" * 50_000, "nested too deeply"),
        ("a" + ".a" * 5_000 + " = 1", "nested too deeply"),
        ("#" * 2**20 + "\n[stack]\n", "is larger than 1 MiB"),
    ],
    ids=lambda value: None,
)
def test_a_mistake_in_the_settings_names_file_and_key(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(path, {})
    assert "mine.toml" in str(caught.value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "message"),
    [("loop.yaml", "no such compose file"), ("with\\u0000nul.yaml", "holds a NUL")],
    ids=["loop", "nul"],
)
def test_a_path_that_cannot_be_a_compose_file_is_a_usage_error(tmp_path: Path, path: str, message: str) -> None:
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    (tmp_path / "stack.toml").write_text(f'[stack]\ncompose_files = ["{path}"]\n')
    run = run_suite(f"--stack={tmp_path / 'stack.toml'}", reports=tmp_path / "reports")
    assert run.code == 4, run.out
    assert "stack.toml:2: stack.compose_files" in run.out
    assert message in run.out
    assert "Traceback" not in run.out


def test_a_value_that_cannot_be_meant_is_one_line_and_exit_4(tmp_path: Path) -> None:
    path = tmp_path / "stack.toml"
    path.write_text(f'{VALID_SETTINGS}[redis.main]\nservice = "redis"\nport = {"9" * 30}\n')
    run = run_suite("-m", "triage", f"--stack={path}", reports=tmp_path / "reports")
    assert run.code == 4, run.out
    assert run.out.startswith(f"ERROR: {path}:5: redis.main.port: is an integer of more than 64 bits")
    assert len(run.out.strip().splitlines()) == 1
    assert not (tmp_path / "reports").exists()


def test_variables_are_replaced_from_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[stack]\nname = '${NAME}-${OTHER:-here}'\nproject = '${EMPTY:-p}'\n")
    settings = load_settings(path, {"NAME": "x", "EMPTY": ""})
    assert (settings.stack.name, settings.stack.project) == ("x-here", "p")


def test_the_shipped_settings_are_valid() -> None:
    settings = load_settings(ROOT / "examples/pyairtable/stack.toml", {})
    assert settings.services["postgres"].aliases == ["postgres-prod"]
    runbook = {name: settings.all_of(endpoints.TABLE)[name].port for name in ("gateway", "grafana", "loki", "tempo")}
    assert runbook == {"gateway": 8080, "grafana": 3000, "loki": 3100, "tempo": 3200}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--stack=no-such.toml"], "no such settings file"),
        (["--compose-file=no-such.yaml"], "no such compose file"),
        (["--budget", "soon"], "not a number of seconds"),
        (["--budget=0"], "give at least 1 second"),
        (["--wait", "-3"], "not a number of seconds"),
        (["--stack="], "--stack: is empty"),
        (["--project=Bad Name!"], "--project: 'Bad Name!' is no name of a Compose project"),
        (["-m", "nosuch"], "-m nosuch: there is no mark 'nosuch'; use -m triage or -m verify"),
        (["--hosts", "ssh://a,ssh://b"], "one machine is looked at in a run"),
        (["--hosts=docker://web"], "--hosts=docker://web: a machine is looked at here or over SSH"),
    ],
    ids=["stack", "compose-file", "budget", "no-budget", "wait", "no-stack", "project", "mark", "hosts", "container"],
)
@pytest.mark.parametrize("parallel", [[], ["-n", "2"]], ids=["alone", "xdist"])
def test_a_mistake_on_the_command_line_is_one_line_and_exit_4(
    tmp_path: Path, options: list[str], message: str, parallel: list[str]
) -> None:
    path = tmp_path / "stack.toml"
    path.write_text(VALID_SETTINGS)
    run = run_suite("-m", "triage", f"--stack={path}", *options, *parallel, reports=tmp_path / "reports")
    assert run.code == 4, run.out
    assert message in run.out
    assert "Traceback" not in run.out
    assert not (tmp_path / "reports").exists()


def test_a_missing_env_file_is_one_line_and_exit_4(tmp_path: Path) -> None:
    path = tmp_path / "stack.toml"
    path.write_text(VALID_SETTINGS + 'env_files = ["production.env"]\n')
    run = run_suite("-m", "triage", f"--stack={path}", reports=tmp_path / "reports")
    assert run.code == 4, run.out
    assert f"{path}:3: stack.env_files: {tmp_path}/production.env: no such env file" in run.out
    assert "Traceback" not in run.out


def test_the_commands_to_paste_contain_the_env_files(tmp_path: Path) -> None:
    path = tmp_path / "stack.toml"
    (tmp_path / "production.env").write_text(f"API_TOKEN={'F4keN0tReal' * 3}\n")
    (tmp_path / "compose.yaml").write_text("services: {web: {image: 'no-such-image', command: '${API_TOKEN:?}'}}\n")
    path.write_text('[stack]\nproject = "w"\ncompose_files = ["compose.yaml"]\nenv_files = ["production.env"]\n')
    env = {"DOCKER_HOST": NO_ENGINE}
    run = run_suite("-m", "triage", f"--stack={path}", "-k", "compose or engine", reports=tmp_path / "reports", env=env)
    assert f"--env-file {tmp_path}/production.env" in (run.folder / "evidence.json").read_text()
    assert "F4keN0tReal" not in "".join(file.read_text() for file in run.folder.iterdir())


def test_the_verdict_is_printed_although_the_report_directory_cannot_be_written(tmp_path: Path) -> None:
    path, blocked = tmp_path / "stack.toml", tmp_path / "file"
    path.write_text(VALID_SETTINGS)
    blocked.write_text("not a directory")
    run = run_suite("-m", "triage", f"--stack={path}", "-k", "host_memory", reports=blocked)
    assert run.code == 0, run.out
    assert "cannot be written" in run.out
    assert "HEALTHY" in run.out

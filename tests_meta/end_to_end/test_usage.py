"""Mistakes in the settings and on the command line: one line, exit 4, nothing run."""

from __future__ import annotations

from pathlib import Path

import pytest

from service_down.fixtures.settings.load import SettingsError, load_settings
from service_down.tests_meta.conftest import ROOT, run_suite

GOOD = '[stack]\nproject = "p"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[stack", "not valid TOML"),
        ("[stck]\n", "stck: unknown table"),
        ("[stack]\nprojct = 'p'\n", "stack: unknown key 'projct'"),
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
    ],
    ids=lambda value: None,
)
def test_a_mistake_is_named_with_file_and_key(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(path, {})
    assert "mine.toml" in str(caught.value)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", ["loop.yaml", "with\\u0000nul.yaml"], ids=["loop", "nul"])
def test_a_path_that_cannot_be_one_of_a_compose_file_is_named(tmp_path: Path, path: str) -> None:
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    (tmp_path / "stack.toml").write_text(f'[stack]\ncompose_files = ["{path}"]\n')
    ran = run_suite(f"--stack={tmp_path / 'stack.toml'}", reports=tmp_path / "reports")
    assert ran.code == 4, ran.out
    assert "stack.compose_files" in ran.out
    assert "no such compose file" in ran.out
    assert "Traceback" not in ran.out


def test_variables_are_filled_from_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[stack]\nname = '${NAME}-${OTHER:-here}'\nproject = '${EMPTY:-p}'\n")
    settings = load_settings(path, {"NAME": "x", "EMPTY": ""})
    assert (settings.stack.name, settings.stack.project) == ("x-here", "p")


def test_the_shipped_settings_are_valid() -> None:
    settings = load_settings(ROOT / "stack.toml", {})
    assert settings.services["postgres"].aliases == ["postgres-prod"]
    runbook = {name: settings.endpoints[name].port for name in ("gateway", "grafana", "loki", "tempo")}
    assert runbook == {"gateway": 8080, "grafana": 3000, "loki": 3100, "tempo": 3200}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--stack=no-such.toml"], "no such settings file"),
        (["--compose-file=no-such.yaml"], "no such compose file"),
        (["--budget", "soon"], "not a number of seconds"),
        (["--wait", "-3"], "not a number of seconds"),
        (["--hosts", "ssh://a,ssh://b"], "one machine is looked at in a run"),
    ],
    ids=["stack", "compose-file", "budget", "wait", "hosts"],
)
@pytest.mark.parametrize("parallel", [[], ["-n", "2"]], ids=["alone", "xdist"])
def test_a_usage_mistake_is_one_line_and_exit_4(
    tmp_path: Path, words: list[str], said: str, parallel: list[str]
) -> None:
    path = tmp_path / "stack.toml"
    path.write_text(GOOD)
    ran = run_suite("-m", "triage", f"--stack={path}", *words, *parallel, reports=tmp_path / "reports")
    assert ran.code == 4, ran.out
    assert said in ran.out
    assert "Traceback" not in ran.out
    assert not (tmp_path / "reports").exists()


def test_an_env_file_that_is_not_there_is_one_line_and_exit_4(tmp_path: Path) -> None:
    path = tmp_path / "stack.toml"
    path.write_text(GOOD + 'env_files = ["production.env"]\n')
    ran = run_suite("-m", "triage", f"--stack={path}", reports=tmp_path / "reports")
    assert ran.code == 4, ran.out
    assert f"stack.env_files: {tmp_path}/production.env: no such env file" in ran.out
    assert "Traceback" not in ran.out


def test_the_commands_to_paste_name_the_env_files(tmp_path: Path) -> None:
    path = tmp_path / "stack.toml"
    (tmp_path / "production.env").write_text(f"API_TOKEN={'F4keN0tReal' * 3}\n")
    (tmp_path / "compose.yaml").write_text("services: {web: {image: 'no-such-image', command: '${API_TOKEN:?}'}}\n")
    path.write_text('[stack]\nproject = "w"\ncompose_files = ["compose.yaml"]\nenv_files = ["production.env"]\n')
    env = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}
    ran = run_suite("-m", "triage", f"--stack={path}", "-k", "compose or engine", reports=tmp_path / "reports", env=env)
    assert f"--env-file {tmp_path}/production.env" in (ran.folder / "evidence.json").read_text()
    assert "F4keN0tReal" not in "".join(one.read_text() for one in ran.folder.iterdir())


def test_a_report_directory_that_cannot_be_written_does_not_cost_the_verdict(tmp_path: Path) -> None:
    path, blocked = tmp_path / "stack.toml", tmp_path / "file"
    path.write_text(GOOD)
    blocked.write_text("not a directory")
    ran = run_suite("-m", "triage", f"--stack={path}", "-k", "host_memory", reports=blocked)
    assert ran.code == 0, ran.out
    assert "cannot be written" in ran.out
    assert "HEALTHY" in ran.out

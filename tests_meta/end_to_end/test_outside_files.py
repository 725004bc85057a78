"""Code beside the stack's files, in the report directory or in the current folder is never executed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from service_down.tests_meta.suite_run import NO_ENGINE, PYTEST, ROOT

SETTINGS = '[stack]\nproject = "p"\n'
PLANTED = "from pathlib import Path\nwith Path({marker!r}).open('a') as file:\n    file.write(__file__ + '\\n')\n"
MODULES = ("conftest", "evil", "sitecustomize", "usercustomize", "test_evil", "pytest", "re", "tests/conftest")
CONFIGURATIONS = {
    "conftest": {},
    "ini": {"pytest.ini": "[pytest]\naddopts = -p evil\npythonpath = .\n"},
    "pyproject": {"pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-p evil'\npythonpath = '.'\n"},
    "tox": {"tox.ini": "[pytest]\naddopts = -p evil\npythonpath = .\n"},
}


def hostile_folder(path: Path, configuration: str) -> Path:
    """Make a folder whose every file of code leaves a mark when it is executed."""
    (path / "tests").mkdir(parents=True)
    for module in MODULES:
        (path / f"{module}.py").write_text(PLANTED.format(marker=str(marker(path))))
    for name, text in CONFIGURATIONS[configuration].items():
        (path / name).write_text(text)
    (path / "stack.toml").write_text(SETTINGS)
    return path


def marker(folder: Path) -> Path:
    return folder.with_name("executed")


def run(*words: str, cwd: Path = ROOT, **more: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHON"))}
    return subprocess.run(
        words,
        cwd=cwd,
        env=env | {"DOCKER_HOST": NO_ENGINE} | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )


def assert_judged(done: subprocess.CompletedProcess[str], folder: Path) -> None:
    assert not marker(folder).exists(), f"{marker(folder).read_text()} executed\n{done.stdout}"
    assert "1 passed" in done.stdout, done.stdout
    assert done.returncode == 0, done.stdout


@pytest.fixture(params=CONFIGURATIONS)
def hostile(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    return hostile_folder(tmp_path / "srv", request.param)


def test_the_value_of_stack_after_a_space_is_no_path_of_tests(tmp_path: Path, hostile: Path) -> None:
    settings = str(hostile / "stack.toml")
    reports = f"--report-dir={tmp_path / 'reports'}"
    assert_judged(run(PYTEST, "-m", "triage", "-k", "host_memory", "--stack", settings, reports), hostile)
    assert (tmp_path / "reports" / "latest" / "verdict.json").exists()


def test_nor_through_make(tmp_path: Path, hostile: Path) -> None:
    options = f"--stack {hostile / 'stack.toml'} -k host_memory --report-dir {tmp_path / 'reports'}"
    assert_judged(run("make", "-s", "triage", f"ARGS={options}"), hostile)
    assert_judged(run("make", "-s", "-C", str(ROOT), "triage", f"ARGS={options}", cwd=hostile), hostile)


def test_the_report_directory_holds_no_tests(hostile: Path) -> None:
    options = ("--html", str(hostile / "page.html"), "--junitxml", str(hostile / "junit.xml"))
    for place in (hostile, hostile / "tests"):
        stack = f"--stack={hostile / 'stack.toml'}"
        done = run(PYTEST, "-m", "triage", "-k", "host_memory", stack, "--report-dir", str(place), *options)
        assert_judged(done, hostile)


def test_the_folder_that_the_command_is_typed_in_holds_no_tests(hostile: Path) -> None:
    assert_judged(run(PYTEST, "-k", "host_memory", cwd=hostile), hostile)
    assert (hostile / "reports" / "out" / "latest" / "verdict.json").exists()


@pytest.mark.parametrize("named", ["--rootdir=.", "--rootdir={folder}"])
def test_a_root_directory_of_others_holds_no_tests(hostile: Path, named: str) -> None:
    words = (named.format(folder=hostile), "--stack", "stack.toml")
    assert_judged(run(PYTEST, "-k", "host_memory", *words, cwd=hostile), hostile)


def test_nor_do_its_modules_replace_those_of_workers(hostile: Path) -> None:
    assert_judged(run(PYTEST, "-k", "host_memory", "-n", "1", "--stack", "stack.toml", cwd=hostile), hostile)


@pytest.mark.parametrize("python_path", [":/nonexistent", "/nonexistent:", "."])
def test_nor_do_they_with_a_python_path_of_the_shell(tmp_path: Path, python_path: str) -> None:
    hostile = hostile_folder(tmp_path / "srv", "conftest")
    words = (PYTEST, "-k", "host_memory", "-n", "1", "--stack", "stack.toml")
    assert_judged(run(*words, cwd=hostile, PYTHONPATH=python_path), hostile)


@pytest.mark.parametrize("place", ["folder", "evidence.json"])
def test_a_recording_of_others_holds_no_tests(hostile: Path, place: str) -> None:
    replayed = hostile if place == "folder" else hostile / place
    (hostile / "evidence.json").write_text("{}")
    done = run(PYTEST, "--replay", str(replayed), "--compare", str(hostile), cwd=hostile)
    assert not marker(hostile).exists(), done.stdout
    assert done.returncode == 4, done.stdout
    assert "--replay: " in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--stak", "{folder}/stack.toml"], "--stak {folder}/stack.toml: there is no option --stak"),
        (["--report-dri", "{folder}"], "--report-dri {folder}: there is no option --report-dri"),
        (["{folder}/stack.toml"], "{folder}/stack.toml: this is no file of checks"),
    ],
    ids=["option", "folder", "forgotten"],
)
def test_a_mistyped_option_names_no_tests(hostile: Path, words: list[str], message: str) -> None:
    done = run(PYTEST, "-m", "triage", *(word.format(folder=hostile) for word in words))
    assert not marker(hostile).exists(), done.stdout
    assert done.returncode == 4, done.stdout
    assert message.format(folder=hostile) in done.stdout


def test_a_word_with_an_at_sign_names_no_file_of_words(hostile: Path) -> None:
    (hostile / "alice").write_text(f"{hostile}/test_evil.py\n")
    done = run(PYTEST, "--stack=stack.toml", "--action", "@alice", cwd=hostile)
    assert not marker(hostile).exists(), done.stdout
    assert done.returncode == 4, done.stdout
    assert "--option=@alice" in done.stdout


@pytest.mark.parametrize("word", ["tests", "tests/", "tests/.", "tests::x"])
def test_a_second_value_names_no_tests(tmp_path: Path, word: str) -> None:
    hostile = hostile_folder(tmp_path / "srv", "conftest")
    done = run(PYTEST, "--stack=stack.toml", "--service", "api", word, cwd=hostile)
    assert not marker(hostile).exists(), done.stdout
    assert done.returncode == 4, done.stdout
    assert f"{word}: this is a second value, or a folder of checks of your own" in done.stdout


def test_a_text_that_is_too_long_for_a_name_is_a_usage_error(hostile: Path) -> None:
    done = run(PYTEST, "--stack=stack.toml", "x" * 300, cwd=hostile)
    assert done.returncode == 4, done.stdout
    assert "Traceback" not in done.stdout


def test_checks_that_the_user_names_are_executed(tmp_path: Path) -> None:
    folder = hostile_folder(tmp_path / "mine", "conftest")
    (folder / "test_mine.py").write_text("def test_mine():\n    pass\n")
    done = run(PYTEST, str(folder / "test_mine.py"))
    assert "1 passed" in done.stdout
    assert marker(folder).read_text() == f"{folder}/conftest.py\n"

"""Checks of the user's own: counted, judged, explained, recorded, and executed only where the user has named them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service_down.tests_meta import fake_servers
from service_down.tests_meta.fake_stack import FakeStack, fake_stack
from service_down.tests_meta.suite_run import PYTEST, ROOT, SuiteRun

SECRET = "Gho5t-Writer-9"
CHECKS = f"""
import pytest
from service_down.fixtures.own_checks import CannotCheck, Http, NoAnswer, Stack

pytestmark = pytest.mark.triage


@pytest.fixture
def limit():
    return 3


@pytest.mark.finding(service="web-0", severity="critical")
class TestQueue:
    @pytest.mark.parametrize("length", [1, 7])
    def test_length(self, length, limit):
        assert length < limit, f"{{length}} orders wait, password={SECRET}"


def test_stack(stack: Stack):
    assert set(stack) == {{"web-0", "web-1", "postgres", "redis"}}
    container = stack["web-0"].containers[0]
    assert (container.status, container.addresses) == ("running", ("172.99.0.2",))
    with pytest.raises(KeyError):
        stack["nothing"]


def test_http(http: Http):
    assert http.get("/", service="web-0", port=15672).json() == {{"messages": 1200}}
    assert http.head("/", service="web-0", port=15672).status == 200


def test_no_answer(http: Http):
    with pytest.raises(NoAnswer) as caught:
        http.get("http://127.0.0.1:1/")
    assert caught.value.kind == "refused"


def test_post(http: Http):
    http.request("POST", "/", service="web-0", port=15672)


@pytest.mark.finding(severity="warning")
def test_warns():
    pytest.fail("worth knowing")


def test_crashes():
    {{}}["gone"]


def test_skipped():
    pytest.skip("not today")


@pytest.mark.finding(service="wbe-0")
def test_mistyped():
    pass


@pytest.mark.verify
def test_both():
    pass
"""
UNKNOWN = {
    "own:test_shop.py::test_post": "it sends GET and HEAD, and no POST",
    "own:test_shop.py::test_crashes": "the check itself crashed: KeyError: 'gone'",
    "own:test_shop.py::test_mistyped": "the stack has no service 'wbe-0'",
}


@pytest.fixture
def checks(tmp_path: Path) -> Path:
    folder = tmp_path / "own checks"
    folder.mkdir()
    (folder / "test_shop.py").write_text(CHECKS)
    return folder


def stack_with(folder: Path, **how: Any) -> Any:
    talk = fake_servers.http("200 OK", body='{"messages": 1200}')
    return fake_stack(folder, 2, '[checks]\npaths = ["own checks"]', published=15672, http=talk, **how)


@pytest.fixture
def stack(tmp_path: Path, checks: Path) -> Iterator[FakeStack]:
    with stack_with(tmp_path) as running:
        yield running


def own(run: SuiteRun) -> dict[str, str]:
    return {check["id"]: check["outcome"] for check in run.verdict["checks"] if check["id"].startswith("own:")}


def judged_parts(run: SuiteRun) -> dict[str, Any]:
    """What a replay repeats. How long a test took is no part of it."""
    parts = ("verdict", "summary", "causes", "warnings", "unknown", "services")
    checks = [{**check, "seconds": 0.0} for check in run.verdict["checks"]]
    return {**{part: run.verdict[part] for part in parts}, "checks": checks}


def assert_judged(run: SuiteRun) -> None:
    test = "own:test_shop.py::"
    assert own(run) == {
        f"{test}TestQueue::test_length[1]": "passed",
        f"{test}TestQueue::test_length[7]": "failed",
        f"{test}test_stack": "passed",
        f"{test}test_http": "passed",
        f"{test}test_no_answer": "passed",
        f"{test}test_warns": "warned",
        f"{test}test_skipped": "skipped",
        f"{test}test_both": "passed",
        **dict.fromkeys(UNKNOWN, "unknown"),
    }, run.out
    assert run.verdict["verdict"] == "down"
    assert run.causes == [("web-0", "custom-check-failed")]
    proof = run.verdict["causes"][0]["evidence"][0]["value"]
    assert re.fullmatch(r"7 orders wait, password=<secret:\w+>; assert 7 < 3", proof)
    assert run.verdict["run"]["interrupted"] is False
    why = {entry["check"]: entry["why"] for entry in run.verdict["unknown"]}
    assert {check for check, text in UNKNOWN.items() if text in why[check]} == set(UNKNOWN) == set(why)
    texts = [path.read_text() for path in run.folder.iterdir()]
    assert not [text for text in [run.out, *texts] if SECRET in text]


@pytest.mark.parametrize("options", [[], ["-n", "2"]], ids=["one process", "workers"])
def test_each_check_is_judged_and_a_replay_says_the_same(stack: FakeStack, checks: Path, options: list[str]) -> None:
    live = stack.triage(*options)
    recording = f"--replay={live.folder.resolve()}"
    assert live.code == 1
    assert_judged(live)
    judged = judged_parts(live)
    (checks / "test_shop.py").write_text("raise SystemExit('a replay executes nothing')")
    replay = stack.run(recording, *options)
    assert replay.code == 1
    assert judged_parts(replay) == judged
    one = stack.run(recording, "-k", "test_warns")
    assert own(one) == {"own:test_shop.py::test_warns": "warned"}


def test_parts_are_chosen_as_of_other_checks(stack: FakeStack) -> None:
    assert set(own(stack.triage("-k", "test_both or redis"))) == {"own:test_shop.py::test_both"}
    assert "own:test_shop.py::TestQueue::test_length[1]" not in own(stack.triage("--service=web-1"))
    verify = stack.run("-m", "verify", "-k", "own or test_shop")
    assert own(verify) == {"own:test_shop.py::test_both": "passed"}


def test_a_named_folder_is_executed_without_settings(stack: FakeStack, checks: Path) -> None:
    run = stack.triage(str(checks), "-k", "test_both or TestQueue")
    assert len(own(run)) == 3
    assert run.causes == [("web-0", "custom-check-failed")]
    assert run.verdict["run"]["scope"]


def test_a_file_that_cannot_be_imported_costs_its_own_checks(stack: FakeStack, checks: Path) -> None:
    (checks / "test_shop.py").write_text("import nothing_of_this_name")
    run = stack.triage()
    assert run.verdict["verdict"] == "unknown"
    assert "No module named 'nothing_of_this_name'" in run.verdict["unknown"][0]["why"]
    assert run.verdict["counts"]["passed"] > 10
    assert run.code == 1


def test_a_settings_file_that_was_only_found_executes_nothing(stack: FakeStack, checks: Path) -> None:
    marker = checks.parent / "executed"
    (checks / "test_shop.py").write_text(f"open({str(marker)!r}, 'w')")
    done = subprocess.run(
        [PYTEST, "-m", "triage", f"--report-dir={checks.parent / 'reports'}"],
        cwd=checks.parent,
        env={**os.environ, "DOCKER_HOST": stack.docker_host},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert not marker.exists()
    assert "your own checks were left out" in done.stdout


def test_a_path_that_does_not_exist_is_a_mistake_in_the_settings(stack: FakeStack, checks: Path) -> None:
    checks.rename(checks.with_name("other"))
    run = stack.triage()
    assert run.code == 4
    assert "stack.toml:4: checks.paths[0]: 'own checks' is neither a folder nor a .py file" in run.out


FOLLOWS = """
import pytest

pytestmark = [pytest.mark.triage, pytest.mark.finding(service="web-0")]


def test_orders():
    assert False, "no orders"


def test_prices():
    assert False, "no prices"
"""


def test_it_follows_from_its_service_and_two_of_one_service_are_two_causes(tmp_path: Path, checks: Path) -> None:
    (checks / "test_shop.py").write_text(FOLLOWS)
    with stack_with(tmp_path) as stack:
        run = stack.triage()
    assert [cause["summary"] for cause in run.verdict["causes"]] == [
        "web-0: your check test_shop.py::test_orders failed: no orders",
        "web-0: your check test_shop.py::test_prices failed: no prices",
    ]
    assert run.verdict["verdict"] == "degraded"
    talk = fake_servers.http("500 Internal Server Error")
    with fake_stack(tmp_path, 1, '[checks]\npaths = ["own checks"]', http=talk) as stack:
        run = stack.triage()
    assert run.causes == [("web-0", "endpoint-error")], run.out
    assert any(entry["value"].startswith("no orders") for entry in run.verdict["causes"][0]["evidence"])


def test_a_signal_ends_a_check_that_hangs_and_there_is_a_verdict(stack: FakeStack, checks: Path) -> None:
    hangs, begun = "import time, pytest\n@pytest.mark.triage\ndef test_hangs():\n", checks.parent / "begun"
    (checks / "test_shop.py").write_text(f"{hangs}    open({str(begun)!r}, 'w')\n    time.sleep(600)\n")
    words = ["-m", "triage", f"--stack={stack.settings_file}", f"--report-dir={checks.parent / 'reports'}"]
    process = subprocess.Popen(
        [PYTEST, *words],
        cwd=ROOT,
        env={**os.environ, "DOCKER_HOST": stack.docker_host},
        stdout=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + 60
    while not begun.exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "own:test_shop.py::test_hangs: the run was interrupted before this check had ended" in " ".join(out.split())

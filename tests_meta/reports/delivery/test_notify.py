"""The summary is sent completely and once, within a deadline, and no part of a URL is ever shown."""

from __future__ import annotations

import json
import logging
import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from service_down.fixtures.secrets.redact import Redactor
from service_down.reports.delivery.notify import Message, message, send
from service_down.reports.history.compare import compare
from service_down.tests_meta.faults.recording import write_recording
from service_down.tests_meta.reports.saved_runs import POSTGRES, REDIS, verdict_at
from service_down.tests_meta.suite_run import SuiteRun, run_suite

AT = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)
TOKEN, USER, PASSWORD = "T0kenInThePath99", "someoneS3cret", "hunter2hunter2"


class Receiver:
    """A web server that keeps what it is sent; `/slow…` hangs, `/500…` fails, `/drop…` hangs up."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str, bytes]] = []  # path, type, body
        self.over = threading.Event()
        kept = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                kept.got.append((self.path, self.headers["Content-Type"], body))
                if self.path.startswith("/slow"):
                    kept.over.wait(30)
                elif self.path.startswith("/drop"):
                    self.connection.close()
                else:
                    self.send_response(500 if self.path.startswith("/500") else 200)
                    self.end_headers()

            def log_message(self, *words: object) -> None:
                """Not on the test's output."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Lets go of those that hang."""
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def url(receiver: Receiver, path: str = "ok", scheme: str = "json") -> str:
    return f"{scheme}://{USER}:{PASSWORD}@{receiver.address}/{path}/{TOKEN}"


def replay(tmp_path: Path, *words: str, name: str = "postgres-stopped", minute: int = 30) -> SuiteRun:
    folder = write_recording(name, tmp_path / f"{name}-{minute}", AT.replace(minute=minute))
    return run_suite(f"--replay={folder}", *words, reports=tmp_path / "reports", env={"no_proxy": "127.0.0.1"})


def assert_nothing_leaked(ran: SuiteRun, *more: Path) -> None:
    files = [path for path in ran.folder.resolve().iterdir() if path.is_file()]
    for text in (ran.out, *(path.read_text(errors="replace") for path in (*files, *more))):
        for secret in (TOKEN, USER, PASSWORD):
            assert secret not in text


def test_the_summary_arrives_with_cause_next_step_and_report(tmp_path: Path, receiver: Receiver) -> None:
    notify = [f"--notify={url(receiver)}", f"--notify={url(receiver, scheme='form')}"]
    ran = replay(tmp_path, *notify, "--incident=INC-5", f"--action=typed {TOKEN}", "-n", "2")
    assert ran.code == 1
    assert "sent       --notify number 1 (JSON): sent with report.html" in ran.out
    assert "sent       --notify number 2 (Form): sent with report.html" in ran.out
    assert sorted(kind.partition(";")[0] for _, kind, _ in receiver.got) == ["application/json", "multipart/form-data"]
    sent = json.loads(next(body for _, kind, body in receiver.got if kind == "application/json"))
    assert sent["title"] == "REPLAY: DOWN: reference stack · INC-5"
    assert sent["type"] == "failure"
    assert ran.verdict["summary"] in sent["message"]
    assert "- postgres: container-stopped\n  next: docker compose" in sent["message"]
    assert "ESCALATE: multiple-critical-services" in sent["message"]
    assert [attachment["filename"] for attachment in sent["attachments"]] == ["report.html"]
    form = next(body for _, kind, body in receiver.got if kind != "application/json")
    assert (ran.folder / "report.html").read_bytes() in form
    assert_nothing_leaked(ran)


def test_the_comparison_is_sent_too(tmp_path: Path, receiver: Receiver) -> None:
    replay(tmp_path)
    ran = replay(tmp_path, f"--notify={url(receiver)}", "--compare=previous", name="healthy", minute=40)
    assert ran.code == 0, ran.out
    sent = json.loads(receiver.got[0][2])
    assert (sent["type"], sent["title"]) == ("success", "REPLAY: HEALTHY: reference stack")
    assert "since 22:30 UTC (triage: down)  gone: postgres: container-stopped" in sent["message"]


def test_nothing_is_sent_unless_asked(tmp_path: Path, receiver: Receiver) -> None:
    ran = replay(tmp_path, "--collect-only", f"--notify={url(receiver)}")
    assert "notify" not in ran.out
    assert "notify" not in replay(tmp_path).out
    assert receiver.got == []


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_what_goes_wrong_is_a_note_and_neither_hides_nor_changes_the_verdict(
    tmp_path: Path, receiver: Receiver
) -> None:
    urls = [
        url(receiver, "500"),
        url(receiver, "drop"),
        f"json://{USER}:{PASSWORD}@127.0.0.1:{closed_port()}/{TOKEN}",
        f"nonsense://{TOKEN}/{PASSWORD}",
        f"{TOKEN}-{PASSWORD}",
        f"json://{USER}:{PASSWORD}@[{TOKEN}",
        f"jsons://{USER}:{PASSWORD}@{receiver.address}/{TOKEN}?verify=no",
        "",
    ]
    log = tmp_path / "log"
    logging_all = ["--log-cli-level=DEBUG", f"--log-file={log}", "--log-file-level=DEBUG", "-W", "always", "-rA"]
    ran = replay(tmp_path, *(f"--notify={each}" for each in urls), *logging_all, name="healthy")
    assert ran.code == 0, ran.out
    assert re.search(r"HEALTHY    all \d+ checks passed", ran.out)
    notes = [line.removeprefix("note       --notify number ") for line in ran.out.splitlines() if "--notify" in line]
    assert notes[0] == "1 (JSON): not sent: it answered HTTP 500"
    assert notes[1] == "2 (JSON): not sent: no connection, or it was refused"
    assert notes[2] == "3 (JSON): not sent: no connection, or it was refused"
    assert all("not sent: this is no URL that Apprise knows" in notes[number] for number in (3, 4, 7))
    assert len(notes) == len(urls)
    assert all("not sent" in note for note in notes)
    assert "Traceback" not in ran.out
    assert_nothing_leaked(ran, log)


def test_a_receiver_that_hangs_holds_the_run_for_a_bounded_time(tmp_path: Path, receiver: Receiver) -> None:
    begun = time.monotonic()
    plain = replay(tmp_path, name="healthy")
    usual = time.monotonic() - begun
    log, begun = tmp_path / "log", time.monotonic()
    slow = [f"--notify={url(receiver, 'slow')}?rto=25&cto=25" for _ in range(12)]
    logging_all = [f"--log-file={log}", "--log-file-level=DEBUG"]
    ran = replay(tmp_path, *slow, f"--notify={url(receiver)}", *logging_all, name="healthy")
    assert time.monotonic() - begun < usual + 10
    assert ran.code == plain.code == 0
    assert ran.out.count("no answer within 8 s; whether it arrived is not known") == 12
    assert "--notify number 13 (JSON): sent with report.html" in ran.out
    assert_nothing_leaked(ran, log)


def test_without_apprise_the_run_says_so(tmp_path: Path, receiver: Receiver) -> None:
    broken = tmp_path / "broken" / "apprise"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('no apprise here')")
    folder = write_recording("healthy", tmp_path / "r", AT)
    options, reports = (f"--replay={folder}", f"--notify={url(receiver)}"), tmp_path / "reports"
    ran = run_suite(*options, reports=reports, modules=broken.parent)
    assert ran.code == 0
    assert "note       --notify: not sent: Apprise is not installed" in ran.out
    assert_nothing_leaked(ran)
    without = run_suite(options[0], reports=reports, modules=broken.parent)
    assert "Apprise" not in without.out


def test_no_report_no_attachment(tmp_path: Path, receiver: Receiver) -> None:
    ran = replay(tmp_path, f"--notify={url(receiver)}", "-p", "no:html")
    assert "(JSON): sent\n" in ran.out, ran.out
    assert json.loads(receiver.got[0][2])["attachments"] == []


def test_a_url_is_replaced_where_it_was_recorded(tmp_path: Path) -> None:
    redactor = Redactor(b"salt")
    redactor.learn_url(f"slack://botname@{TOKEN}/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general?footer=yes")
    redactor.learn_url(f"tgram://123456789:abcdefg_Hijklmnop/{PASSWORD}")
    redactor.learn_url(f"mailto://me:{PASSWORD}%21@mail.example.com:587/services/oncall")
    text = f"ps: {TOKEN} A1BRTD4JD TIiajkdnlazkcOXrIdevi7FQ 123456789 abcdefg_Hijklmnop {PASSWORD}! me"
    redacted = redactor.redact_text(text)
    assert [word.startswith("<secret:") for word in redacted.split()] == [False, *[True] * 6, False]
    innocent = "services of mail.example.com for oncall in general, with a footer on 587"
    assert redactor.redact_text(innocent) == innocent


def test_the_message_is_short_and_says_what_it_is() -> None:
    causes = [POSTGRES, *[REDIS] * 8]
    run = {"interrupted": True, "scope": "-k x"}
    now = verdict_at(9, "down", *causes, reasons=("down-over-30-min",), run=run)
    text = message(replace(now, compared=compare(verdict_at(1), now)), None)
    assert text.title == "DOWN: shop · INC-1"
    lines = text.body.splitlines()
    assert lines[:3] == ["it is down", "- postgres: container-stopped", "  next: docker start postgres"]
    assert "and 4 more causes, in the report" in lines
    assert lines[-5:-3] == ["ESCALATE: down-over-30-min", lines[-4]]
    assert lines[-3:] == ["INTERRUPTED: not every check was run", "ONLY -k x", "triage at 2026-11-23 21:09:00 UTC"]


def test_logging_is_as_before_when_all_has_been_sent(receiver: Receiver) -> None:
    before = list(logging.getLogger().handlers)
    results = send([url(receiver)], Message("t", "b", "success")).results()
    assert results == [("--notify (JSON): sent", True)]
    assert logging.getLogger().handlers == before
    assert send([], Message("t", "b", "success")).results() == []


@pytest.mark.parametrize("style", ["equals", "space", "environment", "xdist", "usage"])
def test_a_url_is_not_stored_by_pytests_own_debugging(tmp_path: Path, receiver: Receiver, style: str) -> None:
    log = tmp_path / "pytestdebug.log"
    option = [f"--notify={url(receiver)}"] if style != "space" else ["--notify", url(receiver)]
    folder = write_recording("healthy", tmp_path / "r", AT)
    words = [f"--replay={folder}", f"--debug={log}", "--trace-config", *(["-n", "2"] if style == "xdist" else [])]
    env = {"no_proxy": "127.0.0.1"}
    if style == "environment":
        env["PYTEST_ADDOPTS"] = option.pop()
    if style == "usage":
        words[0] = f"--replay={tmp_path / 'missing'}"
    ran = run_suite(*words, *option, reports=tmp_path / "reports", env=env)
    assert ran.code == (4 if style == "usage" else 0)
    assert log.stat().st_size > 1000
    for text in (ran.out, log.read_text(errors="replace")):
        assert_no_part_of_a_url(text)


def assert_no_part_of_a_url(text: str) -> None:
    for secret in (TOKEN, USER, PASSWORD):
        assert secret not in text

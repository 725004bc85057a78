"""The collector: everything at once, deadlines that end, three truths."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from fixtures.collector import Answers, Collector, Probe
from fixtures.evidence import CannotLook, ProbeError
from fixtures.redact import Redactor
from fixtures.share import Remote, Server


def collector(*probes: Probe, budget: float = 30) -> Collector:
    return Collector(probes, Redactor(b"salt"), budget)


def hang(answers: Answers) -> Any:
    threading.Event().wait()


def fail(error: Exception) -> Callable[[Answers], Any]:
    def ask(answers: Answers) -> Any:
        raise error

    return ask


def test_all_probes_run_at_the_same_time() -> None:
    together = threading.Barrier(40, timeout=20)  # broken unless all forty are asked at once
    asked = collector(*(Probe(f"p{number}", lambda answers: together.wait(), 25) for number in range(40)))
    asked.start(f"p{number}" for number in range(40))
    assert {asked.get(f"p{number}").outcome for number in range(40)} == {"seen"}


def test_fifty_hung_things_cost_one_deadline() -> None:
    asked = collector(*(Probe(f"p{number}", hang, 0.1) for number in range(50)))
    asked.start(f"p{number}" for number in range(50))
    began = time.monotonic()
    assert {asked.get(f"p{number}").kind for number in range(50)} == {"timeout"}
    assert time.monotonic() - began < 50 * 0.1, "they were waited for one after another"


@pytest.mark.parametrize(
    ("ask", "outcome", "kind"),
    [
        (lambda answers: 1, "seen", ""),
        (fail(ProbeError("refused", "connection refused")), "error", "refused"),
        (fail(CannotLook("no permission")), "unlooked", ""),
        (fail(ZeroDivisionError("a bug")), "unlooked", ""),
    ],
    ids=["answer", "refused", "no-permission", "bug"],
)
def test_three_truths(ask: Callable[[Answers], Any], outcome: str, kind: str) -> None:
    seen = collector(Probe("p", ask, 5)).get("p")
    assert (seen.outcome, seen.kind) == (outcome, kind)


def test_a_late_answer_may_mean_that_we_could_not_look() -> None:
    assert collector(Probe("df", hang, 0.05, late="unlooked")).get("df").outcome == "unlooked"


def test_the_budget_ends_every_wait() -> None:
    seen = collector(Probe("p", hang, 60), budget=0.1).get("p")
    assert seen.outcome == "unlooked"
    assert "budget" in seen.text


def test_a_probe_is_asked_once_per_round() -> None:
    count: list[int] = []
    asked = collector(Probe("p", lambda answers: count.append(1), 5))
    asked.get("p")
    asked.get("p")
    assert len(count) == 1
    asked.refresh()
    asked.get("p")
    assert len(count) == 2


def test_a_round_may_ask_some_and_what_they_build_on_anew() -> None:
    count: list[str] = []
    probes = [Probe("engine", lambda answers: count.append("engine"), 5)]
    probes += [Probe(name, lambda answers, name=name: count.append(name), 5, ("engine",)) for name in ("a", "b")]  # type: ignore[misc]  # mypy cannot type a default
    asked = collector(*probes)
    asked.start(["a", "b"])
    asked.refresh(["a"])
    for name in ("a", "b"):
        asked.get(name)
    assert sorted(count) == ["a", "a", "b", "engine", "engine"]


def test_an_odd_answer_is_kept_as_text() -> None:
    seen = collector(Probe("p", lambda answers: {"version": b"15", "when": object}, 5)).get("p")
    assert seen.outcome == "seen"


def test_our_own_trouble_is_never_the_things_fault() -> None:
    seen = collector(Probe("p", lambda answers: 1, 5, imports=("no_such_module_anywhere",))).get("p")
    assert (seen.outcome, "no_such_module_anywhere" in seen.text) == ("unlooked", True)


def test_the_clock_of_a_probe_starts_when_what_it_builds_on_has_answered() -> None:
    release = threading.Event()
    first = Probe("engine", lambda answers: release.wait(10), 20)
    second = Probe("http", lambda answers: answers.raw("engine"), 0.2, ("engine",))
    asked = collector(first, second)
    asked.start(["http"])
    threading.Timer(0.6, release.set).start()
    assert asked.get("http").outcome == "seen"


def test_a_probe_that_builds_on_a_failed_one_could_not_look() -> None:
    first = Probe("engine", fail(ProbeError("refused", "no socket")), 5)
    asked = collector(first, Probe("http", lambda answers: answers.raw("engine"), 5, ("engine",)))
    assert (asked.get("http").outcome, asked.get("http").text) == ("unlooked", "no socket")


def test_secrets_do_not_enter_the_evidence() -> None:
    asked = collector(Probe("p", lambda answers: {"Env": ["REDIS_PASSWORD=hunter22"]}, 5))
    assert "hunter22" not in str(asked.get("p"))
    assert "hunter22" in str(asked.raw("p")), "other probes need it"


def test_a_worker_gets_the_same_answers_over_the_socket() -> None:
    count: list[int] = []
    asked = collector(Probe("p", lambda answers: count.append(1) or {"n": 1}, 5))  # type: ignore[func-returns-value]  # counts, then answers
    server = Server(asked, str)
    try:
        workers = [Remote(server.ticket(), 30), Remote(server.ticket(), 30)]
        for worker in workers:
            worker.start(["p"])
        assert [worker.get("p") for worker in workers] == [asked.get("p")] * 2
        assert len(count) == 1
        with pytest.raises(CannotLook, match="KeyError"):
            workers[0].get("no-such-probe")
        assert workers[0].get("p").value == {"n": 1}, "one odd question cost the worker its connection"
    finally:
        server.close()

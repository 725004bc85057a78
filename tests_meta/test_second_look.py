"""The second look at what moves: nobody can hold it up for the others, and its times are the engine's."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from fixtures.look import Look
from fixtures.probes import again
from fixtures.redact import Redactor
from fixtures.settings import Settings, Timeouts

BEHIND = 300.0  # seconds that the engine's clock is behind ours


class Engine:
    """An engine on which every container restarts, some hang when they are inspected, some time out, one is gone."""

    def __init__(self, hung: str = "", late: str = "", gone: str = "") -> None:
        self.hung, self.late, self.gone = hung, late, gone
        self.count: dict[str, int] = {}

    def inspect_container(self, key: str) -> dict[str, Any]:
        from docker.errors import NotFound
        from requests.exceptions import ReadTimeout

        self.count[key] = self.count.get(key, 0) + 1
        if key in self.hung:
            threading.Event().wait()
        if key in self.late:
            raise ReadTimeout("Read timed out.")
        if key in self.gone:
            raise NotFound("no such container")
        return restarting(key, self.count[key])


def restarting(key: str, restarts: int = 0) -> dict[str, Any]:
    state = {"Status": "restarting", "Restarting": True, "ExitCode": 1}
    return {"Id": key, "State": state, "RestartCount": restarts}


class First:
    """The first look, at these containers."""

    def __init__(self, keys: str) -> None:
        self.keys = keys

    def raw(self, probe: str) -> Any:
        return {"asked": time.time() - BEHIND, "ahead": -BEHIND, "containers": [restarting(key) for key in self.keys]}


def looked(monkeypatch: pytest.MonkeyPatch, engine: Engine, keys: str) -> dict[str, list[dict[str, Any]]]:
    """What every look saw of the containers, whose ids are the letters of `keys`."""
    monkeypatch.setattr(again, "client", lambda look: engine)
    monkeypatch.setattr(again, "PAUSE", 0.01)
    settings = Settings(timeouts=Timeouts(engine=4))
    look = Look(settings, {}, Redactor(b"salt"), "run", "triage", Path("/"), "shop")
    return again.ask_again(look, First(keys))


def test_a_container_that_hangs_costs_only_its_own_second_look(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(hung="bc", gone="d")
    began = time.monotonic()
    seen = looked(monkeypatch, engine, "abcde")
    assert time.monotonic() - began < 3, "two that hang cost more than one"
    assert {key: len(looks) for key, looks in seen.items()} == {"a": 5, "b": 1, "c": 1, "d": 1, "e": 5}
    assert engine.count["b"] == 1, "what hangs was asked again"
    assert [look["restarts"] for look in seen["a"]] == [0, 1, 2, 3, 4]


def test_a_time_out_of_the_client_costs_no_other_container_its_look(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = looked(monkeypatch, Engine(late="a"), "ab")
    assert {key: len(looks) for key, looks in seen.items()} == {"a": 1, "b": 5}


def test_every_look_is_by_the_engines_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = looked(monkeypatch, Engine(), "a")["a"]
    assert 0 <= looks[-1]["at"] - looks[0]["at"] < 5

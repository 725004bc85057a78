"""What must go, what must stay, and that neither takes long."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.evidence import ProbeError
from fixtures.probes.compose import ask_compose
from fixtures.probes.engine import OUTPUT_BYTES, inspect_all
from fixtures.redact import Redactor
from tests_meta.lone import look
from tests_meta.secret_cases import BODY, COMPOSE_SAYS, GO, JWT, ODD, SECRET, SHAPED, SPELLED, STAY


@pytest.mark.parametrize(("value", "secrets"), GO, ids=range(len(GO)))
def test_secrets_go(value: Any, secrets: tuple[str, ...]) -> None:
    redact = Redactor(b"salt")
    said = redact(value)
    assert not [one for one in secrets if one in str(said)]
    assert "3141592653" not in str(said)
    assert redact(said) == said, "redacting twice changes nothing"


@pytest.mark.parametrize("shape", SHAPED, ids=range(len(SHAPED)))
@pytest.mark.parametrize("around", ["log line with {} in it", '"{}"', "({})", "x={};", "https://h/p/{}?q=1", "{}\n"])
def test_shapes_go_without_a_name(shape: str, around: str) -> None:
    redact = Redactor(b"salt")
    said = redact(around.format(shape))
    assert shape not in said
    assert shape[10:] not in said
    assert redact(said) == said


@pytest.mark.parametrize("text", STAY, ids=range(len(STAY)))
def test_what_is_not_secret_stays(text: str) -> None:
    assert Redactor(b"salt")(text) == text
    assert Redactor(b"salt")({"line": [text]}) == {"line": [text]}


@pytest.mark.parametrize("spelling", SPELLED)
def test_a_known_secret_goes_however_it_is_spelled(spelling: str) -> None:
    redact = Redactor(b"salt")
    redact.learn(ODD)
    said = redact(f"before {SPELLED[spelling]} after")
    assert said.count(redact.token(ODD)) == 1, "equal secrets get equal tokens"
    assert said.startswith("before ")
    assert said.endswith(" after")


@pytest.mark.parametrize(("said", "told"), COMPOSE_SAYS, ids=range(len(COMPOSE_SAYS)))
def test_of_a_value_that_compose_cannot_read_only_its_key_is_told(
    said: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "said").write_text(said)
    (tmp_path / "docker").write_text(f"#!/bin/sh\ncat {tmp_path}/said >&2\nexit 1\n")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    here = replace(look(PATH=os.environ["PATH"]), base=tmp_path, compose_files=(tmp_path / "said",))
    with pytest.raises(ProbeError) as raised:
        ask_compose(here)
    assert here.redactor.text(raised.value.text) == told


class Engine:
    """Stands for the engine's client: one container, whose healthcheck said something."""

    def __init__(self, said: str) -> None:
        self.said = said

    def inspect_container(self, key: str) -> dict[str, Any]:
        """As the engine answers."""
        return {"Id": key, "State": {"Health": {"Log": [{"Output": self.said}, {"Output": "short"}, {}]}}}


@pytest.mark.parametrize("end", ["", "..."])
def test_of_an_output_that_the_engine_cut_the_last_word_is_dropped(end: str) -> None:
    said = ("refused by redis\n" * 300)[: OUTPUT_BYTES - 8] + f" {SECRET[:7]}"
    answer = inspect_all(Engine(said + end), ["a"], 5)["a"]  # type: ignore[arg-type]  # all that it asks for
    assert isinstance(answer, dict)
    first, second, _ = answer["State"]["Health"]["Log"]
    assert SECRET[:7] not in first["Output"]
    assert first["Output"].startswith("refused by redis\n")
    assert second["Output"] == "short"
    whole = inspect_all(Engine("x" * 9000), ["a"], 5)["a"]  # type: ignore[arg-type]
    assert isinstance(whole, dict)
    assert whole["State"]["Health"]["Log"][0]["Output"] == "…", "one word, that ends in the middle"


def test_equal_secrets_get_equal_tokens_wherever_they_stand() -> None:
    redact = Redactor(b"salt")
    token = redact.token(SECRET)
    for text in (f"password={SECRET}", f"redis://:{SECRET}@h", f"--requirepass {SECRET}", f'"apiKey": "{SECRET}"'):
        assert token in redact(text), text
    assert redact("https://u:p%40ss%2Fword@h") == f"https://u:{redact.token('p@ss/word')}@h"


def test_a_configuration_teaches_its_secrets() -> None:
    redact = Redactor(b"salt")
    redact.spare(["shop", "auth-service"])
    redact.study(
        {
            "environment": {
                "DB_PASSWORD": SECRET,
                "URL": f"redis://:{SECRET}2%2F@h",
                "A_TOKEN": "auth",
                "DB_PASS": "postgres",
            },
            "command": ["x", "--requirepass", f"{SECRET}3"],
        }
    )
    said = redact(f"{SECRET} {SECRET}2/ {SECRET}3 auth-service of shop with postgres")
    assert SECRET not in said
    assert said.endswith("auth-service of shop with postgres"), "a password like a service's name hides no service"


def test_a_short_secret_is_not_looked_for_inside_words() -> None:
    redact = Redactor(b"salt")
    redact.learn("hunter")
    redact.learn("1234")
    assert redact("hunters at 12:34, 12345 or a-hunter; hunter 1234") == (
        f"hunters at 12:34, 12345 or a-hunter; {redact.token('hunter')} {redact.token('1234')}"
    )


def test_tokens_differ_between_runs_and_are_not_redacted_again() -> None:
    first, second = Redactor(b"one"), Redactor(b"two")
    value = {"PASSWORD": SECRET}
    assert first(value) != second(value)
    assert first(first(value)) == first(value)
    assert SECRET not in first(f"password=<secret:{SECRET}>"), "what only looks like a token is none"


PIECES = [
    *(
        "password",
        "token",
        "key",
        "Bearer ",
        "Authorization: ",
        "Cookie: ",
        "-a ",
        "redis-cli ",
        "curl -u a:",
        "--",
        "-",
    ),
    *("=", ": ", '"', "'", "\\", '\\"', " ", "\n", "://u:", "@", "/", ",", ";", "&", "?", "{", "}", "[", "]", "<", ">"),
    *("$", "%40", "|\n ", "\x1b[1m", "'" * 3, '"' * 3, SECRET, JWT, BODY[0], "hunter2", "<secret:0a1b2c>"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
@settings(max_examples=400, deadline=None, derandomize=True)
def test_redacting_twice_changes_nothing(text: str) -> None:
    redact = Redactor(b"salt")
    redact.learn("hunter2")
    once = redact(text)
    assert redact(once) == once


MUCH = 200_000  # characters: what grows with the square of it takes minutes
LOG = "2026-11-23T21:04:17.123456789Z INFO auth request_id=550e8400 path=/api/v1/me status=200 user: 42 token=valid\n"
SLOW = [
    *(
        LOG,
        LOG.replace("\n", " "),
        "a.",
        "a-",
        "a=",
        "key=",
        "password=,",
        "password=\\",
        "password='",
        'password="\\"',
    ),
    *("://", "a://b:", "://a:@", "eyJ-", "eyJaaaaa.", "-----BEGIN RSA PRIVATE" + " KEY-----\n", "redis-cli ", "curl "),
    *(
        "Cookie: a=",
        "Bearer ",
        "A",
        "authorization: ",
        "<secret:",
        "%5B",
        "\\",
        "--password ",
        '"name": "',
        "sk-",
        "a\n",
    ),
    *("password: |\n ", "mysql -", "<password>", "$2y$", "=s.a(", "token=self.", "'key', 'value': "),
    *(
        "-u a:",
        "password is ",
        "password for ",
        "('key', '",
        "<token>\n",
        "<token ",
        '"key":\n',
        "?code=a.",
        "x-key ",
        "a-1.",
    ),
]


@pytest.mark.parametrize("text", SLOW, ids=range(len(SLOW)))
def test_no_text_takes_long(text: str) -> None:
    redact = Redactor(b"salt")
    for number in range(100):
        redact.learn(f"{SECRET}-{number}")
    long = (text * (MUCH // len(text) + 1))[:MUCH]
    began = time.process_time()
    redact(long)
    assert time.process_time() - began < 10, "a pattern hangs on this text"

"""A wrong password of the suite's own: the finding says where it is from, and what to correct."""

from __future__ import annotations

from pathlib import Path

import pytest

from service_down.tests_meta.fake_servers import Conversation, Talk
from service_down.tests_meta.fake_stack import fake_stack


def refusing_redis(client: Conversation) -> None:
    """A Redis that knows another password."""
    while client.receive_line():
        client.send(b"-WRONGPASS invalid username-password pair or user is disabled.\r\n")


def refusing_postgres(client: Conversation) -> None:
    """A PostgreSQL that refuses every login."""
    client.receive(8)
    client.send(b"N")
    client.receive(int.from_bytes(client.receive(4)) - 4)
    fields = b'SFATAL\0C28P01\0Mpassword authentication failed for user "app"\0\0'
    client.send(b"E" + (len(fields) + 4).to_bytes(4) + fields)


@pytest.mark.parametrize(
    ("kind", "talk", "refused", "correct"),
    [
        ("redis", refusing_redis, "Redis refused the password in REDIS_PASSWORD", "correct REDIS_PASSWORD, or `user`"),
        (
            "postgres",
            refusing_postgres,
            "PostgreSQL refused the login of app with the password in POSTGRES_PASSWORD",
            "correct POSTGRES_PASSWORD, or `user`",
        ),
    ],
    ids=["redis", "postgres"],
)
def test_the_finding_says_which_password_was_refused_and_what_to_correct(
    tmp_path: Path, kind: str, talk: Talk, refused: str, correct: str
) -> None:
    with fake_stack(tmp_path, 1, "", None, None, **{kind: talk}) as stack:
        run = stack.triage(POSTGRES_PASSWORD="of-the-settings")
    assert run.verdict["verdict"] == "degraded", run.out
    (cause,) = run.verdict["causes"]
    assert refused in cause["summary"]
    assert f"if the application logs in with another one, {correct}" in cause["summary"]
    assert f"`password_env` in its [{kind}.*] table of the settings" in cause["summary"]

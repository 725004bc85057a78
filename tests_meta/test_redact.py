"""What must go, and what must stay."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from fixtures.redact import Redactor

SECRET = "s3cr3t-V4lue"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"

GO: list[Any] = [
    {"Env": [f"POSTGRES_PASSWORD={SECRET}"]},
    {"Env": [f"AWS_SECRET_ACCESS_KEY={SECRET}", f"API_KEY={SECRET}", f"SLACK_TOKEN={SECRET}"]},
    {"environment": {"REDIS_PASSWORD": SECRET, "JWT_SECRET": SECRET}},
    {"access_token": SECRET, "nested": [{"refreshToken": SECRET}]},
    ["redis-server", "--requirepass", SECRET],
    [f"--password={SECRET}"],
    f"redis-server --requirepass {SECRET}",
    f"postgresql://user:{SECRET}@db:5432/app",
    f"connecting to redis://:{SECRET}@redis:6379",
    f"Authorization: Bearer {SECRET}",
    f"curl -H 'Authorization: Basic {SECRET}'",
    f"Set-Cookie: session={SECRET}; Path=/",
    f'{{"password": "{SECRET}"}}',
    f"password: {SECRET}",
    f"host=db user=app password={SECRET} dbname=app",
    f"https://hooks.slack.com/services/T000/B000/{SECRET}",
    {"Env": [f"SECRET_KEY_BASE={SECRET}", f"DB_PASSWORD_PROD={SECRET}"]},
    f'{{"msg":"{{\\"password\\":\\"{SECRET}\\"}}"}}',
    f"postgres://u:At@{SECRET}@h/x",
    f"password => {SECRET}",
    f"redis-cli -h redis -a {SECRET} ping",
    f"curl -s -u admin:{SECRET} http://grafana:3000",
    f"requirepass {SECRET}",
    f"ALTER USER app PASSWORD '{SECRET}'",
    f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----",
]


@pytest.mark.parametrize("value", GO, ids=range(len(GO)))
def test_secrets_go(value: Any) -> None:
    assert SECRET not in str(Redactor(b"salt")(value))


def test_shapes_go_without_a_name() -> None:
    redact = Redactor(b"salt")
    for shape in (JWT, "AKIAIOSFODNN7EXAMPLE", "ghp_0123456789abcdefghijABCDEFGHIJ012345"):
        assert shape not in redact(f"log line with {shape} in it")


@pytest.mark.parametrize(
    "text",
    [
        "connection to server at postgres (172.18.0.4), port 5432 failed: Connection refused",
        "image: postgres:16.9-bookworm",
        "NOAUTH Authentication required.",
        "invalid username-password pair or user is disabled.",
        'FATAL:  password authentication failed for user "pyairtable"',
        "POSTGRES_PASSWORD_FILE=/run/secrets/db",
        "http://localhost:8080/api/v1/auth/login",
        "component redis: unreachable",
        "Bind for 0.0.0.0:8080 failed: port is already allocated",
        "export REDIS_PASSWORD",
        "the token is not valid",
        "primary key missing in table users",
    ],
)
def test_what_is_not_secret_stays(text: str) -> None:
    assert Redactor(b"salt")(text) == text


def test_a_known_secret_goes_however_it_is_spelled() -> None:
    redact = Redactor(b"salt")
    redact.learn("p&ss word/1")
    encoded = base64.b64encode(b"p&ss word/1").decode()
    said = redact(f"plain p&ss word/1, quoted p%26ss%20word%2F1, plus p%26ss+word%2F1, base64 {encoded}")
    assert said.count("<secret:") == 4
    assert len({part[:6] for part in said.split("<secret:")[1:]}) == 1, "equal secrets get equal tokens"


def test_tokens_differ_between_runs_and_are_not_redacted_again() -> None:
    first, second = Redactor(b"one"), Redactor(b"two")
    value = {"PASSWORD": SECRET}
    assert first(value) != second(value)
    assert first(first(value)) == first(value)

"""The shell from which the suite is started does not change what it asks, nor what it concludes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from service_down.fixtures.probes.external import proxy_of
from service_down.fixtures.run import environment
from service_down.tests_meta.fake_servers import http, recording_server
from service_down.tests_meta.fake_stack import FakeStack, fake_stack
from service_down.tests_meta.suite_run import ROOT, SuiteRun, run_suite

RUN_ID = re.compile(rb"\d{8}T\d{6}Z-[0-9a-f]{6}")
VALUES = {  # values that would change the question; any other variable of libpq gets a word
    "PGSSLMODE": "verify-full", "PGSERVICE": "elsewhere", "PGOPTIONS": "-c no_such=1", "PGREQUIREAUTH": "gss",
    "PGHOSTADDR": "127.0.0.9", "PGPORT": "1", "PGTARGETSESSIONATTRS": "standby", "PGGSSENCMODE": "require",
    "PGCONNECT_TIMEOUT": "1", "PGMINPROTOCOLVERSION": "3.2", "PGSSLNEGOTIATION": "direct", "PGCHANNELBINDING": "-",
    "PGCLIENTENCODING": "SQL_ASCII", "PGTZ": "Nowhere/Land", "PGDATESTYLE": "German", "PGSERVICEFILE": "/nonexistent",
    "PGSYSCONFDIR": "/nonexistent", "PGGEQO": "off", "PGLOCALEDIR": "/nonexistent", "PSYCOPG_IMPL": "c",
    "KRB5_CONFIG": "/nonexistent", "SSLKEYLOGFILE": "/nonexistent/keys",
}  # fmt: skip
PROXIES = dict.fromkeys(("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:1")
REDIS = {"REDIS_URL": "redis://127.0.0.1:1", "REDIS_HOST": "127.0.0.9", "REDIS_PORT": "1", "REDIS_SSL": "true"}
CERTIFICATES = {"SSL_CERT_FILE": "/nonexistent/ca.pem", "SSL_CERT_DIR": "/nonexistent", "OPENSSL_CONF": "/nonexistent"}
RESOLVER = {
    "RES_OPTIONS": "timeout:1 attempts:1 ndots:15",
    "LOCALDOMAIN": "nowhere.test",
    "HOSTALIASES": "/nonexistent",
}
LOCALES = {"LC_ALL": "tr_TR.ISO-8859-9", "LANG": "xx_XX", "LANGUAGE": "de", "TZ": "Pacific/Kiritimati"}
PYTHON = {
    "PYTHONOPTIMIZE": "2", "PYTHONWARNINGS": "error", "PYTHONDEVMODE": "1", "PYTHONIOENCODING": "ascii:strict",
    "PYTHONHASHSEED": "1", "PYTHONUTF8": "0", "PYTHONINSPECT": "1", "PYTHONINTMAXSTRDIGITS": "640",
    "PYTHONVERBOSE": "1", "PYTHONPROFILEIMPORTTIME": "1", "PYTHONHOME": "/nonexistent", "PYTHONSTARTUP": "/nonexistent",
    "PYTHONNOUSERSITE": "", "PYTHONTRACEMALLOC": "1", "PYTHONFAULTHANDLER": "1", "PYTHONBREAKPOINT": "nowhere.to",
}  # fmt: skip
PYTEST = {
    "PYTEST_PLUGINS": "no_such_plugin", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_THEME": "nonsense",
    "PYTEST_THEME_MODE": "nonsense", "PYTEST_XDIST_WORKER": "gw9", "PYTEST_CURRENT_TEST": "x", "PYTEST_VERSION": "1",
    "PY_IGNORE_IMPORTMISMATCH": "1",
}  # fmt: skip
SHADOWS = ("redis", "httpx", "docker", "logging", "platform", "token", "psycopg", "sitecustomize", "usercustomize")


def libpq_variables() -> dict[str, str]:
    """Every variable that this libpq reads, with a value that matters."""
    read = [entry.envvar.decode() for entry in psycopg.pq.Conninfo.get_defaults() if entry.envvar]
    assert "PGSSLMODE" in read
    return dict.fromkeys(read, "nonsense") | VALUES


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[FakeStack]:
    with fake_stack(tmp_path) as running:
        yield running


def conclusion(run: SuiteRun) -> tuple[int, str, list[tuple[str, str]]]:
    """What a run concluded: exit code, verdict, and the outcome of each check."""
    return run.code, run.verdict["verdict"], [(check["id"], check["outcome"]) for check in run.verdict["checks"]]


def received(stack: FakeStack) -> list[bytes]:
    """What the servers received since the last call, without the run's id."""
    texts = [b"".join(sorted(RUN_ID.sub(b"RUN", server.received).splitlines(True))) for server in stack.servers]
    for server in stack.servers:
        server.received = b""
    return texts


def shadowing_folder(folder: Path) -> str:
    """A folder with modules that must never be imported."""
    folder.mkdir()
    for name in SHADOWS:
        (folder / f"{name}.py").write_text(f"raise SystemExit('{name} of the shell was imported')")
    return str(folder)


def test_no_variable_of_the_shell_changes_what_is_asked_or_concluded(stack: FakeStack, tmp_path: Path) -> None:
    plain = conclusion(stack.triage())
    asked = received(stack)
    assert plain[:2] == (0, "healthy")
    assert all(asked)
    variables = libpq_variables() | PROXIES | REDIS | CERTIFICATES | RESOLVER | LOCALES | PYTHON | PYTEST
    run = stack.triage(**variables, PYTHONPATH=shadowing_folder(tmp_path / "shadows"))
    assert conclusion(run) == plain, run.out
    assert received(stack) == asked
    assert "HEALTHY" in run.out
    assert "━" in run.out, "the output was written in the encoding of the shell"


def test_nor_those_of_workers(stack: FakeStack, tmp_path: Path) -> None:
    plain = conclusion(stack.triage())
    variables = libpq_variables() | PYTHON | PYTEST
    run = stack.triage("-n", "2", **variables, PYTHONPATH=shadowing_folder(tmp_path / "shadows"))
    assert (run.code, "HEALTHY" in run.out) == (0, True), run.out
    assert sorted(conclusion(run)[2]) == sorted(plain[2]), run.out


def test_the_command_starts_without_the_variables_of_python(stack: FakeStack, tmp_path: Path) -> None:
    """Where the script does not do so itself, as after `pip install`."""
    run = stack.run("-m", "triage", env=PYTHON | {"PYTHONHOME": ""}, modules=tmp_path, isolated=False)
    assert (run.code, "HEALTHY" in run.out) == (0, True), run.out


def test_settings_and_compose_still_see_every_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"PGPASSWORD": "a", "PYTHONPATH": "b", "REDIS_PASSWORD": "c", "COMPOSE_PROFILES": "d"}
    for name, value in known.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    taken = environment.taken()
    assert known.items() <= taken.items()
    assert {name for name in known if name in os.environ} == {"COMPOSE_PROFILES"}


@pytest.mark.parametrize("name", ["REDIS_PASSWORD", "PGPASSWORD", "PYTHON_TOKEN", "OTHER_PASSWORD"])
def test_a_variable_in_the_settings_is_filled_in_and_not_shown(tmp_path: Path, name: str) -> None:
    file = tmp_path / "stack.toml"
    file.write_text(f'[stack]\nproject = "shop"\ncompose_files = ["/nowhere/${{{name}}}/compose.yaml"]\n')
    run = run_suite(f"--stack={file}", reports=tmp_path / "reports", env={name: "correct-horse-7"})
    assert run.code == 4
    assert "no such compose file" in run.out
    assert "correct-horse-7" not in run.out


EXTERNAL = """
[external.api]
url = "{url}"
"""


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:1", "socks5://127.0.0.1:1", "::::"])
def test_a_proxy_that_cannot_be_used_is_no_failure_of_the_api(tmp_path: Path, proxy: str) -> None:
    with recording_server(http("200 OK")) as api:
        settings = EXTERNAL.format(url=f"http://127.0.0.1:{api.port}/")
        with fake_stack(tmp_path, 1, settings) as stack:
            run = stack.triage(http_proxy=proxy)
            assert run.verdict["verdict"] == "unknown", run.out
            assert "proxy" in run.out
            assert "of the environment cannot be used" in " ".join(run.out.split())


def test_a_proxy_that_does_not_apply_does_not_matter(tmp_path: Path) -> None:
    with recording_server(http("200 OK")) as api:
        with fake_stack(tmp_path, 1, EXTERNAL.format(url=f"http://127.0.0.1:{api.port}/")) as stack:
            run = stack.triage(http_proxy="nonsense://x", no_proxy="127.0.0.1")
        assert (run.code, api.connections) == (0, 1), run.out


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://api.test/x", "http://proxy:3128"),
        ("http://api.test/x", "http://plain:1"),
        ("https://inside.test/x", None),
        ("https://deep.inside.test/x", None),
    ],
)
def test_the_proxy_of_a_url(url: str, proxy: str | None) -> None:
    environ = {"HTTPS_PROXY": "other:1", "https_proxy": "proxy:3128", "all_proxy": "http://plain:1"}
    assert proxy_of(url, environ | {"no_proxy": "localhost,inside.test"}) == proxy


def test_readme_lists_every_variable_that_counts() -> None:
    readme = (ROOT / "README.md").read_text()
    counting = ("DOCKER_HOST", "COMPOSE_*", "SSL_CERT_FILE", "https_proxy", "no_proxy", "PYTEST_ADDOPTS", "TMPDIR")
    without_effect = (
        "PG*",
        "PYTHON*",
        "REDIS_*",
        "TZ",
        "LC_*",
        "PYTEST_*",
        "SSLKEYLOGFILE",
        "OPENSSL_*",
        "RES_OPTIONS",
    )
    assert [name for name in (*counting, *without_effect) if f"`{name}`" not in readme] == []

"""No secret is shown: secrets of many shapes are planted all over the reference stack, and no output may contain one.

Each secret stands beside a harmless mark. The marks must appear in the output, to prove that the suite read the text.
"""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from service_down.tests_meta.canary.plant import SHAPES, PlantedSecrets, make_private_key, make_secret
from service_down.tests_meta.faults.inject import FaultInjector
from service_down.tests_meta.lab.stack import SECRETS, ReferenceStack
from service_down.tests_meta.suite_run import SuiteRun, run_suite

SERVER = Path(__file__).parents[1] / "canary" / "serve.py"
EXIT_OPTION = "--exit"
HEADERS = ("url", "query", "bearer", "github", "jwt")
VERBOSE = ("-v", "-l", "--tb=long", "-rA", "--log-cli-level=DEBUG")
CRASH_PLUGIN = ("-p", "service_down.tests_meta.canary.crash")


@dataclass
class Canary:
    """The reference stack with planted secrets."""

    injector: FaultInjector
    planted: PlantedSecrets
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The folder that is mounted into the container `canary`."""
        return self.injector.stack.state_folder / "canary"

    def run(self, reports: Path, mode: str, *options: str, **env: str) -> SuiteRun:
        """Run the suite against the stack."""
        files = [f"--compose-file={path}" for path in self.injector.compose_files()]
        settings = f"--stack={self.folder / 'stack.toml'}"
        environment = {**self.injector.environment(), **self.env, **env}
        return run_suite("-m", mode, settings, *files, *options, reports=reports, env=environment)

    def assert_no_leak(self, run: SuiteRun, *channels: str) -> None:
        """Assert that the output of a run contains no secret, and every mark of these channels."""
        outputs = {path.name: path.read_text(errors="replace") for path in run.folder.iterdir() if path.is_file()}
        outputs["the terminal"] = run.out
        leaks = sorted(f"{label} in {name}" for name, text in outputs.items() for label in self.planted.leaks(text))
        assert not leaks, f"{len(leaks)} leaks: {', '.join(leaks)}"
        shown = "\n".join(outputs.values())
        expected = {mark for mark in self.planted.marks if mark.split("-")[1] in channels}
        assert len(expected) >= len(channels)
        missing = sorted(mark for mark in expected if mark not in shown)
        assert not missing, f"marks that are not shown: {', '.join(missing)}\n{run.out[-2000:]}"


def _server_content(planted: PlantedSecrets) -> dict[str, Any]:
    """Return what canary/serve.py prints and answers."""
    torn = "\n".join(f"{line} " for line in make_private_key("torn").splitlines()[1:-1])
    planted.secrets |= {f"pem-{number}": make_secret(f"lines{number}", 64) for number in range(4)}
    planted.secrets |= {f"torn-{number}": make_secret(f"torn{number}", 64) for number in range(4)}
    broken = [b"\xff\xfe \xc3 " + line.encode() + b" \xe2\x82" for line in planted.plant_all("utf8", HEADERS)]
    lines = [line.encode() for line in planted.plant_all("log")]
    lines += [
        *broken,
        f"{planted.mark('log-pem')} {make_private_key('lines')}".encode(),
        torn.encode(),
        planted.mark("log-end").encode(),
    ]
    return {
        "lines": [base64.b64encode(line).decode() for line in lines],
        "status": 500,
        "body": json.dumps({"errors": planted.plant_all("body")}) + "\n" + "\n".join(planted.plant_all("text")),
        "headers": {
            "Set-Cookie": f"session={planted.plant_bare('set-cookie')}",
            "WWW-Authenticate": f'Basic realm="{planted.plant("challenge", "url")}"',
            "Location": f"https://u:{planted.plant_bare('location')}@h/{planted.mark('location')}",
            "Retry-After": planted.plant("retry", "assignment"),
        },
        "redis": planted.plant("redis", "assignment"),
        "exit_option": EXIT_OPTION,
    }


def _override(planted: PlantedSecrets, folder: Path) -> dict[str, Any]:
    """Return a compose file with secrets in variables, commands, labels, health check, build arguments, own fields."""
    options = [
        f"--api-key={planted.plant_bare('option')}",
        "--db-password",
        planted.plant_bare("option-word"),
        planted.mark("command"),
    ]
    service: dict[str, Any] = {
        "image": "${LAB_IMAGE}",
        "build": {
            "context": str(folder),
            "args": {"NPM_TOKEN": planted.plant_bare("build"), "NOTE": planted.mark("build")},
        },
        "command": ["python3", "/canary/serve.py", *options, "redis-cli", "-a", planted.plant_bare("redis-option")],
        "volumes": [f"{folder}:/canary:ro"],
        "stop_grace_period": "1s",
        "environment": {
            **{f"NOTE_{number}": text for number, text in enumerate(planted.plant_all("env"))},
            **{
                name: planted.plant_bare(f"env-{name}")
                for name in ("STRIPE_SECRET", "SIGNING_KEY", "REDIS_AUTH", "DB_PASS_PROD")
            },
            "TLS_PRIVATE_KEY": make_private_key("lines"),
            "ECHOED": "plain " + planted.secrets["option"],
        },
        "labels": {f"canary.note{number}": text for number, text in enumerate(planted.plant_all("label", HEADERS))},
    }
    failing = f"echo '{planted.plant('probe', 'assignment')}'; echo '{planted.plant('probe', 'url')}'; exit 1"
    service["healthcheck"] = {"test": ["CMD-SHELL", failing], "interval": "1s", "retries": 1, "timeout": "3s"}
    dead = {key: service[key] for key in ("image", "volumes")} | {
        "command": ["python3", "/canary/serve.py", EXIT_OPTION]
    }
    free = {"password": planted.plant_bare("x-password"), "notes": planted.plant_all("field", HEADERS)}
    document = {"services": {"canary": service, "canary-dead": dead}, "x-free": free}
    escaped = json.dumps(document).replace("$", "$$").replace("$${LAB_IMAGE}", "${LAB_IMAGE}")
    compose_file: dict[str, Any] = json.loads(escaped)
    return compose_file


def _settings(planted: PlantedSecrets, stack: ReferenceStack) -> str:
    """Return the reference stack's settings, with more entries for the container `canary` and a planted view."""
    port = stack.environment()["AIRTABLE_PORT"]
    url = f"http://u:{planted.plant_bare('settings-url')}@127.0.0.1:{port}/{planted.mark('settings')}"
    return f"""{stack.settings_file.read_text()}
[logs]
lines = 1000
bytes = 200000
[endpoints.canary]
service = "canary"
port = 9999
path = "/health?mark={planted.mark("path")}&token={planted.plant_bare("settings-path")}"
[redis.canary]
service = "canary"
port = 6399
password_env = "CANARY_REDIS_PASSWORD"
[external.canary]
url = "{url}?api_key={planted.plant_bare("settings-query")}"
token_env = "CANARY_TOKEN"
"""


@pytest.fixture(scope="module")
def canary(reference_stack: ReferenceStack) -> Iterator[Canary]:
    """The reference stack with all secrets planted; healed afterwards."""
    reference_stack.up()
    planted, injector = PlantedSecrets(dict(SECRETS)), FaultInjector(reference_stack)
    folder = reference_stack.state_folder / "canary"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(SERVER, folder / "serve.py")
    (folder / "content.json").write_text(json.dumps(_server_content(planted)))
    (folder / "stack.toml").write_text(_settings(planted, reference_stack))
    (folder / "Dockerfile").write_text("FROM scratch\n")
    injector.override_file.write_text(json.dumps(_override(planted, folder)))
    env = {
        "CANARY_TOKEN": planted.plant_bare("external-token"),
        "CANARY_REDIS_PASSWORD": planted.plant_bare("redis-password"),
    }
    try:
        injector.run_shell(["compose up -d --no-deps canary canary-dead"])
        health = "wait_until '[ $(docker inspect -f {{.State.Health.Status}} $(c canary)) = unhealthy ]'"
        injector.run_shell([health])
        yield Canary(injector, planted, env)
    finally:
        injector.override_file.unlink(missing_ok=True)
        reference_stack.up()
        shutil.rmtree(folder, ignore_errors=True)


def test_hundreds_of_secrets_are_planted(canary: Canary) -> None:
    assert len(SHAPES) > 2 * 48
    assert len(canary.planted.secrets) > 400
    assert len(set(canary.planted.secrets.values())) == len(canary.planted.secrets)


CHANNELS = (
    *("label", "probe", "log", "utf8", "body", "text"),
    *("challenge", "location", "retry", "redis", "settings", "path"),
)


# What is not read is not stored either, secret or not.
UNREAD_CHANNELS = ("env", "field", "build", "command")


def test_triage_shows_no_secret(canary: Canary, tmp_path: Path) -> None:
    run = canary.run(tmp_path, "triage", "-s")
    assert ("canary-dead", "container-exited") in run.causes, run.out
    canary.assert_no_leak(run, *CHANNELS)
    evidence = (run.folder / "evidence.json").read_text()
    assert not [mark for mark in canary.planted.marks if mark.split("-")[1] in UNREAD_CHANNELS and mark in evidence]
    replay = run_suite(f"--replay={run.folder.resolve()}", *VERBOSE, reports=tmp_path / "replay", env=dict(canary.env))
    canary.assert_no_leak(replay, "utf8", "settings", "path")  # the page shows the last lines of a log


def test_verbose_verify_shows_no_secret(canary: Canary, tmp_path: Path) -> None:
    canary.assert_no_leak(canary.run(tmp_path, "verify", *VERBOSE), *CHANNELS)


@pytest.fixture
def crash_environment(canary: Canary) -> Callable[..., dict[str, str]]:
    """A function that returns the environment of the crash plugin."""

    def environment(*more_texts: str) -> dict[str, str]:
        planted = canary.planted
        texts = {name: planted.plant("crash", shape) for name, shape in zip(CRASH_TEXTS, SHAPES, strict=False)}
        texts["log"] = planted.plant("live", "url")
        texts |= {"local": planted.plant_bare("crash-local"), "known": canary.env["CANARY_TOKEN"]}
        texts |= {name: planted.plant(name, "url") for name in more_texts}
        return {"CANARY_CRASH": json.dumps(texts)}

    return environment


CRASH_TEXTS = ("check", "warning", "probe", "not-an-exception")


@pytest.mark.parametrize(
    ("options", "channels"),
    [(("-n", "2", *VERBOSE), ("crash",)), (("-s", *VERBOSE), ("crash", "live"))],
    ids=["workers", "alone"],
)
def test_crashes_show_no_secret(
    canary: Canary,
    crash_environment: Callable[..., dict[str, str]],
    tmp_path: Path,
    options: tuple[str, ...],
    channels: tuple[str, ...],
) -> None:
    run = canary.run(tmp_path, "triage", *CRASH_PLUGIN, *options, **crash_environment())
    canary.assert_no_leak(run, *channels, "log")


def test_a_crash_of_pytest_itself_shows_no_secret(
    canary: Canary, crash_environment: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    run = canary.run(tmp_path, "triage", *CRASH_PLUGIN, *VERBOSE, **crash_environment("internal"))
    assert not list(canary.planted.leaks(run.out)), "INTERNALERROR leaks"
    assert "mark-internal-url-seen" in run.out


def test_each_planted_secret_would_be_found(canary: Canary) -> None:
    for label, secret in canary.planted.secrets.items():
        assert label in set(canary.planted.leaks(f"… {base64.b64encode(f'u:{secret}'.encode()).decode()}")), label
        assert label in set(canary.planted.leaks(f"… {secret} …")), label

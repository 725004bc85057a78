"""Nothing secret leaves: secrets of many shapes are planted all over the running stack, and none may come out again.

Every secret stands beside a harmless mark, and the marks must come out: a channel that nobody looked at proves nothing.
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

from service_down.tests_meta.canary.plant import SHAPES, Planted, core, pem
from service_down.tests_meta.conftest import Ran, run_suite
from service_down.tests_meta.faults.inject import Patient
from service_down.tests_meta.lab.stack import SECRETS, ReferenceStack

SERVER = Path(__file__).parents[1] / "canary" / "serve.py"
HEADERS = ("url", "query", "bearer", "github", "jwt")
LOUD = ("-v", "-l", "--tb=long", "-rA", "--log-cli-level=DEBUG")
CRASHING = ("-p", "service_down.tests_meta.canary.crash")
FAIL = """CREATE OR REPLACE FUNCTION canary_fail() RETURNS SETOF int LANGUAGE plpgsql AS
$f$ BEGIN RAISE EXCEPTION '%', $t${text}$t$; END $f$; CREATE OR REPLACE VIEW canary AS SELECT * FROM canary_fail()"""


@dataclass
class Canary:
    """The planted stack, and what was planted."""

    patient: Patient
    planted: Planted
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """What the planted container reads."""
        return self.patient.stack.state / "canary"

    def run(self, reports: Path, mode: str, *words: str, **env: str) -> Ran:
        """The suite on the planted stack."""
        files = [f"--compose-file={path}" for path in self.patient.files(True)]
        settings = f"--stack={self.folder / 'stack.toml'}"
        told = {**self.patient.environment(), **self.env, **env}
        return run_suite("-m", mode, settings, *files, *words, reports=reports, env=told)

    def assert_silent(self, ran: Ran, *marks: str) -> None:
        """No secret in any file or on the terminal; every mark of these channels in one of them."""
        places = {path.name: path.read_text(errors="replace") for path in ran.folder.iterdir() if path.is_file()}
        places["the terminal"] = ran.out
        leaks = sorted(f"{label} in {name}" for name, text in places.items() for label in self.planted.leaks(text))
        assert not leaks, f"{len(leaks)} leaks: {', '.join(leaks)}"
        seen = "\n".join(places.values())
        wanted = {one for one in self.planted.marks if one.split("-")[1] in marks}
        assert len(wanted) >= len(marks)
        missing = sorted(one for one in wanted if one not in seen)
        assert not missing, f"not seen at all: {', '.join(missing)}\n{ran.out[-2000:]}"


def _told(planted: Planted) -> dict[str, Any]:
    """What the container prints and answers."""
    torn = "\n".join(f"{line} " for line in pem("torn").splitlines()[1:-1])
    planted.secrets |= {f"pem-{number}": core(f"lines{number}", 64) for number in range(4)}
    planted.secrets |= {f"torn-{number}": core(f"torn{number}", 64) for number in range(4)}
    broken = [b"\xff\xfe \xc3 " + line.encode() + b" \xe2\x82" for line in planted.plants("utf8", HEADERS)]
    lines = [line.encode() for line in planted.plants("log")]
    lines += [
        *broken,
        f"{planted.mark('log-pem')} {pem('lines')}".encode(),
        torn.encode(),
        planted.mark("log-end").encode(),
    ]
    return {
        "lines": [base64.b64encode(line).decode() for line in lines],
        "status": 500,
        "body": json.dumps({"errors": planted.plants("body")}) + "\n" + "\n".join(planted.plants("text")),
        "headers": {
            "Set-Cookie": f"session={planted.bare('set-cookie')}",
            "WWW-Authenticate": f'Basic realm="{planted.plant("challenge", "url")}"',
            "Location": f"https://u:{planted.bare('location')}@h/{planted.mark('location')}",
            "Retry-After": planted.plant("retry", "assignment"),
        },
        "redis": planted.plant("redis", "assignment"),
        "dies": "--die",
    }


def _override(planted: Planted, folder: Path) -> dict[str, Any]:
    """The compose file: variables, commands, labels, health check, build arguments and free fields."""
    options = [
        f"--api-key={planted.bare('option')}",
        "--db-password",
        planted.bare("option-word"),
        planted.mark("command"),
    ]
    service: dict[str, Any] = {
        "image": "${LAB_IMAGE}",
        "build": {"context": str(folder), "args": {"NPM_TOKEN": planted.bare("build"), "NOTE": planted.mark("build")}},
        "command": ["python3", "/canary/serve.py", *options, "redis-cli", "-a", planted.bare("redis-option")],
        "volumes": [f"{folder}:/canary:ro"],
        "stop_grace_period": "1s",
        "environment": {
            **{f"NOTE_{number}": text for number, text in enumerate(planted.plants("env"))},
            **{
                name: planted.bare(f"env-{name}")
                for name in ("STRIPE_SECRET", "SIGNING_KEY", "REDIS_AUTH", "DB_PASS_PROD")
            },
            "TLS_PRIVATE_KEY": pem("lines"),
            "ECHOED": "plain " + planted.secrets["option"],
        },
        "labels": {f"canary.note{number}": text for number, text in enumerate(planted.plants("label", HEADERS))},
    }
    failing = f"echo '{planted.plant('probe', 'assignment')}'; echo '{planted.plant('probe', 'url')}'; exit 1"
    service["healthcheck"] = {"test": ["CMD-SHELL", failing], "interval": "1s", "retries": 1, "timeout": "3s"}
    dead = {key: service[key] for key in ("image", "volumes")} | {"command": ["python3", "/canary/serve.py", "--die"]}
    free = {"password": planted.bare("x-password"), "notes": planted.plants("field", HEADERS)}
    text = {"services": {"canary": service, "canary-dead": dead}, "x-free": free}
    doubled: dict[str, Any] = json.loads(json.dumps(text).replace("$", "$$").replace("$${LAB_IMAGE}", "${LAB_IMAGE}"))
    return doubled


def _settings(planted: Planted, stack: ReferenceStack) -> str:
    """The reference stack's settings, and what asks the planted container and the planted view."""
    port = stack.environment()["AIRTABLE_PORT"]
    url = f"http://u:{planted.bare('settings-url')}@127.0.0.1:{port}/{planted.mark('settings')}"
    return f"""{stack.settings.read_text()}
[endpoints.canary]
service = "canary"
port = 9999
path = "/health?mark={planted.mark("path")}&token={planted.bare("settings-path")}"
[redis.canary]
service = "canary"
port = 6399
password_env = "CANARY_REDIS_PASSWORD"
[postgres.canary]
service = "postgres"
table = "canary"
[external.canary]
url = "{url}?api_key={planted.bare("settings-query")}"
token_env = "CANARY_TOKEN"
"""


@pytest.fixture(scope="module")
def canary(running: ReferenceStack) -> Iterator[Canary]:
    """The reference stack with everything planted; healed afterwards."""
    running.up()
    planted, patient = Planted(dict(SECRETS)), Patient(running)
    folder = running.state / "canary"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(SERVER, folder / "serve.py")
    (folder / "told.json").write_text(json.dumps(_told(planted)))
    (folder / "stack.toml").write_text(_settings(planted, running))
    (folder / "Dockerfile").write_text("FROM scratch\n")
    patient.override.write_text(json.dumps(_override(planted, folder)))
    (folder / "fail.sql").write_text(FAIL.replace("{text}", planted.plant("sql", "json")))
    env = {"CANARY_TOKEN": planted.bare("given"), "CANARY_REDIS_PASSWORD": planted.bare("given-redis")}
    try:
        patient.shell(['sql "$(cat $STATE/canary/fail.sql)" >/dev/null', "compose up -d --no-deps canary canary-dead"])
        health = "wait_until '[ $(docker inspect -f {{.State.Health.Status}} $(c canary)) = unhealthy ]'"
        patient.shell([health])
        yield Canary(patient, planted, env)
    finally:
        patient.shell(['sql "DROP VIEW IF EXISTS canary; DROP FUNCTION IF EXISTS canary_fail" >/dev/null'])
        patient.override.unlink(missing_ok=True)
        running.up()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_hundred_secrets_are_planted(canary: Canary) -> None:
    assert len(canary.planted.secrets) > 100
    assert len(set(canary.planted.secrets.values())) == len(canary.planted.secrets)


CHANNELS = (
    *("env", "label", "field", "build", "command", "probe", "log", "utf8", "body", "text"),
    *("challenge", "location", "retry", "redis", "settings", "path"),
)


def test_triage_shows_none(canary: Canary, tmp_path: Path) -> None:
    ran = canary.run(tmp_path, "triage", "-s")
    assert ("canary-dead", "container-exited") in ran.causes, ran.out
    canary.assert_silent(ran, *CHANNELS)
    again = run_suite(f"--replay={ran.folder.resolve()}", *LOUD, reports=tmp_path / "again", env=dict(canary.env))
    canary.assert_silent(again, "log", "settings", "path")


def test_verify_shows_none_however_loud(canary: Canary, tmp_path: Path) -> None:
    canary.assert_silent(canary.run(tmp_path, "verify", *LOUD), *CHANNELS, "sql")


@pytest.fixture
def crashing(canary: Canary) -> Callable[..., dict[str, str]]:
    """What the crashing plugin is told."""

    def told(*more: str) -> dict[str, str]:
        planted = canary.planted
        texts = {name: planted.plant("crash", shape) for name, shape in zip(PARTS, SHAPES, strict=False)}
        texts["log"] = planted.plant("live", "url")
        texts |= {"local": planted.bare("crash-local"), "known": canary.env["CANARY_TOKEN"]}
        texts |= {name: planted.plant(name, "url") for name in more}
        return {"CANARY_CRASH": json.dumps(texts)}

    return told


PARTS = ("check", "warning", "probe", "odd")


@pytest.mark.parametrize(
    ("words", "seen"), [(("-n", "2", *LOUD), ("crash",)), (("-s", *LOUD), ("crash", "live"))], ids=["workers", "alone"]
)
def test_crashes_show_none(
    canary: Canary,
    crashing: Callable[..., dict[str, str]],
    tmp_path: Path,
    words: tuple[str, ...],
    seen: tuple[str, ...],
) -> None:
    ran = canary.run(tmp_path, "triage", *CRASHING, *words, **crashing())
    canary.assert_silent(ran, *seen, "log")


def test_a_crash_of_pytest_itself_shows_none(
    canary: Canary, crashing: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    ran = canary.run(tmp_path, "triage", *CRASHING, *LOUD, **crashing("internal"))
    assert not list(canary.planted.leaks(ran.out)), "INTERNALERROR leaks"
    assert "mark-internal-url-seen" in ran.out


def test_a_leak_would_be_found(canary: Canary) -> None:
    for label, secret in canary.planted.secrets.items():
        assert label in set(canary.planted.leaks(f"… {base64.b64encode(f'u:{secret}'.encode()).decode()}")), label
        assert label in set(canary.planted.leaks(f"… {secret} …")), label

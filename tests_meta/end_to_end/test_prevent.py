"""`pytest -m prevent`: what it says of a stack that works and is badly set up. No other mode runs its checks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from service_down.checks.framework.runbook import all_checks
from service_down.tests_meta.fake_docker import LABEL, DockerContainer, compose_labels
from service_down.tests_meta.fake_engine import Odd, Request
from service_down.tests_meta.fake_stack import FakeStack, fake_stack

SECRET = "s3cret-of-postgres"
MIB = 2**20
OF_PREVENT = ("backup-present", "healthcheck-present", "healthcheck-tool", "image-pinned", "memory-limit", "ports-open")
NOT_FOUND = 'OCI runtime exec failed: exec failed: exec: "curl": executable file not found in $PATH: unknown'


def inspected(folder: Path, name: str, address: str, config: Mapping[str, Any], host: Mapping[str, Any]) -> Any:
    """What the engine says of a container of the fake stack, with this configuration."""
    created_from = {
        f"{LABEL}project.config_files": str(folder / "compose.yaml"),
        f"{LABEL}project.working_dir": str(folder),
    }
    found = DockerContainer(f"shop-{name}-1", compose_labels("shop", name) | created_from, address=address).inspected()
    found["NetworkSettings"]["Networks"]["shop_default"]["Aliases"] = [name]
    found["Config"] |= config
    found["HostConfig"] |= host
    return found


def badly_set_up(folder: Path) -> dict[str, Odd]:
    """The engine's answers about two containers that work and are badly set up, and one that is well set up."""
    everywhere = {"5432/tcp": [{"HostIp": "0.0.0.0", "HostPort": "5432"}]}
    postgres = inspected(
        folder,
        "postgres",
        "172.99.0.3",
        {"Image": "postgres:latest", "Env": [f"POSTGRES_PASSWORD={SECRET}", "POSTGRES_USER=app"]},
        {"PortBindings": everywhere, "RestartPolicy": {"Name": "no"}, "LogConfig": {"Type": "json-file", "Config": {}}},
    )
    postgres["NetworkSettings"]["Ports"] = everywhere
    well = {"RestartPolicy": {"Name": "always"}, "Memory": 64 * MIB, "LogConfig": {"Type": "local", "Config": {}}}
    redis = inspected(
        folder,
        "redis",
        "172.99.0.4",
        {
            "Image": "redis:7.4",
            "Cmd": ["redis-server", "--maxmemory", "64mb"],
            "Healthcheck": {"Test": ["CMD", "curl"]},
        },
        well,
    )
    redis["State"]["Health"] = {
        "Status": "unhealthy",
        "FailingStreak": 9,
        "Log": [{"Start": "2026-01-01T00:00:00Z", "End": "2026-01-01T00:00:01Z", "ExitCode": -1, "Output": NOT_FOUND}],
    }
    web = inspected(
        folder, "web-0", "172.99.0.2", {"Image": "shop/web:1.2", "Healthcheck": {"Test": ["CMD", "true"]}}, well
    )
    web["State"]["Health"] = {"Status": "healthy", "FailingStreak": 0, "Log": []}
    return {f"/containers/{found['Name'][1:]}/json": answering(found) for found in (postgres, redis, web)}


def answering(answer: object) -> Odd:
    """Answers a request with this JSON."""

    def answer_it(request: Request) -> None:
        request.answer(json.dumps(answer).encode())

    return answer_it


def test_what_to_improve_is_named_with_what_to_write(tmp_path: Path) -> None:
    with fake_stack(tmp_path, 1, odd=badly_set_up(tmp_path)) as stack:
        run = stack.run("-m", "prevent")
        verdict, evidence = run.verdict, (run.folder / "evidence.json").read_text()
        files = {file.name: file.read_text() for file in run.folder.iterdir() if file.is_file()}
        (tmp_path / "evidence.json").write_text(evidence)
        replayed = stack.run(f"--replay={tmp_path / 'evidence.json'}").verdict
        others = [look(stack, mode) for mode in ("triage", "verify")]
    assert (run.code, verdict["mode"], verdict["verdict"], verdict["causes"]) == (0, "prevent", "healthy", []), run.out
    found = {(warning["service"], warning["code"]): warning for warning in verdict["warnings"]}
    assert set(found) == {
        ("postgres", "healthcheck-missing"),
        ("postgres", "restart-policy-missing"),
        ("postgres", "memory-limit-missing"),
        ("postgres", "log-rotation-missing"),
        ("postgres", "image-not-pinned"),
        ("postgres", "store-port-open"),
        ("postgres", "secret-in-environment"),
        ("postgres", "backup-not-seen"),
        ("redis", "healthcheck-tool-missing"),
        ("redis", "memory-limit-maxmemory"),
    }, run.out
    assert all(warning["remedy"] for warning in found.values())
    assert found["postgres", "secret-in-environment"]["remedy"].startswith("POSTGRES_PASSWORD_FILE: /run/secrets/NAME")
    assert verdict["summary"].startswith("10 things to improve, in 2 of 3 services")
    assert "whether the services work was not looked at (pytest -m triage)" in verdict["summary"]
    assert {service["state"] for service in verdict["services"]} == {"unknown"}
    assert "write   restart: unless-stopped" in run.out
    assert "restart: unless-stopped" in files["report.html"]
    assert [name for name, text in files.items() if SECRET in text] == []
    assert SECRET not in run.out

    compared = ("verdict", "summary", "warnings", "services", "counts")
    assert {key: replayed[key] for key in compared} == {key: verdict[key] for key in compared}
    for checks, probes in others:
        assert len(checks) > 10
        assert checks.isdisjoint(OF_PREVENT)
        assert probes.isdisjoint(("set-up", "peak"))


def look(stack: FakeStack, mode: str) -> tuple[set[str], set[str]]:
    """The checks that a run of this mode runs, and the kinds of probes that it asks."""
    run = stack.run("-m", mode)
    assert run.verdict["mode"] == mode
    observations = json.loads((run.folder / "evidence.json").read_text())["observations"]
    checks = {check["id"].partition(":")[0] for check in run.verdict["checks"]}
    return checks, {observation["probe"].partition(":")[0] for observation in observations}


def test_checks_of_other_modes_cost_nothing_for_each_service(tmp_path: Path) -> None:
    with fake_stack(tmp_path, 4) as stack:
        run = stack.triage()
        both = stack.run("-m", "triage or prevent")
    others = [check for check in all_checks() if "triage" not in check.modes]
    assert f" {len(others)} deselected" in run.out
    assert "healthcheck-present:web-3" in {check["id"] for check in both.verdict["checks"]}


def test_an_alert_is_neither_true_nor_false_by_how_the_stack_is_set_up(tmp_path: Path) -> None:
    alert = {"alerts": [{"status": "firing", "labels": {"alertname": "ServiceDown", "service": "redis"}}]}
    (tmp_path / "alert.json").write_text(json.dumps(alert))
    with fake_stack(tmp_path, 1) as stack:
        run = stack.run("-m", "prevent", f"--alert={tmp_path / 'alert.json'}")
    assert run.verdict["alert"]["looks"] == "unknown", run.out


def test_without_an_engine_and_a_file_nothing_is_known(tmp_path: Path) -> None:
    with fake_stack(tmp_path, 1) as stack:
        run = stack.run("-m", "prevent", env={"DOCKER_HOST": "tcp://127.0.0.1:1"})
    assert run.verdict["verdict"] == "unknown", run.out
    assert run.verdict["warnings"] == []
    assert run.code == 1

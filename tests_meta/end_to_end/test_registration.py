"""A subject is described once: a made-up technology appears everywhere by its registration alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from service_down.tests_meta.suite_run import run_suite

SECRET = "correct-horse-battery"

PROBE = """
from functools import partial
from pathlib import Path
from typing import ClassVar

from msgspec import Struct

from service_down.fixtures.evidence.probe import Probe
from service_down.fixtures.evidence.observation import ProbeKey, reader
from service_down.fixtures.probes import registry
from service_down.fixtures.probes.subject import ResourceUsage, Subject
from service_down.fixtures.settings.schema import Section, Table


class TurtleSettings(Section, frozen=True):
    secret_variables: ClassVar = ("password_env",)

    service: str
    password_env: str = "TURTLE_PASSWORD"


class TurtleState(Struct, frozen=True):
    greeting: str
    shells_used: int
    shells: int


TABLE = Table("turtle", TurtleSettings)
TURTLE = ProbeKey("turtle", reader(TurtleState))


def probes(context, model):
    for name, turtle in context.settings.all_of(TABLE).items():
        yield Probe(TURTLE.of(name).id, partial(ask, context, turtle), 1.0)


def ask(context, turtle, answers):
    return TurtleState(f"hello {context.secret(turtle.password_env)}", 9, 10)


def resources(observations, thresholds):
    for name, observation in observations.all_of(TURTLE):
        state = observation.value
        used, limit = f"{state.shells_used} shells", f"{state.shells} shells"
        yield ResourceUsage(name, "shells", used, limit, 100 * state.shells_used / state.shells, 85.0)


registry.SUBJECTS = (
    *registry.SUBJECTS,
    Subject(
        name="turtle",
        checks=("turtle_checks",),
        findings=(Path(__file__).with_name("turtle.toml"),),
        keys=(TURTLE,),
        probes=probes,
        table=TABLE,
        listed_answers=(TURTLE,),
        resources=resources,
    ),
)
"""

CHECKS = """
from service_down.checks.framework.check import check
from service_down.checks.framework.targets import entries_of
from service_down.fixtures.catalog.finding import Proof, finding
from turtle_probe import TABLE, TURTLE


@check(
    "turtle",
    runbook=("3.dependencies",),
    targets=entries_of(TABLE),
    judges_errors_of=lambda target: (TURTLE.of(target.id),),
)
def test_turtle(target, evidence, report_findings):
    observation = evidence[TURTLE.of(target.id)]
    proof = Proof("greeting", observation.value.greeting, observation.at)
    report_findings([finding("turtle-asleep", target.service, proof=[proof], what=observation.value.greeting)])
"""

FINDINGS = """
[turtle-asleep]
severity = "critical"
layer = 4
summary = "{service} is asleep: {what}"
runbook = "4. Check Dependencies"
next = ["{compose} logs --tail=100 {service}"]
"""

SETTINGS = """
[stack]
name = "pond"
project = "pond"

[turtle.main]
service = "turtle"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a made-up technology: its probe, its checks, its findings and the settings of a stack."""
    files = {"turtle_probe.py": PROBE, "turtle_checks.py": CHECKS, "turtle.toml": FINDINGS, "stack.toml": SETTINGS}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_made_up_technology_appears_in_verdict_report_and_redaction(folder: Path) -> None:
    env = {"DOCKER_HOST": "unix:///nonexistent/docker.sock", "TURTLE_PASSWORD": SECRET}
    words = ("-p", "turtle_probe", "-m", "triage", f"--stack={folder / 'stack.toml'}")
    ran = run_suite(*words, reports=folder / "reports", env=env, modules=folder)
    assert ("turtle", "turtle-asleep") in ran.causes, ran.out
    assert ran.verdict["verdict"] == "down"
    page = (ran.folder / "report.html").read_text()
    assert "turtle is asleep: hello &lt;secret:" in page
    assert "<td>shells</td>" in page
    assert "turtle:main" in page
    texts = [path.read_text() for path in ran.folder.iterdir() if path.is_file()]
    assert not [text for text in [ran.out, *texts] if SECRET in text]


def test_a_mistake_in_the_table_of_a_made_up_technology_is_one_line(folder: Path) -> None:
    (folder / "stack.toml").write_text(SETTINGS + 'shell = "blue"\n')
    words = ("-p", "turtle_probe", "-m", "triage", f"--stack={folder / 'stack.toml'}")
    ran = run_suite(*words, reports=folder / "reports", modules=folder)
    assert ran.code == 4
    assert "turtle.main.shell: unknown key; known are password_env, service" in ran.out

"""The JSON Schemas agree with what the suite writes and reads."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from service_down.fixtures.settings.load import VARIABLE, SettingsError, settings_from_tables
from service_down.reports.reference.stack_schema import stack_schema
from service_down.reports.verdict_file import to_json, verdict_file, verdict_schema
from service_down.tests_meta import offline
from service_down.tests_meta.faults.recording import evidence_file
from service_down.tests_meta.reports.saved_runs import run_info
from service_down.tests_meta.suite_run import ROOT

VARIABLES = {"LAB_PROJECT": "lab", "LAB_KIND": "debian", "LAB_STATE": "/tmp/lab"}
STACK_FILES = ("examples/pyairtable/stack.toml", "tests_meta/stack/stack.toml")
ENDPOINT = {"service": "web", "port": 80}


def errors(schema: Mapping[str, object], value: object) -> list[str]:
    """What is wrong with the value, by the schema."""
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(value)]


@pytest.mark.parametrize("schema", [stack_schema(), verdict_schema()], ids=["stack", "verdict"])
def test_it_is_a_json_schema(schema: dict[str, object]) -> None:
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]


@pytest.mark.parametrize("name", ["healthy", "postgres-stopped", "redis-killed-and-tempo-stopped"])
def test_a_written_verdict_matches_its_schema(name: str) -> None:
    recording = offline.read(evidence_file(name))
    file = verdict_file(offline.judge(recording), run_info(), recording.evidence.context.mode)
    table = msgspec.json.decode(msgspec.json.encode(to_json(file)))
    assert errors(verdict_schema(), table) == []
    del table["verdict"]
    assert errors(verdict_schema(), table) != []


@pytest.mark.parametrize("name", STACK_FILES)
def test_a_settings_file_matches_its_schema_as_written_and_filled_in(name: str) -> None:
    text = (ROOT / name).read_text()
    filled = VARIABLE.sub(lambda match: VARIABLES.get(match[1]) or match[2], text)
    for written in (text, filled):
        assert errors(stack_schema(), tomllib.loads(written)) == []


MISTAKES: list[dict[str, Any]] = [
    {"stak": {}},
    {"subjects": {}},
    {"stack": {"nam": "shop"}},
    {"stack": {"name": ""}},
    {"services": {"web": {"critical": "yes"}}},
    {"endpoints": {"web": {"service": "web"}}},
    {"endpoints": {"web": {**ENDPOINT, "port": 0}}},
    {"endpoints": {"web": {**ENDPOINT, "path": "health"}}},
    {"endpoints": {"web": {**ENDPOINT, "colour": "red"}}},
    {"thresholds": {"disk_full_percent": 101}},
    {"prometheus": {**ENDPOINT, "jobs": {"web": 1}}},
]


@pytest.mark.parametrize("tables", MISTAKES, ids=str)
def test_schema_and_suite_refuse_the_same_mistakes(tables: dict[str, Any]) -> None:
    assert errors(stack_schema(), tables) != []
    with pytest.raises(SettingsError):
        settings_from_tables(tables)


def test_a_value_with_a_variable_matches_before_it_is_filled_in() -> None:
    tables = {"external": {"billing": {"url": "${BILLING_URL}"}}, "api": {"web": {**ENDPOINT, "path": "${WEB_PATH}"}}}
    assert errors(stack_schema(), tables) == []

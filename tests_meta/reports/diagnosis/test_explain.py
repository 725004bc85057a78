"""The decision table: what it says, and that the diagnosis does what it says."""

from __future__ import annotations

import itertools
import subprocess
import sys
from dataclasses import replace

import pytest

from service_down.fixtures.catalog.finding import Finding, catalogue, finding
from service_down.fixtures.stack.model import Model, Service
from service_down.reports.diagnosis.explain import HEADER, explain, explanations, table_lines

MODEL = Model((Service("web", depends_on={"db": "service_started"}), Service("db"), Service("other")), "compose")
TABLE = {row.code: row for row in explanations()}


def error(code: str, service: str, *blamed: str) -> Finding:
    return finding(code, service, severity="error", blamed=blamed)


def follows(follower: Finding, cause: Finding) -> bool:
    return explain([follower, cause], MODEL, {}).causes_of(follower.service) == {cause.service}


def test_every_code_has_a_row_and_the_layers_ascend() -> None:
    assert TABLE.keys() == catalogue().keys()
    layers = [row.layer for row in explanations()]
    assert layers == sorted(layers)


@pytest.mark.parametrize("cause", sorted(catalogue()))
def test_the_diagnosis_explains_what_the_table_says(cause: str) -> None:
    row = TABLE[cause]
    for code in catalogue():
        related = follows(error(code, "web"), error(cause, "db"))
        blamed = follows(error(code, "other", "db"), error(cause, "db"))
        unrelated = follows(error(code, "other"), error(cause, "db"))
        explains = code in row.explains
        assert (related, blamed, unrelated) == (explains and not row.when_blamed, explains, False), code
        assert (cause in TABLE[code].follows_from) == explains


def test_effects_explain_only_effects_that_blame_them() -> None:
    row = TABLE["target-down"]
    assert row.when_blamed
    assert {TABLE[code].layer for code in row.explains} == {5}
    assert [code for code, row in TABLE.items() if row.layer == 5 and row.explains] == ["target-down"]


def test_what_follows_from_nothing() -> None:
    assert TABLE["oom-killed"].follows_from == ()
    own = replace(error("crash-loop", "web"), own_reason=True)
    assert not follows(own, error("oom-killed", "db"))


def test_an_impaired_service_explains_who_blames_it_or_fails_alike() -> None:
    impaired = replace(error("endpoint-timeout", "db"), impaired=True)
    assert not follows(error("endpoint-error", "web"), impaired)
    assert follows(error("endpoint-error", "web", "db"), impaired)
    assert follows(error("endpoint-timeout", "web"), impaired)


def test_the_rules_that_raise_a_warning() -> None:
    raised = {code: (row.raised_by.relation, row.raised_by.lock_held) for code, row in TABLE.items() if row.raised_by}
    assert raised == {
        "db-slow": ("needs", True),
        "mysql-slow": ("needs", True),
        "healthcheck-starting": ("waits", False),
        "peer-errors": ("blamed", False),
    }


def test_the_table_is_aligned() -> None:
    lines = list(itertools.takewhile(bool, table_lines()))
    starts = [lines[0].index(name) for name in HEADER[1:]]
    assert len(lines) == len(TABLE) + 1
    for line in lines[1:]:
        assert all(line[start - 1] == " " and line[start] != " " for start in starts if start < len(line)), line


def test_the_command_prints_the_table() -> None:
    command = [sys.executable, "-m", "service_down.reports.diagnosis.explain"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert printed.stdout.splitlines() == table_lines()
    assert printed.stderr == ""

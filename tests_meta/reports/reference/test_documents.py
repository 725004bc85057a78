"""The committed reference documents are those that the code generates, and they leave nothing out."""

from __future__ import annotations

import pytest

from service_down.fixtures.catalog.finding import catalogue
from service_down.reports.reference.documents import documents
from service_down.reports.reference.settings import TableSchema, table_schemas
from service_down.tests_meta.chaos.soak import FILE as SOAK_FILE
from service_down.tests_meta.chaos.table import FILE as CHAOS_FILE
from service_down.tests_meta.fixtures.secrets.figures import FILE as REDACTION_FILE
from service_down.tests_meta.mutants.document import FILE as MUTANTS_FILE
from service_down.tests_meta.suite_run import ROOT

FOLDER = ROOT / "reference"


@pytest.mark.parametrize("name", documents())
def test_the_committed_document_is_current(name: str) -> None:
    path = FOLDER / name
    committed = path.read_text(encoding="utf-8") if path.exists() else ""
    assert committed == documents()[name], f"reference/{name} is not current: run `make reference` and commit it"


def test_the_folder_holds_nothing_else() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {
        *documents(),
        *(file.name for file in (REDACTION_FILE, CHAOS_FILE, SOAK_FILE, MUTANTS_FILE)),
    }


@pytest.mark.parametrize(("name", "schema"), table_schemas().items())
def test_every_table_and_key_of_the_settings_is_described(name: str, schema: TableSchema) -> None:
    assert schema.description.endswith("."), f"{name} has no sentence as its docstring"
    undescribed = [key for key, described in schema.properties.items() if not described.description.endswith(".")]
    assert not undescribed, f"{name}: add Meta(description=…) of one sentence"


def test_every_finding_code_has_a_section() -> None:
    lines = documents()["findings.md"].splitlines()
    assert {line for line in lines if line.startswith("### ")} == {f"### `{code}`" for code in catalogue()}

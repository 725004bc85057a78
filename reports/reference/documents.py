"""All reference documents: file names and texts."""

from __future__ import annotations

import json
from collections.abc import Mapping

from service_down.reports.reference.dependencies import dependencies_document
from service_down.reports.reference.findings import findings_document
from service_down.reports.reference.settings import settings_document
from service_down.reports.reference.stack_schema import STACK_SCHEMA_FILE, stack_schema
from service_down.reports.verdict_file import verdict_schema


def documents() -> dict[str, str]:
    """Return the text of every document by file name."""
    return {
        "settings.md": settings_document(),
        "findings.md": findings_document(),
        "dependencies.md": dependencies_document(),
        STACK_SCHEMA_FILE: _json(stack_schema()),
        "verdict.schema.json": _json(verdict_schema()),
    }


def _json(schema: Mapping[str, object]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"

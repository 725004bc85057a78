"""The JSON Schema of `stack.toml`, from the types that read it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from service_down.fixtures.probes.registry import subjects
from service_down.fixtures.settings.schema import Section, ServiceSettings, Settings, Table
from service_down.reports.verdict_file import SCHEMA_DIALECT

STACK_SCHEMA_FILE = "stack.schema.json"
DEFINITION = "#/$defs/{name}"
OR_A_VARIABLE = r"|\$\{"  # a variable is filled in before the value is checked against its pattern


def tables() -> Iterator[Table[Section]]:
    """Every table of the file: those of the suite itself, then those of the registered subjects."""
    for field in msgspec.structs.fields(Settings):
        if field.name == "services":
            yield Table(field.name, ServiceSettings)
        elif field.name != "subjects":
            yield Table(field.name, field.type, several=False)
    yield from (subject.table for subject in subjects() if subject.table)


def stack_schema() -> dict[str, object]:
    """Return the JSON Schema (2020-12) of the file as it is written, with its variables."""
    known = list(tables())
    _, definitions = msgspec.json.schema_components([table.schema for table in known], ref_template=DEFINITION)
    for table in known:
        _add_defaults(table.schema, definitions[table.schema.__name__]["properties"])
    return {
        "$schema": SCHEMA_DIALECT,
        "title": "stack.toml",
        "description": "The stack that service-down checks.",
        "type": "object",
        "properties": {table.name: _reference(table) for table in known},
        "additionalProperties": False,
        "$defs": {name: _as_written(definition) for name, definition in sorted(definitions.items())},
    }


def _add_defaults(section: type[Section], properties: dict[str, dict[str, object]]) -> None:
    """Add the defaults that msgspec leaves out: those that a function makes."""
    for field in msgspec.structs.fields(section):
        if field.default_factory is not msgspec.NODEFAULT:
            properties[field.encode_name]["default"] = msgspec.to_builtins(field.default_factory())


def _reference(table: Table[Section]) -> dict[str, object]:
    reference: dict[str, object] = {"$ref": DEFINITION.format(name=table.schema.__name__)}
    return {"type": "object", "additionalProperties": reference} if table.several else reference


def _as_written(schema: object) -> object:
    """Return a schema without null, which TOML lacks, and with patterns that an unfilled variable matches too."""
    if isinstance(schema, list):
        return [_as_written(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    written = {key: _as_written(value) for key, value in schema.items() if (key, value) != ("default", None)}
    pattern, alternatives = written.get("pattern"), written.get("anyOf")
    if isinstance(pattern, str):
        written["pattern"] = pattern + OR_A_VARIABLE
    if isinstance(alternatives, list):
        del written["anyOf"]
        (only,) = (entry for entry in alternatives if entry != {"type": "null"})
        written |= only
    return written

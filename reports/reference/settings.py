"""`settings.md`: every table and key of `stack.toml`, from its JSON Schema."""

from __future__ import annotations

import json

import msgspec
from msgspec import UNSET, Struct, UnsetType

from service_down.reports.reference.markdown import code, code_block, document, table
from service_down.reports.reference.stack_schema import STACK_SCHEMA_FILE, stack_schema, tables

HEADER = ("key", "type", "unit", "default", "meaning")
INTRODUCTION = (
    "# Settings: `stack.toml`",
    "`${NAME}` and `${NAME:-default}` in strings are filled from the environment. An unknown table or key is an error."
    " The file never holds a secret, only the names of the environment variables that hold them. Paths of compose and"
    " env files are relative to the file.",
    "A table `[name.NAME]` can be there several times, each time with a `NAME` of your choice; for `[services.NAME]`,"
    " it is the name of the Compose service. Only `[stack]` is needed. Each further table adds checks or changes a"
    " limit.",
    f"[{STACK_SCHEMA_FILE}]({STACK_SCHEMA_FILE}) is the JSON Schema of the file. Editors with Taplo (Even Better TOML"
    " in VS Code) complete and check the keys when the first line of `stack.toml` names the schema, relative to that"
    " file:",
    code_block([f"#:schema reference/{STACK_SCHEMA_FILE}"], "toml"),
)


class KeySchema(
    Struct,
    frozen=True,
    rename={
        "unit": "x-unit",
        "values": "additionalProperties",
        "at_least": "minimum",
        "at_most": "maximum",
        "above": "exclusiveMinimum",
    },
):
    """The JSON Schema of a key, as far as it is shown."""

    type: str
    description: str = ""
    unit: str = ""
    default: object = UNSET
    items: KeySchema | None = None
    values: KeySchema | None = None
    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None


class TableSchema(Struct, frozen=True):
    """The JSON Schema of a table, as far as it is shown."""

    description: str
    properties: dict[str, KeySchema]
    required: tuple[str, ...]


class StackSchema(Struct, frozen=True):
    """The JSON Schema of the file, as far as it is shown."""

    definitions: dict[str, TableSchema] = msgspec.field(name="$defs")


def table_schemas() -> dict[str, TableSchema]:
    """Return the schema of every table by its heading."""
    definitions = msgspec.convert(stack_schema(), StackSchema).definitions
    return {
        f"[{known.name}.NAME]" if known.several else f"[{known.name}]": definitions[known.schema.__name__]
        for known in tables()
    }


def settings_document() -> str:
    """Return the document."""
    return document([*INTRODUCTION, *(_section(heading, schema) for heading, schema in table_schemas().items())])


def _section(heading: str, schema: TableSchema) -> str:
    rows = (_row(name, key, name in schema.required) for name, key in schema.properties.items())
    return "\n\n".join([f"## {code(heading)}", schema.description, table(HEADER, rows)])


def _row(name: str, key: KeySchema, required: bool) -> tuple[str, ...]:
    default = "required" if required else _default(key.default)
    return code(name), _type(key), key.unit, default, key.description


def _type(key: KeySchema) -> str:
    if key.items:
        return f"array of {key.items.type}s"
    if key.values:
        return f"table of {key.values.type}s"
    limits = {">": key.above, "≥": key.at_least, "≤": key.at_most}
    texts = [f"{sign} {limit:.0f}" for sign, limit in limits.items() if limit is not None]
    return f"{key.type} {' and '.join(texts)}".rstrip()


def _default(value: object | UnsetType) -> str:
    if value is UNSET:
        return "not set"
    return code(f"{value:g}" if isinstance(value, float) else json.dumps(value))

"""What was measured of each module (`measured.json`), and the survivors that are accepted (`accepted.toml`)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from service_down.tests_meta.mutants.mutating import Mutant

FILE = Path(__file__).with_name("measured.json")
ACCEPTED_FILE = Path(__file__).with_name("accepted.toml")


class Measured(msgspec.Struct, frozen=True):
    """The last measurement of a module: its day, the command, mutants by state, and all that survived."""

    date: str
    command: str
    states: Mapping[str, int]
    survivors: Sequence[Mutant]


class Accepted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Survivors that change nothing that a test could or should see. Empty texts stand for every line."""

    module: str
    function: str
    reason: str
    removed: str = ""
    added: str = ""

    def covers(self, module: str, mutant: Mutant) -> bool:
        """Whether it names this mutant."""
        return (
            (self.module, self.function) == (module, mutant.function)
            and self.removed in ("", mutant.removed)
            and self.added in ("", mutant.added)
        )


def today() -> str:
    """Return the day in UTC."""
    return datetime.now(UTC).date().isoformat()


def measured_modules() -> dict[str, Measured]:
    """Return the last measurement of every module that was measured."""
    if not FILE.is_file():
        return {}
    return msgspec.json.decode(FILE.read_bytes(), type=dict[str, Measured])


def save(module: str, measured: Measured) -> None:
    """Put the measurement of a module in place of an earlier one."""
    every = {**measured_modules(), module: measured}
    FILE.write_bytes(msgspec.json.format(msgspec.json.encode(dict(sorted(every.items()))), indent=1) + b"\n")


def accepted() -> list[Accepted]:
    """Return the accepted survivors."""
    return msgspec.convert(tomllib.loads(ACCEPTED_FILE.read_text(encoding="utf-8"))["accepted"], list[Accepted])


def unaccepted(module: str, measured: Measured) -> list[Mutant]:
    """Return the survivors of a module that are not accepted."""
    entries = accepted()
    return [mutant for mutant in measured.survivors if not any(entry.covers(module, mutant) for entry in entries)]

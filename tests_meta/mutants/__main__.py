"""Tries the mutants of modules, and writes what was measured: `make mutants ARGS="checks/judges/alerts.py …"`.

Without arguments it tries all modules of `groups.toml`, which takes hours. Exits with 1 when a mutant survived that
`accepted.toml` does not name.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator, Sequence
from itertools import groupby

from service_down.tests_meta.mutants.document import FILE, document
from service_down.tests_meta.mutants.measured import Measured, measured_modules, save, today, unaccepted
from service_down.tests_meta.mutants.mutating import GROUPS, group_of, selections_for, try_mutants
from service_down.tests_meta.suite_run import ROOT


def main(arguments: Sequence[str]) -> int:
    """Try the mutants of these files and folders. Return the exit status."""
    wanted = arguments or list(tomllib.loads(GROUPS.read_text(encoding="utf-8")))
    command = " ".join(["make mutants", *([f'ARGS="{" ".join(arguments)}"'] if arguments else [])])
    status = 0
    for group, modules in groupby([module for place in wanted for module in _modules(place)], group_of):
        tried = try_mutants(list(modules), selections_for(group))
        for module, result in tried.items():
            measured = Measured(today(), command, result.states, result.survivors)
            save(module, measured)
            for mutant in unaccepted(module, measured):
                status = 1
                print(f"{module}: {mutant.function}\n  - {mutant.removed}\n  + {mutant.added}")
    FILE.write_text(document(measured_modules()), encoding="utf-8")
    print(FILE)
    return status


def _modules(place: str) -> Iterator[str]:
    """Yield the modules of a folder, or the file itself. Raises SystemExit when there is none."""
    path = (ROOT / place).resolve()
    files = sorted(path.glob("*.py")) if path.is_dir() else [path]
    found = [str(file.relative_to(ROOT)) for file in files if file.is_file() and file.name != "__init__.py"]
    if not found:
        sys.exit(f"{place} is no module and holds none: name files or folders of {GROUPS.name}, seen from {ROOT}")
    yield from found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

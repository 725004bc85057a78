"""`make chaos`: tries the matrix of broken machines, engines and networks, and writes `reference/chaos.md`.

Words are parts of rows' names (`make chaos ARGS="signals SIGHUP"`): then only the rows with all of them are tried, with
the output of those that went wrong, and no document is written.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from service_down.tests_meta.chaos.matrix import matrix
from service_down.tests_meta.chaos.row import Row
from service_down.tests_meta.chaos.runner import NotTriedError, try_row
from service_down.tests_meta.chaos.table import FILE, Tried, document, line, summary
from service_down.tests_meta.suite_run import ROOT


def tried(row: Row, parent: Path) -> Tried:
    """Try a row in a folder of its own below `parent`, which must be in no place that rows break."""
    with tempfile.TemporaryDirectory(dir=parent, ignore_cleanup_errors=True) as name:
        try:
            return Tried(row, try_row(row, Path(name)), load=os.getloadavg()[0])
        except NotTriedError as error:
            return Tried(row, None, str(error), os.getloadavg()[0])


def main() -> int:
    """Try the rows. Return 0 when nothing was wrong."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("words", nargs="*", help="parts of the names of rows")
    options = parser.parse_args()
    rows = [row for row in matrix() if all(word in row.id for word in options.words)]
    results = []
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for result in pool.map(partial(tried, parent=ROOT / ".venv"), rows):
            results.append(result)
            print(line(result), flush=True)
            if options.words and result.problems and result.outcome:
                print(result.outcome.ended.out)
    print(summary(results))
    if not options.words:
        FILE.write_text(document(results), encoding="utf-8")
        print(FILE)
    return 1 if any(result.problems for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())

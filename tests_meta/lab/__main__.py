"""`python -m service_down.tests_meta.lab`: sets the lab up, and starts and stops the reference stack."""

from __future__ import annotations

import argparse
import shlex
import sys

from service_down.tests_meta.lab.commands import LabError, log
from service_down.tests_meta.lab.stack import make_stack


def main() -> int:
    """Run one command and return its exit code: 0 on success."""
    parser = argparse.ArgumentParser(prog="python -m service_down.tests_meta.lab", description=__doc__)
    parser.add_argument("command", choices=("setup", "up", "down", "env"))
    parser.add_argument("--project", default="pyairtable-demo", help="Compose project (default: pyairtable-demo)")
    parser.add_argument("--port-offset", type=int, default=0, metavar="N", help="added to every published port")
    options = parser.parse_args()
    try:
        stack = make_stack(options.project, options.port_offset)
        if options.command == "up":
            stack.up()
        elif options.command == "down":
            stack.down()
        elif options.command == "env":
            for name, value in stack.environment().items():
                print(f"export {name}={shlex.quote(value)}")
    except LabError as error:
        log(f"error: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

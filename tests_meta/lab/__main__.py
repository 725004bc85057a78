"""`python -m service_down.tests_meta.lab`: makes the lab, and brings the reference stack up and down."""

from __future__ import annotations

import argparse
import shlex
import sys

from service_down.tests_meta.lab.commands import LabError, say
from service_down.tests_meta.lab.stack import make_stack


def main() -> int:
    """Runs one command; the exit code is 0 when it was done."""
    parser = argparse.ArgumentParser(prog="python -m service_down.tests_meta.lab", description=__doc__)
    parser.add_argument("command", choices=("setup", "up", "down", "env"))
    parser.add_argument("--project", default="pyairtable-demo", help="Compose project (default: pyairtable-demo)")
    parser.add_argument("--port-offset", type=int, default=0, metavar="N", help="added to every published port")
    told = parser.parse_args()
    try:
        stack = make_stack(told.project, told.port_offset)
        if told.command == "up":
            stack.up()
        elif told.command == "down":
            stack.down()
        elif told.command == "env":
            for name, value in stack.environment().items():
                print(f"export {name}={shlex.quote(value)}")
    except LabError as error:
        say(f"cannot: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

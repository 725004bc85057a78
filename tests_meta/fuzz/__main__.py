"""Tries every target with random inputs for as long as one likes: `make fuzz ARGS="--minutes=10 redaction settings"`.

An input that finds a mistake is made as small as possible and kept in `kept/`, where `make test` tries it again.
Exits with 1 when there was one.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings

from service_down.tests_meta.fuzz.target import Target
from service_down.tests_meta.fuzz.targets import KEPT, TARGETS

EXAMPLES_OF_A_ROUND = 200


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(prog="make fuzz ARGS=…", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="for all targets together (default 5)")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)} (default: all)")
    options = parser.parse_args()
    unknown = set(options.targets) - set(TARGETS)
    if unknown:
        parser.error(f"no target {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    chosen = [TARGETS[name] for name in options.targets or TARGETS]
    seconds = options.minutes * 60 / len(chosen)
    return int(any([_fuzz(target, seconds) for target in chosen]))  # noqa: C419  # all of them


def _fuzz(target: Target, seconds: float) -> bool:
    """Try a target for so long. Return whether it found a mistake, whose input is then kept."""
    end, tried, failing = time.monotonic() + seconds, 0, [b""]

    def check(data: bytes) -> None:
        nonlocal tried
        tried += 1
        try:
            target.check(data)
        except BaseException:
            failing[0] = data  # the last one is the smallest: hypothesis tries it again at its end
            raise

    try:
        while time.monotonic() < end:
            _round(target, check)
    except Exception:
        file = keep(target.name, failing[0])
        traceback.print_exc(limit=-6)
        print(f"{target.name}: a mistake after {tried} inputs, kept in {file}", flush=True)
        return True
    print(f"{target.name}: {tried} inputs, no mistake", flush=True)
    return False


def _round(target: Target, check: Callable[[bytes], None]) -> None:
    random = settings(
        max_examples=EXAMPLES_OF_A_ROUND, deadline=None, database=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.target, Phase.shrink], print_blob=False,
    )  # fmt: skip
    random(given(target.inputs)(check))()


def keep(target: str, data: bytes) -> Path:
    """Keep an input that found a mistake. Return its file."""
    file = KEPT / target / f"{hashlib.sha256(data).hexdigest()[:12]}.input"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file


if __name__ == "__main__":
    sys.exit(main())

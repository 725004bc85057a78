"""Rows of engines and Compose programs that hang, are slow, refuse, or answer with nonsense."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from service_down.tests_meta.chaos.row import COULD_NOT_LOOK, HEALTHY, NOT_DOWN, Row
from service_down.tests_meta.end_to_end.test_worst_servers import PRINTS_MUCH, WAITS
from service_down.tests_meta.fake_engine import ODD, Odd
from service_down.tests_meta.suite_run import NO_ENGINE

PARTS = ("/events", "/info", "/networks", "/system/df", "/volumes")
MORE_PARTS = (
    "/version", "/containers/json", "/containers/.*/json", "/containers/.*/stats", "/containers/.*/logs",
    "/images/.*/json",
)  # fmt: skip
MORE_WAYS = ("hangs", "fails", "is junk")
ONLY_IN_VERIFY = ("/system/df",)
ONLY_FOR_ANOTHER_PROJECT = ("/volumes",)  # than the one whose containers are there
NO_ENGINES = {
    "there is no socket": NO_ENGINE,
    "connections are refused": "tcp://127.0.0.1:1",
    "its address goes nowhere": "tcp://192.0.2.1:2375",
    "its name is unknown": "tcp://name.invalid:2375",
    "its address is nonsense": "nonsense",
}
COMPOSE: Mapping[str, str] = {
    "is killed": "#!/bin/sh\nkill -9 $$\n",
    "never ends, whatever the signal": WAITS,
    "prints 300 MB": PRINTS_MUCH,
    "prints errors of 300 MB": "#!/bin/sh\nhead -c 300000000 /dev/zero >&2\nexit 1\n",
    "asks for input": "#!/bin/sh\nprintf 'Password: '\nread -r word </dev/tty || read -r word\necho \"$word\"\n",
    "prints nothing": "#!/bin/sh\n",
    "prints junk": "#!/bin/sh\nhead -c 5000 /dev/urandom\n",
    "prints nested lists": "#!/bin/sh\nhead -c 1000000 /dev/zero | tr '\\0' '['\n",
    "is no program": "\0\1\2",
    "leaves a child behind": '#!/bin/sh\nsleep 60 &\nexec @FOLDER@/bin/healthy "$@"\n',
    "crashes": "#!/bin/sh\nkill -SEGV $$\n",
}


def rows() -> Iterator[Row]:
    """All rows, in the order of the table."""
    yield Row("engine", "no fault", is_quick=True)
    for name, address in NO_ENGINES.items():
        yield Row("engine", name, COULD_NOT_LOOK, env={"DOCKER_HOST": address})
    for name, odd in ODD.items():
        yield Row("engine", f"every answer {name}", COULD_NOT_LOOK, odd={"/.*": odd}, is_quick=name == "is junk")
    for seconds, allowed in ((0.2, HEALTHY), (0.6, NOT_DOWN), (3.0, NOT_DOWN)):
        yield Row("engine", f"every answer comes {seconds:g} s late", allowed, odd={"/.*": _late(seconds)})
    for part in (*PARTS, *MORE_PARTS):
        for name, odd_answer in ODD.items():
            if part in PARTS or name in MORE_WAYS:
                mistaken = part in ONLY_FOR_ANOTHER_PROJECT
                yield Row(
                    "engine's part",
                    f"`{part}` {name}" + (", and the project's name is mistaken" if mistaken else ""),
                    COULD_NOT_LOOK if mistaken else NOT_DOWN,
                    options=("--project=gone",) if mistaken else (),
                    mode="verify" if part in ONLY_IN_VERIFY else "triage",
                    odd={part: odd_answer},
                    is_quick=(part, name) == ("/events", "never ends"),
                )
    for name, program in COMPOSE.items():
        yield Row(
            "Compose", f"the program {name}", NOT_DOWN, docker=program, is_quick=name in ("is killed", "asks for input")
        )
    yield Row("Compose", "there is no program", NOT_DOWN, env={"PATH": "/nonexistent"})


def _late(seconds: float) -> Odd:
    return lambda request: request.reply_late(seconds)

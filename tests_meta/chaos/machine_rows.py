"""Rows of broken machines: limits, disks, streams, signals, clock, resolver, and the variables of the shell."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product

from service_down.tests_meta.chaos.process import ALL_SIGNALS, Signal
from service_down.tests_meta.chaos.row import (
    COULD_NOT_LOOK,
    FOLDER,
    HEALTHY,
    INTERRUPTED,
    NOT_DOWN,
    REFUSED,
    ROOT,
    Disk,
    Row,
    namespace,
    shell,
)
from service_down.tests_meta.end_to_end import test_shell
from service_down.tests_meta.end_to_end.test_broken_places import COVER, READ_ONLY_TREE, TEMPORARY
from service_down.tests_meta.end_to_end.test_limits import AS_OTHER_USER, OTHER_USER
from service_down.tests_meta.end_to_end.test_own_trouble import JUMP, NAMED
from service_down.tests_meta.fake_engine import ODD

LIMITS: Mapping[str, tuple[str, Mapping[str, int]]] = {
    "64 open files": ("ulimit -n 64", HEALTHY),
    "24 open files": ("ulimit -n 24", NOT_DOWN),
    "12 open files": ("ulimit -n 12", COULD_NOT_LOOK),
    "16 open files, which may be raised": ("ulimit -Sn 16", HEALTHY),
    "300 MiB of addresses": (f"ulimit -v {300 * 1024}", HEALTHY),
    "100 MiB of addresses": (f"ulimit -v {100 * 1024}", COULD_NOT_LOOK),
    "a stack of 256 KiB": ("ulimit -s 256", NOT_DOWN),
    "2 s of processor time": ("ulimit -t 2", HEALTHY | {"unknown": 3}),
}
PROCESSES = (40, 12, 1)
FILE_SIZES = {"no byte in a file": 0, "8 KiB in a file": 8, "100 KiB in a file": 100}
PIPE = '( {limit} && exec "$@" ) 2>&1 | cat; exit "${{PIPESTATUS[0]}}"'  # the output is not limited

STREAMS: Mapping[str, str] = {
    "standard output is closed": '"$@" >&-',
    "all are closed": '"$@" <&- >&- 2>&-',
    "standard output is full": '"$@" >/dev/full',
    "both outputs are full": '"$@" >/dev/full 2>&1',
    "the reader ends after a line": '"$@" | head -n 1; exit "${PIPESTATUS[0]}"',
    "there is no reader": '"$@" 2>&1 | true; exit "${PIPESTATUS[0]}"',
    "standard input never ends": 'yes | "$@"; exit "${PIPESTATUS[1]}"',
}
STUCK = '( head -c 65536 /dev/zero; exec "$@" ) 2>&1 | sleep 8; exit "${PIPESTATUS[0]}"'
SUSPENDED = 'set -m; "$@" & sleep {at}; kill -STOP -- -$!; sleep 5; kill -CONT -- -$!; wait $!'

FROZEN_PLACES = (("/var/tmp",), ("/dev/shm",), ("/tmp",), ("/dev/shm", "/var/tmp", "/tmp"))
MOMENTS = (0.05, 0.15, 0.4, 0.8, 1.5, 3.0)
START_SECONDS = 0.5  # on a busy machine
DISK_SECONDS = 4.0  # for each thing that a run wants of a disk

RESOLVERS = {"does not answer": "192.0.2.1", "is refused": "127.0.0.1"}
NEW_RESOLVER = (
    f'echo nameserver {{address}} >{FOLDER}/resolv.conf; mount --bind {FOLDER}/resolv.conf /etc/resolv.conf; exec "$@"'
)
OPTIONS: Mapping[str, Mapping[str, int]] = {
    "-qq": HEALTHY, "-vv -rA": HEALTHY, "-x --tb=long": HEALTHY, "-n 2": HEALTHY, "-s": HEALTHY,
    "-p no:cacheprovider": HEALTHY, "--color=yes": HEALTHY, "--no-such-option": REFUSED, "-p no:terminal": REFUSED,
}  # fmt: skip
TERMINALS: Mapping[str, Mapping[str, str]] = {
    "one column": {"COLUMNS": "1"},
    "100,000 columns": {"COLUMNS": "100000"},
    "no terminal type": {"TERM": "nonsense"},
    "no home": {"HOME": ""},
    "a home that is not there": {"HOME": "/nonexistent"},
    "a temporary folder that is not there": {"TMPDIR": "/nonexistent"},
}


def rows() -> Iterator[Row]:
    """All rows, in the order of the table."""
    yield from _limits()
    yield from _streams()
    yield from _signals()
    yield from _full_places()
    yield from _frozen_places()
    yield from _clock_and_resolver()
    yield from _variables()


def _limits() -> Iterator[Row]:
    for name, (limit, allowed) in LIMITS.items():
        yield Row("limits", name, allowed, shell(f'{limit} && exec "$@"'))
    for count in PROCESSES:
        own_user = AS_OTHER_USER.replace(OTHER_USER, f"{int(OTHER_USER) + count}")  # the limit counts all of a user
        line = f'ulimit -u {count} && {own_user} && exec "$@"'
        yield Row("limits", f"{count} processes and threads", NOT_DOWN, shell(line), needs="root")
    for name, blocks in FILE_SIZES.items():
        yield Row("limits", name, HEALTHY, shell(PIPE.format(limit=f"ulimit -f {blocks}")))


def _streams() -> Iterator[Row]:
    for name, line in STREAMS.items():
        yield Row("streams", name, HEALTHY, shell(line), is_quick=name == "all are closed")
    yield Row("streams", "the reader has stopped reading for 8 s", HEALTHY, shell(STUCK), more_seconds=8.0)


def _signals() -> Iterator[Row]:
    hangs = {"/.*": ODD["hangs"]}
    for number, seconds in product(ALL_SIGNALS, MOMENTS):
        yield Row(
            "signals",
            f"{number.name} after {seconds:g} s, while the engine hangs",
            _interrupted(seconds, number),
            odd=hangs,
            signals=(Signal(number, seconds),),
            is_quick=(number, seconds) == (signal.SIGTERM, 1.5),
        )
    for seconds in MOMENTS:
        twice = Signal(signal.SIGINT, seconds), Signal(signal.SIGTERM, seconds + 0.3)
        yield Row(
            "signals",
            f"SIGINT and SIGTERM after {seconds:g} s",
            _interrupted(seconds, signal.SIGINT),
            odd=hangs,
            signals=twice,
        )
    for at in (0.3, 0.8, 1.2):
        line = SUSPENDED.format(at=at)
        yield Row("signals", f"all is stopped for 5 s after {at:g} s", NOT_DOWN, shell(line), more_seconds=5.0)


def _interrupted(seconds: float, number: signal.Signals) -> Mapping[str, int]:
    """What may come of a signal; an early one may come before Python runs, which says nothing."""
    return INTERRUPTED | {"silent": -number} if seconds < START_SECONDS else INTERRUPTED


def _cover(mode: str, *places: str) -> tuple[str, ...]:
    return (*namespace(COVER), mode, " ".join(places), f"{ROOT} {FOLDER}")


def _full_places() -> Iterator[Row]:
    own = f"{FOLDER}/home", f"{FOLDER}/reports"
    read_only_tree = ("bash", "-c", READ_ONLY_TREE, "bash", ROOT)
    row = Row("disks", "", env={"TMPDIR": ""}, needs="mounts")
    yield replace(row, name="the working tree: read-only", wrapper=("unshare", "-m", *read_only_tree))
    for mode, word in (("full", "full"), ("ro", "read-only")):
        for place in (*TEMPORARY, *own):
            yield replace(row, name=f"{place.replace(f'{FOLDER}/', '')}: {word}", wrapper=_cover(mode, place))
        temporary = _cover(mode, *TEMPORARY)
        yield replace(row, name=f"{' '.join(TEMPORARY)}: {word}", wrapper=temporary)
        name = f"{' '.join(TEMPORARY)}, home and the report directory: {word}"
        yield replace(row, name=name, wrapper=(*temporary, *_cover(mode, *own)))
        yield replace(
            row,
            name=f"no place takes a file: {word}",
            wrapper=(*temporary, *read_only_tree),
            options=("--report-dir=/proc/reports",),
            env={"TMPDIR": "/proc", "HOME": "/proc"},
        )


def _frozen_places() -> Iterator[Row]:
    frozen = f"{FOLDER}/frozen"
    disks: Mapping[Disk, str] = {"fuse": "frozen", "loop": "frozen by fsfreeze"}
    for disk, title in disks.items():
        row = Row("disks", title, needs="mounts", disk=disk, more_seconds=2 * DISK_SECONDS)
        yield replace(row, name=f"the report directory: {title}", options=(f"--report-dir={frozen}/reports",))
        yield replace(row, name=f"TMPDIR: {title}", env={"TMPDIR": frozen})
        yield replace(row, name=f"home: {title}", allowed=NOT_DOWN, env={"HOME": frozen})  # Docker's settings
        for places in FROZEN_PLACES:
            line = "".join(f"mount --bind {frozen} {place} && " for place in places) + 'exec "$@"'
            name = f"{' '.join(places)}: {title}"
            yield replace(row, name=name, wrapper=namespace(line), env={"TMPDIR": ""}, covers=places)
    row = Row("disks", "", NOT_DOWN, needs="mounts", disk="fuse", more_seconds=DISK_SECONDS)
    yield replace(
        row, name="a disk that is looked at: frozen", allowed=COULD_NOT_LOOK, settings=f'[host]\npaths = ["{frozen}"]\n'
    )
    yield replace(row, name="backups: frozen", mode="verify", settings=f'[backup.db]\npath = "{frozen}"\n')
    yield replace(row, name="a folder of PATH: frozen", wrapper=shell(f'PATH={frozen}:$PATH exec "$@"'))
    yield replace(row, name="Docker's settings: frozen", env={"DOCKER_CONFIG": frozen})
    yield replace(row, name="certificates: frozen", env={"SSL_CERT_FILE": f"{frozen}/ca.pem", "SSL_CERT_DIR": frozen})
    compose = (f"--compose-file={frozen}/compose.yaml",)
    yield replace(row, name="the compose file: frozen", allowed=NOT_DOWN | REFUSED, options=compose)
    yield replace(row, name="the settings: frozen", allowed=REFUSED, options=(f"--stack={frozen}/stack.toml",))


def _clock_and_resolver() -> Iterator[Row]:
    for seconds, what in ((86_400, "a day ahead"), (-86_400, "a day back"), (10**9, "30 years ahead")):
        plugin = JUMP.format(seconds=seconds)
        yield Row("clock", f"it jumps {what}", HEALTHY, plugin=plugin)
    for name, address in RESOLVERS.items():
        line = namespace(NEW_RESOLVER.format(address=address))
        yield Row("resolver", f"it {name}", COULD_NOT_LOOK, line, settings=NAMED, needs="mounts")


def _variables() -> Iterator[Row]:
    groups: dict[str, Mapping[str, str]] = {
        "PG* and KRB5*": test_shell.libpq_variables(),
        "proxies": test_shell.PROXIES,
        "REDIS_*": test_shell.REDIS,
        "certificates and OPENSSL_*": test_shell.CERTIFICATES,
        "the resolver's": test_shell.RESOLVER,
        "locale and time zone": test_shell.LOCALES,
        "PYTHON*": test_shell.PYTHON,
        "PYTEST_*": test_shell.PYTEST,
    }
    together = {name: value for group in groups.values() for name, value in group.items()}
    for name, variables in {**groups, "all of these": together, **TERMINALS}.items():
        yield Row("variables", name, HEALTHY, env=variables)
    for options, allowed in OPTIONS.items():
        yield Row("variables", f"PYTEST_ADDOPTS={options}", allowed, env={"PYTEST_ADDOPTS": options})

"""Rows of networks between the suite and what it asks: the faults of `proxy.py`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from service_down.tests_meta.chaos.proxy import Toxic
from service_down.tests_meta.chaos.row import HEALTHY, Row

SERVERS = {"http": "HTTP", "postgres": "PostgreSQL", "redis": "Redis"}
HARMLESS: Mapping[str, Toxic] = {
    "a proxy alone": Toxic(),
    "latency of 0.1 s": Toxic(latency_seconds=0.1),
    "3 KB a second": Toxic(piece_bytes=64, pause_seconds=0.02),
    "single bytes": Toxic(piece_bytes=1, pause_seconds=0.001),
    "connections that close 3 s late": Toxic(close_seconds=3.0),
}
UNUSABLE: Mapping[str, Toxic] = {
    "latency of 30 s": Toxic(latency_seconds=30.0),
    "1 byte a second": Toxic(piece_bytes=1, pause_seconds=1.0),
    "reset after the request": Toxic(limit_bytes=0, resets=True),
    "reset after 10 bytes": Toxic(limit_bytes=10, resets=True),
    "half open: nothing comes back": Toxic(limit_bytes=0, falls_silent=True),
    "silence after 10 bytes": Toxic(limit_bytes=10, falls_silent=True),
    "end after the request": Toxic(limit_bytes=0),
    "end after 10 bytes": Toxic(limit_bytes=10),
}
BREAKS: Mapping[str, Toxic] = {"every fourth connection is reset": Toxic(limit_bytes=0, resets=True, every=4)}
WAITS: Mapping[str, Toxic] = {"every fourth connection is silent": Toxic(limit_bytes=0, falls_silent=True, every=4)}
TRULY_DOWN = {"down": 1, "degraded": 1, "unknown": 1}  # for everybody who asks: it is the verdict that is right
FLAPPING = {"healthy": 0, "degraded": 1, "unknown": 1}
WAITED = FLAPPING | TRULY_DOWN  # whoever gets the silent connection waits as the suite does
ALL = ((HEALTHY, HARMLESS), (TRULY_DOWN, UNUSABLE), (FLAPPING, BREAKS), (WAITED, WAITS))
QUICK = {("http", "reset after 10 bytes"), ("postgres", "3 KB a second"), ("redis", "end after 10 bytes")}


def rows() -> Iterator[Row]:
    """All rows, in the order of the table."""
    for allowed, toxics in ALL:
        for server, title in SERVERS.items():
            for name, toxic in toxics.items():
                is_quick = (server, name) in QUICK
                yield Row("network", f"{title}: {name}", allowed, toxics={server: toxic}, is_quick=is_quick)

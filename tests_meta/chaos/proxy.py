"""A proxy between the suite and a server, which spoils what the server answers. The faults are those of Toxiproxy."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
import time
from dataclasses import dataclass

from service_down.tests_meta.fake_servers import Conversation, Talk

LONGEST_SECONDS = 60.0  # of a connection
CHUNK_BYTES = 65_536


@dataclass(frozen=True)
class Toxic:
    """What happens to a server's answers; by default nothing.

    `latency_seconds` pass before each piece; with `piece_bytes` the pieces are at most so long, and `pause_seconds`
    pass between two of them. After `limit_bytes` of the answer the connection ends: with a reset, with silence, or
    properly. `every`: it happens to each so-many-th connection only, the first one included.
    """

    latency_seconds: float = 0.0
    piece_bytes: int = CHUNK_BYTES
    pause_seconds: float = 0.0
    limit_bytes: int | None = None
    resets: bool = False
    falls_silent: bool = False
    close_seconds: float = 0.0
    every: int = 1


def through(port: int, toxic: Toxic) -> Talk:
    """A server that is the one at a port of this machine, behind a proxy with this fault."""

    def talk(client: Conversation) -> None:
        client.connection.settimeout(LONGEST_SECONDS)
        with socket.create_connection(("127.0.0.1", port), LONGEST_SECONDS) as server:
            threading.Thread(target=_copy, args=(client.connection, server), daemon=True).start()
            spoiled = (client.server.connections - 1) % toxic.every == 0
            _spoil(server, client.connection, toxic if spoiled else Toxic())

    return talk


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Copy what the client sends until it ends."""
    with contextlib.suppress(OSError):
        while piece := source.recv(CHUNK_BYTES):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)


def _spoil(server: socket.socket, client: socket.socket, toxic: Toxic) -> None:
    """Copy the server's answers, with the fault."""
    left = toxic.limit_bytes
    while left is None or left > 0:
        answer = server.recv(CHUNK_BYTES)
        if not answer:
            break
        time.sleep(toxic.latency_seconds)
        for start in range(0, len(answer), toxic.piece_bytes):
            piece = answer[start : start + toxic.piece_bytes][:left]
            client.sendall(piece)
            if left is not None:
                left -= len(piece)
            time.sleep(toxic.pause_seconds)
    if toxic.limit_bytes == 0:
        server.recv(1)  # the request has arrived
    if toxic.falls_silent:
        _until_the_client_leaves(client)
    if toxic.resets:
        _reset(client)
    time.sleep(toxic.close_seconds)


def _until_the_client_leaves(client: socket.socket) -> None:
    end = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < end:
        time.sleep(0.05)
        with contextlib.suppress(BlockingIOError):
            if not client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                return


def _reset(client: socket.socket) -> None:
    """Close a connection so that the other side gets a reset."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.shutdown(socket.SHUT_RD)  # the thread that reads from it would keep it open
    os.close(client.detach())

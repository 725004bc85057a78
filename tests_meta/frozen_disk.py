"""A file system that answers nothing: what touches a file in it sleeps until it is taken away, and no signal wakes it.

Its kind is FUSE. Its server answers the first message. It reads the others and does not answer: a message that was read
cannot be taken back, so the kernel lets its sender sleep whatever happens.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

FORCE, DETACH = 1, 2  # of umount2: all messages fail; the folder is free at once
INIT = struct.Struct("<IIIIHHIIHHIIHH6I")  # fuse_init_out, 64 bytes
HEADER = struct.Struct("<IiQ")  # length, error, number of the message
BUFFER_BYTES = 2**18  # more than the longest message: the kernel gives none to a smaller buffer
LONGEST_SECONDS = 60.0  # then it is taken away, so that no test can sleep for ever
NUMBER_OFFSET = 8  # of the message's number in its header


@contextmanager
def frozen_disk(folder: Path) -> Iterator[Path]:
    """Mount a frozen disk on a new folder, and take it away at the end: whatever sleeps in it wakes up then.

    Skip the test where that is not possible.
    """
    folder.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        device = os.open("/dev/fuse", os.O_RDWR)
    except OSError as error:
        pytest.skip(f"NO FROZEN DISK, so nothing of this was tried: /dev/fuse: {error.strerror}")

    def take_away() -> None:  # everything that waits gets an error
        for how in (FORCE, DETACH):
            libc.umount2(os.fsencode(folder), how)

    timer = threading.Timer(LONGEST_SECONDS, take_away)
    timer.daemon = True
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
    if libc.mount(b"frozen", os.fsencode(folder), b"fuse", 0, options):
        os.close(device)
        pytest.skip(f"NO FROZEN DISK, so nothing of this was tried: mount: {os.strerror(ctypes.get_errno())}")
    try:
        message = os.read(device, BUFFER_BYTES)
        answer = INIT.pack(7, 31, 2**17, 0, 16, 12, 2**17, 1, 0, 0, 0, 0, 0, 0, *[0] * 6)[:64]
        (number,) = struct.unpack_from("<Q", message, NUMBER_OFFSET)
        os.write(device, HEADER.pack(HEADER.size + len(answer), 0, number) + answer)
        threading.Thread(target=_read_all, args=(device,), daemon=True).start()
        timer.start()
        yield folder
    finally:
        timer.cancel()
        take_away()
        os.close(device)


def _read_all(device: int) -> None:
    with contextlib.suppress(OSError):  # the disk was taken away
        while True:
            os.read(device, BUFFER_BYTES)

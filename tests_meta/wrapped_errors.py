"""Errors of this machine's limits as clients wrap them, and what the suite says of each limit."""

from __future__ import annotations

from service_down.fixtures.evidence.observation import ProbeError

FILES, MEMORY, PROCESSES = "ulimit -n|--nofile", "memory", "processes|process table|--nproc"


def raised(error: BaseException) -> BaseException:
    """The error as a client wraps it: in another one, which hides it."""
    try:
        try:
            raise error
        except type(error):
            raise ProbeError("refused", "connection refused") from None
    except ProbeError as wrapped:
        return wrapped

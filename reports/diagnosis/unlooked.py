"""The checks that could not look, by reason; pure."""

from __future__ import annotations

from collections.abc import Iterable

SEPARATOR = ": "  # between what could not be looked at and why


def by_reason(unknown: Iterable[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    """Reasons with their checks. `unknown`: check and reason.

    A reason that ends with another one, as `engine could not be asked: REASON`, is that one.
    """
    pairs = list(unknown)
    reasons = {reason for _, reason in pairs}
    checks: dict[str, list[str]] = {}
    for check, reason in pairs:
        checks.setdefault(_root(reason, reasons), []).append(check)
    return list(checks.items())


def _root(reason: str, reasons: set[str]) -> str:
    """The shortest of the reasons with which a reason ends."""
    root, rest = reason, reason
    while rest:
        _, _, rest = rest.partition(SEPARATOR)
        root = rest if rest in reasons else root
    return root

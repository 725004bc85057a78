"""Text helpers that the terminal, the page, the Markdown files and the notifications share; pure."""

from __future__ import annotations

from collections.abc import Iterable

MAX_LISTED_NAMES = 5
NO_ESCALATION_REASON = "no reason that can be seen from here (a security breach is for you to judge: --suspect-breach)"


def shortened(text: str, max_characters: int) -> str:
    """Return `text`, cut to `max_characters` with an ellipsis as the last one."""
    return text if len(text) <= max_characters else text[: max_characters - 1] + "…"


def listed(names: Iterable[str], max_names: int = MAX_LISTED_NAMES) -> str:
    """Return the first names, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - max_names} more" if len(names) > max_names else ""
    return ", ".join(names[:max_names]) + more


def ago(seconds: float) -> str:
    """Return how long ago something was, rounded to the unit that people would use."""
    if seconds < 90:
        return f"{max(0, seconds):.0f} s ago"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min ago"
    return f"{seconds / 3600:.0f} h ago" if seconds < 129_600 else f"{seconds / 86400:.0f} days ago"

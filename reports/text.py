"""Text helpers that the terminal, the page, the Markdown files and the notifications share; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from service_down.fixtures.text import single_line

MAX_LISTED_NAMES = 5
NO_ESCALATION_REASON = "no reason that can be seen from here (a security breach is for you to judge: --suspect-breach)"

# Characters that mention, link or embed in chats, Markdown or HTML; they are shown by their full-width forms.
# An escape would not do: each syntax has its own, and GitHub looks for mentions after it has removed them.
_ACTIVE = re.compile(
    r"[@#<\[\]]|(?<!-)>"
    r"|&(?=#?\w+;)"  # an entity
    r"|/(?=/)|(?<=\bmailto):|(?<=\bjavascript):|(?<=\bdata):"
    r"|(?<=[a-z0-9])\.(?=(?:com|net|org|info|biz|edu|gov|mil|int|app|dev|xyz|top|site|online|shop|link|click)\b)"
    # two letters are a country, unless they end the name of a usual file
    r"|(?<=[a-z0-9])\.(?!(?:cs|db|gz|go|js|md|pl|py|rb|rs|sh|so|ts|vm|xz)\b)(?=[a-z]{2}\b)"
    r"|(?<=\bwww)\.",
    re.IGNORECASE,
)
_TO_FULL_WIDTH = 0xFEE0  # from an ASCII character to its full-width form


def inert(text: str) -> str:
    """Return `text` on one line so that no chat, mail reader or Markdown makes a mention, a link or an image of it."""
    return _ACTIVE.sub(lambda match: chr(ord(match.group()) + _TO_FULL_WIDTH), single_line(text))


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

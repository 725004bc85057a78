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
    r"|(?<!\w):(?=[\w+-]{0,40}[a-z+][\w+-]{0,40}:)"  # a picture such as :smile:
    r"|(?<=\bGH)-(?=\d)"  # an issue
    r"|(?<![0-9a-z])[0-9a-f](?=[0-9a-f]{39}(?![0-9a-z]))"  # a commit
    r"|(?<=\bwww)\.",
    re.IGNORECASE,
)
_DOTTED = re.compile(r"(?<![\w-])[./~]{0,3}(?:[\w-]+[./]){0,40}[\w-]+\.[^\W\d_][\w-]*(?::\d)?")
_DOT = re.compile(r"(?<=[\w-])\.(?=[^\W\d_][\w-])")
# What no domain ends in, and what may end a domain too: it stays at the end of a path and before the number of a line.
_FILE_ENDINGS = frozenset(
    ("yaml", "yml", "json", "jsonl", "toml", "conf", "cfg", "ini", "log", "txt", "html", "htm", "css", "js", "ts",
     "go", "rb", "java", "xml", "csv", "gz", "tar", "bz2", "xz", "tgz", "zst", "sql", "db", "env", "lock", "tmp",
     "bak", "pid", "sock", "out", "jar", "pem", "crt", "key", "service", "socket", "timer", "mount", "local",
     "internal")
)  # fmt: skip
_FILE_OR_DOMAIN = frozenset(("sh", "py", "md", "rs", "pl", "so", "zip"))
_ENGINE_FIELD = re.compile(
    r"com\.docker\.compose|State\.(?:Status|Error|ExitCode|Health(?:\.(?:Log|Status))?)|NetworkSettings\.(?:Networks|Ports)"
    r"|Config\.(?:Labels|Image|Healthcheck(?:\.Test)?)|HostConfig\.(?:Mounts|LogConfig|Binds|Memory|RestartPolicy)"
)
_FORMATTING = re.compile(r"[*`]|~(?=[~\w])|(?<=[~\w])~|\|(?=\|)|(?<=\|)\||(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_TO_FULL_WIDTH = 0xFEE0  # from an ASCII character to its full-width form


def inert(text: str) -> str:
    """Return `text` on one line so that no chat, mail reader or Markdown makes a mention, a link or an image of it."""
    return _ACTIVE.sub(_full_width, _DOTTED.sub(_without_domains, single_line(text)))


def _full_width(match: re.Match[str]) -> str:
    return "".join(chr(ord(char) + _TO_FULL_WIDTH) for char in match.group())


def _without_domains(match: re.Match[str]) -> str:
    """Return a word with dots, of which those that may stand in the name of a domain are full-width."""
    word = match.group()
    if _ENGINE_FIELD.fullmatch(word):
        return word
    is_place = word.startswith(("/", "./", "../", "~/")) or word[-2:-1] == ":"
    files = _FILE_ENDINGS | _FILE_OR_DOMAIN if is_place else _FILE_ENDINGS

    def part(text: str) -> str:
        ending = text.partition(":")[0].rpartition(".")[2].lower()
        return text if ending in files else _DOT.sub(_full_width, text)

    return "/".join(part(text) for text in word.split("/"))


def unformatted(text: str) -> str:
    """Return `text` as `inert` does, and so that no chat makes bold, hidden, crossed out or code of a part of it."""
    return _FORMATTING.sub(_full_width, inert(text))


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

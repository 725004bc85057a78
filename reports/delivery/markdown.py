"""Foreign text inside Markdown: shown as it is, without effect on the format."""

from __future__ import annotations

import re

from service_down.fixtures.text import single_line

_SPECIAL = re.compile(r"[\\`*\[\]<&~@]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_FIRST = re.compile(r"^(?:[#+=>-]|\d+(?=[.)]))")  # what begins a heading or a list


def escaped(text: str) -> str:
    """Return `text` on one line, with everything escaped that would format, link or mention."""
    text = _SPECIAL.sub(lambda match: "\\" + match.group(), single_line(text).strip())
    first = _FIRST.match(text)
    if first is None:
        return text
    return f"{first.group()}\\{text[first.end() :]}" if first.group()[0].isdigit() else f"\\{text}"


def prose(text: str) -> str:
    """Return a text of this suite, in which backticks mark code, with the foreign text in it escaped."""
    parts = re.split(r"`([^`]+)`", text)
    return "".join(
        code(part) if index % 2 else _SPECIAL.sub(r"\\\g<0>", single_line(part)) for index, part in enumerate(parts)
    )


def code(text: str) -> str:
    """Return `text` on one line as inline code, whatever backticks it holds."""
    text = single_line(text).strip()
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}" if text else ""

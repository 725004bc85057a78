"""Texts that cost a regular expression or a loop most: long ones without spaces, and repeated beginnings of matches."""

from __future__ import annotations

KIB, MIB = 1 << 10, 1 << 20
PIECES = (
    *(
        "a",
        "aA1",
        " ",
        "\n",
        "\t ",
        "(",
        "[",
        "{",
        "<",
        '"',
        "'",
        '\\"',
        "\\",
        "=",
        "==",
        ":",
        "::",
        ".",
        "-",
        "_",
        "/",
    ),
    *(
        "//",
        "&",
        "@",
        "`",
        "a=",
        "a:",
        "a.b",
        "a.c.",
        "eyJ",
        "eyJ.",
        "0",
        "1.",
        "é",
        "\u200b",
        "\x1b[",
        "\x1b[0;",
        "{{",
    ),
    *("${", '{"a":', "[[", '"a":"', '{"status":"', "https://", "www.", "data:", "mailto:", "2026-11-25T14:00:00."),
    *(": bind", 'users:(("a",', ":80 failed", "password=", "Bearer ", "://a:b@", "-----BEGIN ", "\\u001b", "%41"),
)


def repeated(piece: str, size: int) -> str:
    """A text of so many characters, with an end that is none of the repeated."""
    return (piece * (size // len(piece) + 1))[: size - 2] + "\n!"

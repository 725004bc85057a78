"""The steps of making a report: each is tried by itself, so that one that fails costs nothing but itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from service_down.fixtures.run.run_process import go_on
from service_down.fixtures.secrets.redact import Redactor

MAX_ERROR_CHARACTERS = 300
T = TypeVar("T")


class Steps:
    """Tries steps, and keeps a note on each that failed."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self.notes: list[str] = []  # sentences to show beside the verdict

    def note(self, text: str) -> None:
        """Keep a note, if there is anything in it."""
        if text:
            self.notes.append(text)

    def attempt(self, name: str, do: Callable[[], T]) -> T | None:
        """Return what `do` returns; None, and a note that names the step, when it raises."""
        go_on()
        try:
            return do()
        except OSError as error:
            self.note(f"{name} could not be written: {error}")
        except Exception as error:
            text = self._redactor.redact_text(f"{type(error).__name__}: {error}")[:MAX_ERROR_CHARACTERS]
            self.note(f"{name} could not be made, which is a fault of this suite: {text}")
        return None

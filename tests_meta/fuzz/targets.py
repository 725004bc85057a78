"""All targets, and the inputs that are kept: each once found a mistake."""

from __future__ import annotations

from pathlib import Path

from service_down.tests_meta.fuzz import answers_over_http, texts_and_files, wire

KEPT = Path(__file__).with_name("kept")
TARGETS = {
    target.name: target for target in (*answers_over_http.TARGETS, *texts_and_files.TARGETS, *wire.TARGETS)
}  # fmt: skip


def kept_inputs() -> list[Path]:
    """Every kept input, in a folder that is named like its target."""
    return sorted(KEPT.glob("*/*.input"))

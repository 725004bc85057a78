"""Writes the reference documents: `python -m service_down.reports.reference [FOLDER]`, or `make reference`."""

from __future__ import annotations

import sys
from pathlib import Path

from service_down.reports.reference.documents import documents


def main(folder: Path) -> None:
    """Write every document into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        (folder / name).write_text(text, encoding="utf-8")
        print(folder / name)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "reference"))

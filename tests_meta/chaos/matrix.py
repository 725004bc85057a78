"""All rows of the matrix."""

from __future__ import annotations

from service_down.tests_meta.chaos import engine_rows, machine_rows, network_rows
from service_down.tests_meta.chaos.row import Row


def matrix() -> list[Row]:
    """Return every row, in the order of the table."""
    return [*machine_rows.rows(), *engine_rows.rows(), *network_rows.rows()]

"""Wires the three folders together: what is there, is it as it must be, so what."""

pytest_plugins = [
    "service_down.fixtures.options",
    "service_down.fixtures.plugin",
    "service_down.checks.plugin",
    "service_down.reports.plugin",
]

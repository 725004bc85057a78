"""Wires the three folders together: what is there, is it as it must be, so what."""

pytest_plugins = ["fixtures.plugin", "checks.plugin", "reports.plugin"]

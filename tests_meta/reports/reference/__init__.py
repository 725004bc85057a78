"""Tests of `reports/reference/`."""

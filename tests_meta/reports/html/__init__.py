"""Tests of `reports/html/`."""

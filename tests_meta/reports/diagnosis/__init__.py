"""Tests of `reports/diagnosis/`."""

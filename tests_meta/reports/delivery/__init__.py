"""Tests of `reports/delivery/`."""

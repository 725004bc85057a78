"""Tests of `checks/judges/`."""

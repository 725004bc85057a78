"""Tests of `checks/framework/`."""

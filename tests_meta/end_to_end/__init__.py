"""Whole runs of the suite, as its user sees them."""

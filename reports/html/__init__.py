"""The HTML report: one self-contained file, complete without scripts."""

"""Broken machines and engines, as a matrix with a table; and many healthy runs in a row."""

"""Example runs as data, and their report pages in a browser."""

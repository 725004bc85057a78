"""Runs made as data, and the pages that their reports are."""

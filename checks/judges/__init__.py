"""Judgements that several checks share; pure functions."""

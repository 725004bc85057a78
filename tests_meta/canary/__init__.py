"""Secrets that are planted all over the reference stack, to see whether any comes out again."""

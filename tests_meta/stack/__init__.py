"""The reference stack."""

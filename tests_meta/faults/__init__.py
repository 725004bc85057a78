"""The fault matrix: faults that the reference stack can really be given, and what the suite must say of each."""

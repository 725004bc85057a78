"""The fault matrix: faults that the reference stack can be put into, and the verdict that each must get."""

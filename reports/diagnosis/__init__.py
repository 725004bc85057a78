"""From findings to causes: what explains what, and the verdict; pure functions."""

"""What a check is, what it is parametrized over, and how the runbook names it."""

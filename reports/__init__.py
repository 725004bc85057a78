"""So what, and what now? The verdict from the findings, and its rendering. Never looks at the live stack."""

"""This run beside earlier ones: saved runs, comparison, the incident's documents."""

"""The reference stack: a Compose project with the structure of the production platform."""

"""The reference stack's own services. They use PostgreSQL and Redis."""

"""The reference stack's own services: small, and real users of PostgreSQL and Redis."""

"""The page of the report, as Jinja templates."""

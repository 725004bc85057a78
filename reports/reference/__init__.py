"""The reference documents in `reference/`, generated from the code: settings, findings, dependencies, JSON Schemas."""

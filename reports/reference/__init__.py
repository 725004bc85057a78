"""The reference documents in `reference/`, generated from the code: settings, findings and JSON Schemas."""

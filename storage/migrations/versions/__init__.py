"""One module per step of the schema, the first from nothing."""

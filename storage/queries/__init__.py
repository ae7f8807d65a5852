"""What others ask the tables, one module per area."""

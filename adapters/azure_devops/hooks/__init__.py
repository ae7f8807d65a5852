"""One module per family of service-hook bodies."""

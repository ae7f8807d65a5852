"""Scripts that print a ratio measured side by side in one run."""

"""Pull requests: their state, what people do with them, and their merges."""

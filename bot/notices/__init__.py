"""Who hears of a change, and how. Pure."""

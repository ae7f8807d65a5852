"""Work items: their fields, links and comments, changed by JSON Patch, found by WIQL."""

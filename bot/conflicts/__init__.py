"""Merge conflicts: seen whatever caused them, told once to the one who must act."""

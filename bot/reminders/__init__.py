"""Reminders and digests: what has waited too long, told once to those who asked for it."""

"""Every card and sentence as it is now, kept in tests/snapshots, and drawn by tests.cards.draw."""

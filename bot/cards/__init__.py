"""State -> Adaptive Card. Pure, except for ``view``, which reads what a card shows."""

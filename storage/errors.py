"""What can go wrong between us and the database."""


class CannotStore(Exception):
    """The database cannot take a write now (full, locked, read-only, gone, too busy, closed).

    ``str()`` is one sentence without data or secrets. It is not known to be stored; doing it again
    later is right wherever the write has a key.
    """


class CannotRead(CannotStore):
    """The database cannot answer a read now."""

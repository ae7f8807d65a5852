"""What Pullcord remembers: tables, one writer, inbox, outbox, audit, migrations."""

from storage.errors import CannotRead, CannotStore

__all__ = ["CannotRead", "CannotStore"]

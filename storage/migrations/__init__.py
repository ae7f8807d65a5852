"""Alembic's scripts. ``storage.schema`` runs them; there is no alembic.ini."""

"""What all tables have in common."""

from sqlmodel import SQLModel


class Row(SQLModel):
    """A table's class. Rows are not validated, so what would validate them is not built."""

    model_config = {"defer_build": True}

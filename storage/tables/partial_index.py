"""Indexes over a part of a table's rows, in both databases."""

from sqlalchemy import Index, MetaData, TextClause

_WHERE = "where"


def partial_index(name: str, *columns: str, where: TextClause, unique: bool = False) -> Index:
    """An index over the rows for which ``where`` holds.

    PostgreSQL's dialect is told of it by ``tell_postgresql`` only: naming it here would load it
    (2 MB) where SQLite is used.
    """
    return Index(name, *columns, unique=unique, sqlite_where=where, info={_WHERE: where})


def tell_postgresql(metadata: MetaData) -> None:
    """Let PostgreSQL's dialect know the conditions."""
    for table in metadata.tables.values():
        for index in table.indexes:
            if _WHERE in index.info:
                index.dialect_options["postgresql"][_WHERE] = index.info[_WHERE]

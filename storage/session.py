"""The session of a read or write: rows looked up by their key are looked up once."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, inspect, select
from sqlalchemy.orm import Mapper
from sqlmodel import Session, SQLModel


class KeepingSession(Session):
    """A session that remembers its rows until it ends.

    SQLAlchemy's own forgets a row when nobody holds it and reads it again for the next who asks,
    and makes its statement anew each time, which takes longer than running it. Sessions here are
    as short as one function, so what they hold is little.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._kept: list[object] = []
        self._missing: set[tuple[Any, tuple[Any, ...]]] = set()

    def get(self, entity: Any, ident: Any, **options: Any) -> Any:
        """``Session.get``."""
        if options or isinstance(ident, dict):
            return super().get(entity, ident, **options)
        key = _as_key(ident)
        row = self._known(entity, key)
        if row is not None:
            return super().get(entity, ident) if inspect(row).expired else row
        if (entity, key) in self._missing:
            return None
        found = self.execute(_by_key(entity), dict(zip(_names(entity), key, strict=True)))
        row = found.scalars().one_or_none()
        if row is not None:
            self._kept.append(row)
        return row

    def keep(self, entity: type[SQLModel], rows: Iterable[object], keys: Iterable[Any]) -> None:
        """See the function of this name."""
        self._kept += rows
        looked_up = {(entity, _as_key(ident)) for ident in keys}
        self._missing |= {each for each in looked_up if self._known(*each) is None}

    def _known(self, entity: Any, key: tuple[Any, ...]) -> Any:
        mapper: Mapper[Any] = inspect(entity)
        return self.identity_map.get(mapper.identity_key_from_primary_key(key))

    def add(self, instance: object, *args: Any, **options: Any) -> None:
        """``Session.add``."""
        self._missing.clear()
        self._kept.append(instance)
        super().add(instance, *args, **options)

    def merge(self, instance: Any, **options: Any) -> Any:
        """``Session.merge``."""
        self._missing.clear()
        row = super().merge(instance, **options)
        self._kept.append(row)
        return row


def keep(
    session: Session, entity: type[SQLModel], rows: Iterable[object], keys: Iterable[Any]
) -> None:
    """Remember rows that were looked up together, so that ``Session.get`` asks for none of them.

    Args:
        session: a plain one of SQLAlchemy forgets them.
        entity: their table.
        rows: those that there are.
        keys: what was looked up, each as ``get`` takes it; what was not found is None from now on,
            until the session stores something.
    """
    if isinstance(session, KeepingSession):
        session.keep(entity, rows, keys)


def _as_key(ident: Any) -> tuple[Any, ...]:
    return tuple(ident) if isinstance(ident, tuple | list) else (ident,)


@cache
def _names(entity: type[SQLModel]) -> tuple[str, ...]:
    return tuple(f"key_{number}" for number, _ in enumerate(inspect(entity).primary_key))


@cache
def _by_key(entity: type[SQLModel]) -> Select[Any]:
    columns = zip(inspect(entity).primary_key, _names(entity), strict=True)
    return select(entity).where(*(column == bindparam(name) for column, name in columns))

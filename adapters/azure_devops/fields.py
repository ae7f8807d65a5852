"""Typed access to JSON from outside: a failure names the path that is missing or wrong."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.azure_devops.dates import parse_moment

MAX_NUMBER = 2**63 - 1


def value_of(body: Mapping[str, Any], key: str) -> Any:
    """A member by its camelCase name, or in the PascalCase of resource version 3.1-preview.3."""
    value = body.get(key)
    return value if value is not None else body.get(key[:1].upper() + key[1:])


class FieldError(ValueError):
    """A value is missing or has the wrong type; the message names its path."""


@dataclass(frozen=True, slots=True)
class Fields:
    """A JSON object and where it stands in the document.

    Members are found as ``value_of`` finds them. JSON's null counts as missing: Azure DevOps
    does both.
    """

    members: dict[str, Any]
    path: str = ""

    @classmethod
    def of(cls, value: object, path: str = "") -> "Fields":
        """Wrap a JSON value. Raises FieldError when it is not an object."""
        if value is None:
            raise FieldError(f"{path} is missing")
        if not isinstance(value, dict):
            raise FieldError(f"{path or 'the body'} is not an object")
        return cls(value, path)

    def has(self, key: str) -> bool:
        return self._get(key) is not None

    def object(self, key: str) -> "Fields":
        return Fields.of(self._get(key), self._path(key))

    def optional_object(self, key: str) -> "Fields | None":
        return self.object(key) if self.has(key) else None

    def objects(self, key: str) -> "Iterator[Fields]":
        """The objects of a list, in order; nothing when there is no list. Nulls are left out."""
        items = self._get(key)
        if items is None:
            return
        if not isinstance(items, list):
            raise FieldError(f"{self._path(key)} is not a list")
        for index, item in enumerate(items):
            if item is not None:
                yield Fields.of(item, f"{self._path(key)}[{index}]")

    def texts(self, key: str) -> list[str]:
        """The texts of a list; missing or null is an empty list.

        Raises:
            FieldError: it is no list of texts.
        """
        value = self._get(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._wrong(key, "a list of texts")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """A text. Raises FieldError when it is missing and there is no default."""
        value = self._get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            raise self._wrong(key, "a text")
        # PostgreSQL stores no NUL in a text.
        return value.replace("\x00", "\ufffd")

    def guid(self, key: str, default: str | None = None) -> str:
        """An id in lower case, as ids are compared."""
        return self.text(key, default).lower()

    def number(self, key: str, default: int | None = None) -> int:
        """A whole number from 0 to 2^63 - 1."""
        value = self._get(key)
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong(key, "a whole number")
        if not 0 <= value <= MAX_NUMBER:
            raise FieldError(f"{self._path(key)} is out of range")
        return value

    def flag(self, key: str) -> bool:
        """True or false; a missing one is false."""
        value = self._get(key)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def moment(self, key: str) -> datetime:
        """A date and time in UTC; Azure DevOps' sentinels count as missing."""
        moment = self.optional_moment(key)
        if moment is None:
            raise self._wrong(key, "a date and time")
        return moment

    def optional_moment(self, key: str) -> datetime | None:
        return parse_moment(self.text(key, ""))

    def _get(self, key: str) -> Any:
        return value_of(self.members, key)

    def _path(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _wrong(self, key: str, wanted: str) -> FieldError:
        if not self.has(key):
            return FieldError(f"{self._path(key)} is missing")
        return FieldError(f"{self._path(key)} is not {wanted}")

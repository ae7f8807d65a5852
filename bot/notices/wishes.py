"""A subscription's filters and places as they are stored in its options.

``options`` holds ``filters`` (patterns, numbers) and ``places`` (kind of event: place). Target
branches and drafts have columns of their own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from bot.notices.filters import ANNOUNCE, EVERYTHING, PUBLISHED, SILENT, Filters
from bot.notices.kinds import EventKind, Place
from bot.notices.places import DEFAULT_PLACES, Places

FILTERS, PLACES = "filters", "places"
MOST_PATTERNS = 20
LONGEST_PATTERN = 200
MOST_FILES = 100_000
DRAFTS = (SILENT, ANNOUNCE, PUBLISHED)

_Pattern = Annotated[str, Field(min_length=1, max_length=LONGEST_PATTERN)]
_Patterns = Annotated[tuple[_Pattern, ...], Field(max_length=MOST_PATTERNS)]


class _StoredFilters(TypedDict, total=False):
    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]  # pydantic reads it

    source: _Patterns
    author: _Patterns
    reviewer: _Patterns
    label: _Patterns
    path: _Patterns
    title: _Patterns
    bots: bool
    min_files: Annotated[int, Field(ge=0, le=MOST_FILES)]
    area: _Patterns
    type: _Patterns
    every_build: bool
    groups: tuple[tuple[_Pattern, _Pattern], ...]


class _StoredOptions(TypedDict, total=False):
    filters: _StoredFilters
    places: dict[EventKind, Place]


class _Stored(TypedDict):
    options: _StoredOptions
    target: _Patterns
    drafts: Literal["silent", "announce", "published"]


_stored = TypeAdapter(_Stored)
_options = TypeAdapter(dict[str, Any])
_targets = TypeAdapter(tuple[str, ...])


class BrokenOptions(ValueError):
    """What is stored of a subscription cannot be read; ``str()`` names the field and the reason."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a subscription wants to hear of, and where each kind is told."""

    filters: Filters = EVERYTHING
    places: Places = DEFAULT_PLACES


def read_wishes(
    options: Mapping[str, Any], targets: Sequence[str] = (), drafts: str = PUBLISHED
) -> Wishes:
    """The wishes in a subscription's columns.

    Raises:
        BrokenOptions: they cannot be read; the message names the field.
    """
    try:
        found = _stored.validate_python(
            {"options": options, "target": tuple(targets), "drafts": drafts or PUBLISHED}
        )
    except ValidationError as error:
        raise BrokenOptions(_in_words(error)) from None
    said: dict[str, Any] = {**found["options"].get("filters", {})}
    filters = Filters(target=found["target"], drafts=found["drafts"], **said)
    chosen = found["options"].get("places", {})
    places = Places(tuple((kind, chosen[kind]) for kind in EventKind if kind in chosen))
    return Wishes(EVERYTHING if filters == EVERYTHING else filters, places)


@lru_cache(20_000)
def read_stored(options: str, targets: str, drafts: str) -> Wishes | str:
    """The same of columns in JSON; what cannot be read gives the reason. Remembered."""
    try:
        return read_wishes(_options.validate_json(options), _targets.validate_json(targets), drafts)
    except BrokenOptions as broken:
        return str(broken)
    except ValidationError as error:
        return _in_words(error)


def write_wishes(options: Mapping[str, Any], wishes: Wishes) -> dict[str, Any]:
    """A subscription's options with these wishes; what else stands there stays."""
    written = {key: value for key, value in options.items() if key not in (FILTERS, PLACES)}
    plain = asdict(replace(wishes.filters, target=(), drafts=PUBLISHED))
    empty = asdict(EVERYTHING)
    filters = {name: _as_json(value) for name, value in plain.items() if value != empty[name]}
    if filters:
        written[FILTERS] = filters
    if chosen := {kind.value: place.value for kind, place in wishes.places.chosen}:
        written[PLACES] = chosen
    return written


def _as_json(value: object) -> object:
    return [_as_json(each) for each in value] if isinstance(value, tuple) else value


def _in_words(error: ValidationError) -> str:
    problem = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in problem["loc"] if part != "options")
    return f"{place}: {problem['msg']}" if place else problem["msg"]

"""From an address to its handler. Paths are matched in any case, as on the service."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from adapters.sandbox.azure_devops import errors
from adapters.sandbox.azure_devops.rest import (
    core,
    hook_history,
    hooks,
    pull_requests,
    repositories,
    reviews,
    work_items,
)
from adapters.sandbox.azure_devops.rest.call import Route

ROUTES = (
    *core.ROUTES,
    *repositories.ROUTES,
    *pull_requests.ROUTES,
    *reviews.ROUTES,
    *work_items.ROUTES,
    *hooks.ROUTES,
    *hook_history.ROUTES,
)
_PLACE = re.compile(r"\{(\w+)\}")
_API = "_apis"


@dataclass(frozen=True, slots=True)
class Match:
    """A route, the project in front of ``_apis`` and the path's parameters."""

    route: Route
    project: str | None
    params: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Pattern:
    expression: re.Pattern[str]
    route: Route


def _compiled(routes: Iterable[Route]) -> tuple[_Pattern, ...]:
    found = []
    for route in routes:
        text = "".join(
            f"(?P<{part}>[^/]+)" if odd else re.escape(part)
            for odd, part in (
                (index % 2, part) for index, part in enumerate(_PLACE.split(route.path))
            )
        )
        found.append(_Pattern(re.compile(f"^{text}$", re.IGNORECASE), route))
    return tuple(found)


_PATTERNS = _compiled(ROUTES)


class Router:
    """Finds routes below one path prefix (the organisation or collection)."""

    def __init__(self, prefix: str, *, other_prefix: str | None = None) -> None:
        self._prefixes = [prefix] if other_prefix is None else [other_prefix, prefix]

    def relative(self, raw_path: str) -> str:
        """Return the path after the organisation, still percent-encoded.

        Raises:
            AzureDevOpsError: 404, the path is outside the organisation.
        """
        for prefix in self._prefixes:
            inside = raw_path.casefold().startswith(f"{prefix.casefold()}/")
            if inside:
                return raw_path[len(prefix) :]
        raise errors.no_such_path(unquote(raw_path))

    def match(self, method: str, raw_path: str) -> Match:
        """Return what answers a request.

        Raises:
            AzureDevOpsError: 404 for an unknown address, 405 for a known one with another verb.
        """
        segments = [part for part in self.relative(raw_path).split("/") if part]
        place = next((i for i, part in enumerate(segments) if part.lower() == _API), None)
        # {project}/{team} may stand in front; the team does not change what the sandbox answers.
        if place is None or place > 2:
            raise errors.no_such_path(unquote(raw_path))
        project = unquote(segments[0]) if place else None
        rest = "/".join(segments[place + 1 :])
        allowed = False
        for pattern in _PATTERNS:
            # "$" is legal in a path and may come encoded.
            found = pattern.expression.match(rest.replace("%24", "$"))
            if found is not None:
                if pattern.route.method == method:
                    params = {name: unquote(value) for name, value in found.groupdict().items()}
                    return Match(pattern.route, project, params)
                allowed = True
        if allowed:
            raise errors.method_not_allowed(method)
        raise errors.no_such_path(unquote(raw_path))

"""The ``api-version`` that every request must name.

Source: "REST API versioning" on learn.microsoft.com.
"""

from __future__ import annotations

import re

from adapters.sandbox.azure_devops.addresses import Style
from adapters.sandbox.azure_devops.errors import AzureDevOpsError

_VERSION = re.compile(r"^(\d+)\.(\d+)(-preview(?:\.\d+)?)?$")
_NEWEST = {"services": (7, 2), "visualstudio": (7, 2), "server": (7, 1)}
_UNRELEASED = (7, 2)


def newest_of(style: Style, newest: str = "") -> tuple[int, int]:
    """The newest version that a server offers, ``newest`` when that is said."""
    if not newest:
        return _NEWEST[style]
    major, _, minor = newest.partition(".")
    return int(major), int(minor)


def check_version(
    version: str | None, *, style: Style, preview_only: bool, newest: str = ""
) -> None:
    """Refuse what the service refuses.

    Raises:
        AzureDevOpsError: 400, no version, an unknown one, or one that needs ``-preview``.
    """
    if not version:
        raise AzureDevOpsError(
            400,
            "VssVersionNotSpecifiedException",
            "No api-version was supplied for the request. The api-version must be supplied either"
            ' as part of the Accept header (e.g. "application/json; api-version=1.0") or as a'
            ' query parameter (e.g. "?api-version=1.0").',
        )
    found = _VERSION.match(version)
    numbers = (int(found[1]), int(found[2])) if found else (0, 0)
    if found is None or not (1, 0) <= numbers <= newest_of(style, newest):
        newest = ".".join(map(str, newest_of(style, newest)))
        raise AzureDevOpsError(
            400,
            "VssVersionOutOfRangeException",
            f"The requested REST API version of {version} is out of range for this server. The"
            f" latest REST API version this server supports is {newest}.",
        )
    if found[3] is None and (preview_only or numbers == _UNRELEASED):
        raise AzureDevOpsError(
            400,
            "VssInvalidPreviewVersionException",
            f'The requested version "{version}" of the resource is under preview. The -preview'
            " flag must be supplied in the api-version for such requests. For example:"
            f' "{version}-preview"',
        )

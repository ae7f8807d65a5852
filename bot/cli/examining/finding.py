"""One thing that was looked at."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``advice`` is empty when it is well.

    ``trouble`` names what is wrong for scripts, where there is a name (``invalid_credentials``).
    """

    what: str
    is_well: bool
    says: str
    advice: str = ""
    trouble: str = ""

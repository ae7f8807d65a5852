"""One thing that was looked at."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``advice`` is empty when it is well.

    ``trouble`` names what is wrong for scripts, where there is a name (``invalid_credentials``).
    ``is_note``: it is well as far as can be told, and there is something to know.
    """

    what: str
    is_well: bool
    says: str
    advice: str = ""
    trouble: str = ""
    is_note: bool = False

    @property
    def mark(self) -> str:
        """What stands before it on the screen."""
        if not self.is_well:
            return "!! "
        return ".. " if self.is_note else "ok "

"""What every family's parser gets."""

from dataclasses import dataclass
from datetime import datetime

from adapters.azure_devops.envelope import HookEnvelope
from adapters.azure_devops.fields import FieldError, Fields


@dataclass(frozen=True, slots=True)
class ReceivedHook:
    """A body whose envelope was read. ``resource`` is what happened."""

    connection: str
    envelope: HookEnvelope
    resource: Fields

    @property
    def kind(self) -> str:
        return self.envelope.event_type

    @property
    def created_at(self) -> datetime:
        """When the event was made. Raises FieldError when the body does not say."""
        if self.envelope.created_at is None:
            raise FieldError("createdDate is missing or is not a date and time")
        return self.envelope.created_at

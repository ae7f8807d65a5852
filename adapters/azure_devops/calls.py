"""What the calls of every resource stand on."""

from collections.abc import Iterator
from contextlib import contextmanager

from adapters.azure_devops.base_url import BaseUrl
from adapters.azure_devops.fields import FieldError
from adapters.azure_devops.http import Http
from bot.ports import BadAnswer, Clock, Sleep


class Calls:
    """A connection, and the way to it."""

    def __init__(
        self, *, connection: str, base: BaseUrl, http: Http, clock: Clock, sleep: Sleep
    ) -> None:
        self.connection = connection
        self.base_url = base.url
        self._base = base
        self._http = http
        self._clock = clock
        self._sleep = sleep


@contextmanager
def reading_answer() -> Iterator[None]:
    """An answer that is not as documented becomes BadAnswer, its field named."""
    try:
        yield
    except FieldError as error:
        raise BadAnswer(f"Azure DevOps' answer is not as documented: {error}") from None

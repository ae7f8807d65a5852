"""The channel's side of `POST /api/messages`: signed activities, sent again when not answered."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import aiohttp

from adapters.sandbox.teams.activities import Bot, Json, Occasion
from adapters.sandbox.teams.changes import Changes
from adapters.sandbox.teams.issuer import TokenIssuer
from adapters.sandbox.teams.messages import ADAPTIVE_CARD, Message
from adapters.sandbox.teams.people import TeamsPerson
from adapters.sandbox.teams.world import World

# Teams sends an activity once more when it has no answer after this time.
ANSWER_TIMEOUT_S = 15.0
RESENDS = 1


@dataclass(frozen=True, slots=True)
class BotAnswer:
    """What the bot answered over HTTP.

    Attributes:
        status: The HTTP status; None when there was no answer, or nothing was sent.
        body: JSON if it is, else text.
        activity: What was sent.
        attempts: How often; 0 when Teams does not send such an activity to the bot.
        error: Why there was no answer.
        message: The message in the conversation that the activity is about.
    """

    status: int | None
    body: Any
    activity: Json
    attempts: int = 1
    error: str = ""
    message: Message | None = None

    @property
    def card(self) -> Json | None:
        """The card in an invoke's answer."""
        card = self._value(ADAPTIVE_CARD)
        return card if isinstance(card, dict) else None

    @property
    def notice(self) -> str:
        """The short text in an invoke's answer, shown below the card."""
        return str(self._value("application/vnd.microsoft.activity.message") or "")

    def _value(self, kind: str) -> Any:
        is_kind = isinstance(self.body, dict) and self.body.get("type") == kind
        return self.body.get("value") if is_kind else None


class TeamsChannel:
    """Sends activities to the bot as Teams does."""

    def __init__(
        self,
        *,
        app_id: str,
        bot_name: str,
        tenant_id: str,
        clock: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self.bot = Bot(app_id, bot_name)
        self.world = World(tenant_id)
        self.changes = Changes()
        self.issuer = TokenIssuer(app_id, clock)
        self.answers: list[BotAnswer] = []
        self._clock = clock
        self._sleep = sleep
        self._bot_url: str | None = None
        self._session: aiohttp.ClientSession | None = None

    @property
    def service_url(self) -> str:
        """The connector's base address, as every activity and token names it."""
        raise NotImplementedError

    async def connect(self, bot_url: str) -> None:
        """Send activities to this address from now on (`…/api/messages`)."""
        self._bot_url = bot_url

    async def close(self) -> None:
        """Close the connections to the bot; the address is kept."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def post(
        self,
        body: Json | bytes,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> BotAnswer:
        """Send any body once, as it is.

        Args:
            body: The activity; bytes for what is not JSON.
            token: Instead of a good one; "" sends no Authorization.
            headers: More headers, over the usual ones.

        Raises:
            RuntimeError: If `connect` was not called.
        """
        if self._bot_url is None:
            raise RuntimeError("the sandbox Teams has no bot: call connect() first")
        if self._session is None:
            # No time-out here: the 15 s are counted by the sandbox's own clock, in deliver().
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
        bearer = self.issuer.mint(service_url=self.service_url) if token is None else token
        sent = {"Content-Type": "application/json; charset=utf-8"}
        sent |= {"Authorization": f"Bearer {bearer}"} if bearer else {}
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        activity = body if isinstance(body, dict) else {}
        try:
            async with self._session.post(
                self._bot_url, data=data, headers=sent | dict(headers or {}), allow_redirects=False
            ) as response:
                raw = await response.read()
                return BotAnswer(response.status, _decoded(raw), activity)
        except aiohttp.ClientError as error:
            return BotAnswer(None, None, activity, error=f"{type(error).__name__}: {error}")

    async def resend(self, activity: Json) -> BotAnswer:
        """Send an activity again, as Teams does when it missed the answer."""
        return self._answered(await self.post(activity))

    async def deliver(self, activity: Json, message: Message | None = None) -> BotAnswer:
        """Send an activity; again after 15 s without an answer, except for invokes.

        A person who pressed a button sees an error instead of a second try.
        """
        tries = [asyncio.ensure_future(self.post(activity))]
        resends = 0 if activity["type"] == "invoke" else RESENDS
        timer: asyncio.Future[None] | None = None
        try:
            while True:
                timer = asyncio.ensure_future(self._sleep(ANSWER_TIMEOUT_S))
                done, _ = await asyncio.wait([*tries, timer], return_when=asyncio.FIRST_COMPLETED)
                for attempt in tries:
                    if attempt in done:
                        return self._answered(attempt.result(), len(tries), message)
                if len(tries) > resends:
                    error = f"no answer within {ANSWER_TIMEOUT_S:.0f} s"
                    nothing = BotAnswer(None, None, activity, error=error)
                    return self._answered(nothing, len(tries), message)
                tries.append(asyncio.ensure_future(self.post(activity)))
        finally:
            left = [task for task in (*tries, timer) if task is not None and not task.done()]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    def occasion(self, person: TeamsPerson, activity_id: str = "") -> Occasion:
        """The common fields of an activity of this moment; without an id, an event's id is made."""
        return Occasion(
            activity_id or f"f:{uuid4()}", self._clock(), self.service_url, self.bot, person
        )

    def _answered(
        self, answer: BotAnswer, attempts: int = 1, message: Message | None = None
    ) -> BotAnswer:
        kept = BotAnswer(
            answer.status, answer.body, answer.activity, attempts, answer.error, message
        )
        self.answers.append(kept)
        self.changes.tell()
        return kept


def _decoded(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return raw.decode("utf-8", "replace")

"""The Bot Framework's CloudAdapter with its unsafe and slow ways closed.

As shipped (4.17.1) it authenticates with blocking downloads, accepts everybody when the app id is
empty, and asks for a token in each turn. Here a turn starts only with a request that
``TeamsInbound`` has authenticated, and nothing inside a turn can call out: answers go through the
outbox and ``TeamsClient``.
"""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, NoReturn

from botbuilder.core import InvokeResponse, TurnContext
from botbuilder.integration.aiohttp import CloudAdapter
from botbuilder.schema import Activity, ActivityTypes, ConversationAccount
from botframework.connector.auth import (
    AuthenticateRequestResult,
    BotFrameworkAuthentication,
    ClaimsIdentity,
    ConnectorFactory,
)

from adapters.teams.fields import text
from bot.teams_model import Json

# It warns of every field of Teams that it does not know, with the field's content.
logging.getLogger("msrest.serialization").setLevel(logging.ERROR)

Answer = Callable[[], Awaitable[Json | None]]


class TeamsAdapter(CloudAdapter):
    """Runs turns for requests that are authenticated already."""

    def __init__(self) -> None:
        super().__init__(_NoAuthentication())

    async def process(self, request: Any, bot: Any, ws_response: Any = None) -> NoReturn:
        """Closed: it would authenticate by itself, and take WebSockets."""
        raise PermissionError("requests come in through TeamsInbound, where tokens are checked")

    async def run_turn(self, activity: Json, app_id: str, answer: Answer) -> Json | None:
        """Run one turn through the adapter's pipeline.

        Args:
            activity: The authenticated activity.
            app_id: The bot's application id.
            answer: The turn's work; what it returns is the body of an invoke's answer.

        Raises:
            Exception: what ``answer`` raised.
        """

        async def on_turn(context: TurnContext) -> None:
            body = await answer()
            if context.activity.type == ActivityTypes.invoke:
                value = InvokeResponse(status=HTTPStatus.OK, body=body)
                await context.send_activity(
                    Activity(type=ActivityTypes.invoke_response, value=value)
                )

        response = await self.process_activity(_authenticated(app_id), _turn_of(activity), on_turn)
        return response.body if response is not None else None


def _turn_of(activity: Json) -> Activity:
    """The few fields that the pipeline reads; deserialising all of them costs a millisecond."""
    conversation = activity["conversation"]
    return Activity(
        type=activity["type"],
        id=text(activity, "id"),
        name=text(activity, "name"),
        channel_id=activity["channelId"],
        service_url=activity["serviceUrl"],
        conversation=ConversationAccount(id=conversation["id"]),
    )


def _authenticated(app_id: str) -> AuthenticateRequestResult:
    result = AuthenticateRequestResult()
    result.claims_identity = ClaimsIdentity({"aud": app_id, "appid": app_id}, True)
    result.connector_factory = _NoConnectors()
    return result


class _NoConnector:
    """Stands where the SDK wants a client, and refuses every use."""

    def __getattr__(self, name: str) -> NoReturn:
        raise RuntimeError("nothing is sent inside a turn: use the outbox")


class _NoConnectors(ConnectorFactory):
    async def create(self, service_url: str, audience: str) -> Any:
        return _NoConnector()


class _NoAuthentication(BotFrameworkAuthentication):
    """Authenticates nobody: the adapter's own ways in stay shut."""

    async def authenticate_request(self, activity: Activity, auth_header: str) -> NoReturn:
        raise PermissionError("requests come in through TeamsInbound")

    async def authenticate_streaming_request(
        self, auth_header: str, channel_id_header: str
    ) -> NoReturn:
        raise PermissionError("streaming is not offered")

    def create_connector_factory(self, claims_identity: ClaimsIdentity) -> ConnectorFactory:
        return _NoConnectors()

    async def create_user_token_client(self, claims_identity: ClaimsIdentity) -> Any:
        return _NoConnector()

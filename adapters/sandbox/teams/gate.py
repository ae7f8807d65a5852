"""What every connector request must pass: token, limits, and the bot being there."""

from aiohttp import web

from adapters.sandbox.teams import refusals
from adapters.sandbox.teams.conversations import Conversation, Team
from adapters.sandbox.teams.limits import Limits
from adapters.sandbox.teams.login import CONNECTOR_SCOPE, LoginService
from adapters.sandbox.teams.world import World


class Gate:
    """Lets requests in, or raises the refusal that Teams would answer.

    Attributes:
        enforce_limits: Whether the documented rate limits are kept.
    """

    def __init__(
        self, world: World, login: LoginService, limits: Limits, enforce_limits: bool
    ) -> None:
        self._world = world
        self._login = login
        self._limits = limits
        self.enforce_limits = enforce_limits

    def authorize(self, request: web.Request) -> None:
        """Demand a bearer token of ours for the connector."""
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer" or not self._login.is_valid(token, CONNECTOR_SCOPE):
            raise refusals.unauthorized()

    def limit(self, operation: str, conversation_id: str) -> None:
        """Count the request against the limits."""
        if not self.enforce_limits:
            return
        wait_s = self._limits.take(operation, conversation_id.partition(";")[0])
        if wait_s:
            raise refusals.throttled(wait_s)

    def enter(self, request: web.Request, operation: str) -> tuple[Conversation, str]:
        """The conversation of the path and its `;messageid=`, if the bot may be there."""
        self.authorize(request)
        conversation_id = request.match_info["conversation_id"]
        self.limit(operation, conversation_id)
        conversation, root_id = self._world.find_conversation(conversation_id)
        if conversation is None:
            raise refusals.no_conversation()
        if conversation.blocked:
            raise refusals.blocked()
        if not conversation.bot_is_in:
            raise refusals.not_in_roster()
        return conversation, root_id

    def team(self, request: web.Request) -> Team:
        """The team of the path, if the app is installed there."""
        self.authorize(request)
        team_id = request.match_info["team_id"]
        self.limit("read", team_id)
        team = self._world.teams.get(team_id)
        if team is None:
            raise refusals.no_conversation()
        if not team.installed:
            raise refusals.not_in_roster()
        return team

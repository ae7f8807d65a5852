"""The Bot Connector's members and teams.

https://learn.microsoft.com/microsoftteams/platform/bots/how-to/get-teams-context
"""

from aiohttp import web

from adapters.sandbox.teams import refusals
from adapters.sandbox.teams.gate import Gate

DEFAULT_PAGE, SMALLEST_PAGE, LARGEST_PAGE = 200, 50, 500


class RosterRoutes:
    """Answers who is in a conversation and what a team consists of."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def routes(self, base: str) -> list[web.RouteDef]:
        """The reading operations below the service URL's path."""
        conversation = base + "v3/conversations/{conversation_id}"
        team = base + "v3/teams/{team_id}"
        return [
            web.get(conversation + "/members", self._members),
            web.get(conversation + "/pagedmembers", self._paged_members),
            web.get(conversation + "/members/{member_id}", self._member),
            web.get(team, self._team),
            web.get(team + "/conversations", self._channels),
        ]

    async def _members(self, request: web.Request) -> web.Response:
        conversation, _ = self._gate.enter(request, "read")
        return web.json_response([person.as_account() for person in conversation.members])

    async def _paged_members(self, request: web.Request) -> web.Response:
        conversation, _ = self._gate.enter(request, "read")
        try:
            asked = int(request.query.get("pageSize", DEFAULT_PAGE))
            start = int(request.query.get("continuationToken") or 0)
        except ValueError as error:
            raise refusals.bad_argument("pageSize or continuationToken is not valid.") from error
        size = min(max(asked, SMALLEST_PAGE), LARGEST_PAGE)
        members = conversation.members
        page: dict[str, object] = {
            "members": [person.as_account() for person in members[start : start + size]]
        }
        if start + size < len(members):
            page["continuationToken"] = str(start + size)
        return web.json_response(page)

    async def _member(self, request: web.Request) -> web.Response:
        conversation, _ = self._gate.enter(request, "read")
        key = request.match_info["member_id"]
        found = next((person for person in conversation.members if person.known_as(key)), None)
        if found is None:
            raise refusals.no_member()
        return web.json_response(found.as_account())

    async def _team(self, request: web.Request) -> web.Response:
        team = self._gate.team(request)
        return web.json_response(
            {
                "id": team.id,
                "name": team.name,
                "aadGroupId": team.group_id,
                "type": "standard",
                "tenantId": team.tenant_id,
                "channelCount": len(team.channels),
                "memberCount": len(team.members),
            }
        )

    async def _channels(self, request: web.Request) -> web.Response:
        team = self._gate.team(request)
        return web.json_response(
            {
                "conversations": [
                    {
                        "id": channel.id,
                        # The General channel has no name here, so that clients can translate it.
                        "name": None if channel is team.general else channel.name,
                        "type": channel.channel_kind,
                    }
                    for channel in team.channels
                ]
            }
        )

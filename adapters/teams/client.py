"""Sending to Teams through the Bot Connector, on one shared HTTP session.

https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
"""

import json
import logging
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from adapters.entra import EntraError, TokenSource
from adapters.teams.config import TeamsConfig
from adapters.teams.connector_errors import connection_error, error_code, teams_error
from adapters.teams.fields import BadActivity, objects, required_text, text
from adapters.teams.outgoing import encoded, message_body
from adapters.teams.places import MESSAGE_ID_MARK, user_of
from bot.ports import Clock, TeamsRefused, TeamsRetry, utc_now
from bot.teams_model import (
    Conversation,
    ConversationKind,
    Json,
    OutgoingMessage,
    SendResult,
    TeamsChannel,
    TeamsTeam,
    TeamsUser,
)

log = logging.getLogger(__name__)

TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=5, sock_read=15)
TYPING = encoded({"type": "typing"})
MEMBERS_PER_PAGE = 500
MOST_PAGES = 200


class TeamsClient:
    """The port ``Teams``. Nothing is retried here, except once after a refused token.

    Args:
        session: The shared HTTP session.
        config: Which hosts may be called; without tokens when ``unauthenticated``.
        tokens: The bot's own tokens.
        clock: Aware UTC times.
        timeout: Of each request.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        config: TeamsConfig,
        tokens: TokenSource,
        *,
        clock: Clock = utc_now,
        timeout: aiohttp.ClientTimeout = TIMEOUT,
    ) -> None:
        self._session = session
        self._config = config
        self._tokens = tokens
        self._clock = clock
        self._timeout = timeout
        self._bases: dict[str, str] = {}
        self._headers_of: tuple[str, dict[str, str]] = ("", {})

    async def send(
        self, conversation: Conversation, message: OutgoingMessage, *, thread_id: str = ""
    ) -> SendResult:
        """Post a message; in a channel with ``thread_id`` as a reply in that thread.

        Raises:
            TeamsError: as the port says; MessageGone when the thread's first message is deleted.
        """
        answer = await self._call(
            "POST",
            f"{self._place(conversation, thread_id)}/activities",
            message_body(conversation, message),
        )
        return SendResult(_id(answer))

    async def update(
        self, conversation: Conversation, activity_id: str, message: OutgoingMessage
    ) -> None:
        """Replace a message of the bot."""
        await self._call(
            "PUT",
            f"{self._place(conversation)}/activities/{quote(activity_id, safe='')}",
            message_body(conversation, message, is_new=False),
        )

    async def typing(self, conversation: Conversation, *, thread_id: str = "") -> None:
        """Show for some seconds that work goes on."""
        await self._call("POST", f"{self._place(conversation, thread_id)}/activities", TYPING)

    async def open_personal_chat(
        self, *, user: TeamsUser, service_url: str, tenant_id: str
    ) -> Conversation:
        """The chat of the bot and one person, made if there is none.

        Raises:
            ConversationGone: the person does not have the app.
        """
        body = {
            "bot": {"id": f"28:{self._config.app_id}"},
            "members": [{"id": user.id or user.aad_object_id}],
            "isGroup": False,
            "tenantId": tenant_id,
            "channelData": {"tenant": {"id": tenant_id}},
        }
        answer = await self._call("POST", self._base(service_url), encoded(body))
        chat_id = _id(answer)
        if not chat_id:
            raise TeamsRefused("Teams opened a chat and did not say which")
        return Conversation(
            id=chat_id,
            kind=ConversationKind.PERSONAL,
            service_url=service_url,
            tenant_id=tenant_id,
            name=user.name,
        )

    async def members(self, conversation: Conversation) -> Sequence[TeamsUser]:
        """The roster with mails, all pages; in a channel the team's."""
        url = f"{self._roster(conversation)}/pagedmembers?pageSize={MEMBERS_PER_PAGE}"
        found: list[TeamsUser] = []
        page_url = url
        for _ in range(MOST_PAGES):
            page = _object(await self._call("GET", page_url))
            try:
                found += [
                    user_of(member, conversation.tenant_id, "members.")
                    for member in objects(page, "members")
                ]
                token = text(page, "continuationToken")
            except BadActivity as error:
                raise TeamsRefused(
                    f"Teams answered a roster that cannot be read: {error}"
                ) from None
            if not token:
                return found
            page_url = f"{url}&continuationToken={quote(token, safe='')}"
        raise TeamsRefused(f"the roster has more than {MOST_PAGES} pages")

    async def member(self, conversation: Conversation, user_id: str) -> TeamsUser | None:
        """One person of the roster with mail, None when not a member."""
        places = dict.fromkeys((self._roster(conversation), self._place(conversation)))
        for place in places:  # guests of a shared channel are in the channel, not in the team
            url = f"{place}/members/{quote(user_id, safe='')}"
            status, headers, raw = await self._ask("GET", url, None)
            if status == 200:
                try:
                    return user_of(_object(raw), conversation.tenant_id, "")
                except BadActivity as error:
                    raise TeamsRefused(f"Teams answered an unreadable member: {error}") from None
            if status != 404 or error_code(raw) != "MemberNotFoundInConversation":
                raise teams_error(status, headers, raw, updating=False, now=self._clock())
        return None

    async def team(self, conversation: Conversation) -> TeamsTeam:
        """The channel's team by name, with its channels. The General channel has no name there.

        https://learn.microsoft.com/microsoftteams/platform/bots/how-to/get-teams-context
        (fetch team details, get the list of channels in a team)
        """
        url = f"{self._teams(conversation.service_url)}/{quote(conversation.team_id, safe='')}"
        told = _object(await self._call("GET", url))
        listed = _object(await self._call("GET", f"{url}/conversations"))
        try:
            channels = tuple(
                TeamsChannel(required_text(each, "id"), text(each, "name"))
                for each in objects(listed, "conversations")
            )
            return TeamsTeam(conversation.team_id, text(told, "name"), channels)
        except BadActivity as error:
            raise TeamsRefused(f"Teams answered a team that cannot be read: {error}") from None

    def _teams(self, service_url: str) -> str:
        """``…/v3/teams`` of a service URL, if that may be called."""
        return f"{self._base(service_url).removesuffix('conversations')}teams"

    def _base(self, service_url: str) -> str:
        """``…/v3/conversations`` of a service URL, if that may be called."""
        base = self._bases.get(service_url)
        if base is None:
            if not self._config.hosts.allows(service_url):
                raise TeamsRefused("the conversation's service URL is not on an allowed host")
            base = self._bases[service_url] = f"{service_url.rstrip('/')}/v3/conversations"
        return base

    def _place(self, conversation: Conversation, thread_id: str = "") -> str:
        in_thread = thread_id and conversation.kind is ConversationKind.CHANNEL
        id_ = f"{conversation.id}{MESSAGE_ID_MARK}{thread_id}" if in_thread else conversation.id
        return f"{self._base(conversation.service_url)}/{quote(id_, safe='')}"

    def _roster(self, conversation: Conversation) -> str:
        id_ = conversation.team_id or conversation.id
        return f"{self._base(conversation.service_url)}/{quote(id_, safe='')}"

    async def _call(self, method: str, url: str, body: bytes | None = None) -> bytes:
        status, headers, raw = await self._ask(method, url, body)
        if 200 <= status < 300:
            return raw
        raise teams_error(status, headers, raw, updating=method == "PUT", now=self._clock())

    async def _ask(self, method: str, url: str, body: bytes | None) -> tuple[int, Any, bytes]:
        """One request, and one more with a new token when the first token was refused."""
        token = await self._token()
        answer = await self._request(method, url, body, token)
        if answer[0] != 401:
            return answer
        if token:
            self._tokens.forget(token)
            answer = await self._request(method, url, body, await self._token())
            if answer[0] != 401:
                return answer
        code = error_code(answer[2])
        raise TeamsRetry(
            f"Teams refuses the bot's token (401{f' {code}' if code.isalnum() else ''}): "
            "check the application id, its secret, its tenant and its registration with Teams"
        )

    async def _request(
        self, method: str, url: str, body: bytes | None, token: str
    ) -> tuple[int, Any, bytes]:
        try:
            async with self._session.request(
                method,
                _parsed(url),
                data=body,
                headers=self._headers(token),
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                return response.status, response.headers, await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise connection_error(error) from None

    async def _token(self) -> str:
        if self._config.unauthenticated:
            return ""
        try:
            return await self._tokens.token()
        except EntraError as error:
            raise TeamsRetry(f"no token for Teams: {error}") from None

    def _headers(self, token: str) -> dict[str, str]:
        cached_for, headers = self._headers_of
        if not headers or cached_for != token:
            headers = {"Content-Type": "application/json; charset=utf-8"}
            if token:
                headers["Authorization"] = f"Bearer {token}"
            self._headers_of = (token, headers)
        return headers


@lru_cache(maxsize=1024)  # the same conversations are written to again and again
def _parsed(url: str) -> URL:
    # encoded=True: a conversation id must stay percent-encoded, aiohttp would decode it.
    return URL(url, encoded=True)


def _object(raw: bytes) -> Json:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise TeamsRefused("Teams answered something that is not a JSON object")
    return value


def _id(raw: bytes) -> str:
    """The id in an answer. A message without one is delivered all the same: no error."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        value = None
    id_ = value.get("id") if isinstance(value, dict) else None
    if isinstance(id_, str) and id_:
        return id_
    log.warning("Teams took a message and gave it no id: it cannot be updated later")
    return ""

"""The Bot Connector's messages: create conversations, post, reply, update, delete.

https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from aiohttp import web

from adapters.sandbox.teams import refusals
from adapters.sandbox.teams.changes import Changes
from adapters.sandbox.teams.conversations import Conversation
from adapters.sandbox.teams.gate import Gate
from adapters.sandbox.teams.messages import ADAPTIVE_CARD, Message
from adapters.sandbox.teams.world import World

Json = dict[str, Any]

# Documented as about 100 KB, counted as UTF-16; up to 80 KB is guaranteed to pass, so the sandbox
# refuses what is not guaranteed.
# https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages
MESSAGE_LIMIT_BYTES = 80 * 1024


class Connector:
    """Takes what the bot sends.

    Attributes:
        message_limit_bytes: Largest activity, counted as UTF-16.
    """

    def __init__(
        self, world: World, gate: Gate, clock: Callable[[], datetime], changes: Changes
    ) -> None:
        self._world = world
        self._gate = gate
        self._clock = clock
        self._changes = changes
        self.message_limit_bytes = MESSAGE_LIMIT_BYTES

    def routes(self, base: str) -> list[web.RouteDef]:
        """The message operations below the service URL's path."""
        conversation = base + "v3/conversations/{conversation_id}"
        activity = conversation + "/activities/{activity_id}"
        return [
            web.post(base + "v3/conversations", self._create),
            web.post(conversation + "/activities", self._send),
            web.post(activity, self._reply),
            web.put(activity, self._update),
            web.delete(activity, self._delete),
        ]

    async def _create(self, request: web.Request) -> web.Response:
        self._gate.authorize(request)
        body = await self._object(request)
        members = body.get("members") or []
        channel_data = body.get("channelData") or {}
        channel_id = (channel_data.get("channel") or {}).get("id")
        if channel_id:
            return self._new_thread(channel_id, body.get("activity"))
        if body.get("isGroup") or len(members) != 1:
            raise refusals.bad_argument("A bot can only create one-on-one conversations.")
        if not (body.get("tenantId") or (channel_data.get("tenant") or {}).get("id")):
            raise refusals.bad_argument("The tenant id is missing.")
        person = self._world.find_person(str(members[0].get("id") or ""))
        self._gate.limit("create", person.id if person else "nobody")
        if person is None:
            raise refusals.bad_argument("Failed to decrypt pairwise id")
        chat = self._world.personal_chat(person)
        if chat.blocked:
            raise refusals.blocked()
        if not chat.installed:
            raise refusals.not_installed()
        created: Json = {"id": chat.id}
        if body.get("activity"):
            created["activityId"] = self._post(chat, body["activity"], None)
        return web.json_response(created, status=201)

    def _new_thread(self, channel_id: str, activity: Any) -> web.Response:
        self._gate.limit("create", channel_id)
        channel, _ = self._world.find_conversation(channel_id)
        if channel is None:
            raise refusals.no_conversation()
        if not channel.bot_is_in:
            raise refusals.not_in_roster()
        if not isinstance(activity, dict):
            raise refusals.bad_syntax("Incorrect conversation creation parameters")
        activity_id = self._post(channel, activity, None)
        thread = f"{channel.id};messageid={activity_id}"
        return web.json_response({"id": thread, "activityId": activity_id}, status=201)

    async def _send(self, request: web.Request) -> web.Response:
        conversation, root_id = self._gate.enter(request, "send")
        body = await self._object(request)
        root = self._existing(conversation, root_id) if root_id else None
        return web.json_response({"id": self._post(conversation, body, root)}, status=201)

    async def _reply(self, request: web.Request) -> web.Response:
        conversation, _ = self._gate.enter(request, "send")
        body = await self._object(request)
        answered = self._existing(conversation, request.match_info["activity_id"])
        return web.json_response({"id": self._post(conversation, body, answered)}, status=201)

    async def _update(self, request: web.Request) -> web.Response:
        conversation, _ = self._gate.enter(request, "send")
        body = _checked(await self._object(request))
        message = self._own(conversation, request.match_info["activity_id"])
        if body["type"] != "message":
            raise refusals.bad_argument("Only messages can be updated.")
        message.versions.append(body)
        message.personal_cards.clear()
        self._changes.tell()
        return web.json_response({"id": message.activity_id})

    async def _delete(self, request: web.Request) -> web.Response:
        conversation, _ = self._gate.enter(request, "send")
        self._own(conversation, request.match_info["activity_id"]).deleted = True
        self._changes.tell()
        return web.Response()

    def _post(self, conversation: Conversation, body: Any, root: Message | None) -> str:
        """Put the bot's activity into the conversation and return its id."""
        activity = _checked(body)
        now = self._clock()
        if activity["type"] == "typing":
            conversation.typing.append(now)
            self._changes.tell()
            return self._world.new_activity_id(now)
        message = self._world.post(conversation, activity, author=None, now=now, root=root)
        self._changes.tell()
        return message.activity_id

    def _existing(self, conversation: Conversation, activity_id: str) -> Message:
        message = conversation.message(activity_id)
        if message is None:
            raise refusals.no_activity()
        return message

    def _own(self, conversation: Conversation, activity_id: str) -> Message:
        message = self._existing(conversation, activity_id)
        if not message.from_bot:
            raise refusals.not_yours()
        return message

    async def _object(self, request: web.Request) -> Json:
        raw = await request.read()
        try:
            text = raw.decode("utf-8")
            body = json.loads(text)
        except ValueError as error:
            raise refusals.bad_syntax("The body is not JSON.") from error
        if len(text.encode("utf-16-le")) > self.message_limit_bytes:
            raise refusals.too_big()
        if not isinstance(body, dict):
            raise refusals.bad_syntax("The body is not a JSON object.")
        return body


def _checked(activity: Any) -> Json:
    if not isinstance(activity, dict) or not activity.get("type"):
        raise refusals.bad_syntax("The activity has no type.")
    if activity["type"] == "typing":
        return activity
    if activity["type"] != "message":
        raise refusals.bad_argument(f"Unknown activity type {activity['type']}.")
    attachments = activity.get("attachments") or []
    if not isinstance(attachments, list) or not (activity.get("text") or attachments):
        raise refusals.bad_syntax("The message has neither text nor attachments.")
    for attachment in attachments:
        if not isinstance(attachment, dict) or not attachment.get("contentType"):
            raise refusals.bad_syntax("An attachment has no contentType.")
        content = attachment.get("content")
        is_card = isinstance(content, dict) and content.get("type") == "AdaptiveCard"
        if attachment["contentType"] == ADAPTIVE_CARD and not is_card:
            raise refusals.bad_syntax("The content of the attachment is not an Adaptive Card.")
    return activity

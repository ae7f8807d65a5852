"""The activities that Teams sends to a bot. Pure: places and people in, JSON out.

Shapes: https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/subscribe-to-conversation-events,
…/conversations/conversation-messages and https://learn.microsoft.com/adaptive-cards/authoring-cards/universal-action-model
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any, Literal

from adapters.sandbox.teams.conversations import Conversation, Team
from adapters.sandbox.teams.people import TeamsPerson

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bot:
    """The bot's account in the channel."""

    app_id: str
    name: str

    @property
    def id(self) -> str:
        """The id the channel gives it, `28:` and the app's id."""
        return f"28:{self.app_id}"

    @property
    def mark(self) -> str:
        """How a message marks its mention."""
        return f"<at>{self.name}</at>"


@dataclass(frozen=True, slots=True)
class Occasion:
    """What all activities carry: which, when, from whom, through which connector, to which bot."""

    activity_id: str
    at: datetime
    service_url: str
    bot: Bot
    person: TeamsPerson


def message(
    occasion: Occasion,
    conversation: Conversation,
    text: str,
    *,
    root_id: str = "",
    reply_to_id: str = "",
) -> Json:
    """A person's message. Where `text` marks the bot, the mention's entity goes with it."""
    bot = occasion.bot
    activity = _activity("message", occasion, conversation, root_id)
    activity |= {
        "textFormat": "plain",
        "text": text,
        # Teams sends the formatted text along, though nobody attached anything.
        "attachments": [{"contentType": "text/html", "content": _html(text, bot)}],
    }
    if bot.mark in text:
        mention = {
            "type": "mention",
            "mentioned": {"id": bot.id, "name": bot.name},
            "text": bot.mark,
        }
        activity["entities"] = [mention, *activity["entities"]]
    if reply_to_id:
        activity["replyToId"] = reply_to_id
    return activity


def message_update(
    occasion: Occasion, conversation: Conversation, text: str, *, root_id: str = ""
) -> Json:
    """A person edited a message; the activity has the message's own id and all of its new text."""
    activity = message(occasion, conversation, text, root_id=root_id)
    activity["type"] = "messageUpdate"
    activity["channelData"]["eventType"] = "editMessage"
    return activity


def message_delete(occasion: Occasion, conversation: Conversation, *, root_id: str = "") -> Json:
    """A person took a message back."""
    activity = _activity("messageDelete", occasion, conversation, root_id)
    activity["channelData"]["eventType"] = "softDeleteMessage"
    return activity


def card_message(
    occasion: Occasion,
    conversation: Conversation,
    value: Any,
    *,
    root_id: str,
    reply_to_id: str,
    text: str = "",
) -> Json:
    """An Action.Submit: a message with a value and, except for messageBack, without a text."""
    activity = _activity("message", occasion, conversation, root_id)
    activity |= {"value": value, "replyToId": reply_to_id}
    if text:
        activity |= {"text": text, "textFormat": "plain"}
    return activity


def invoke(
    occasion: Occasion,
    conversation: Conversation,
    name: str,
    value: Any,
    *,
    root_id: str = "",
    reply_to_id: str = "",
) -> Json:
    """An invoke of any name: the HTTP answer is what the person sees."""
    activity = _activity("invoke", occasion, conversation, root_id)
    activity |= {"name": name, "value": value}
    if reply_to_id:
        activity["replyToId"] = reply_to_id
    return activity


def execute_value(action: Mapping[str, Any], data: Any, trigger: str = "manual") -> Json:
    """The value of an `adaptiveCard/action` invoke."""
    return {
        "action": {
            "type": "Action.Execute",
            "title": action.get("title", ""),
            "id": action.get("id", ""),
            "verb": action.get("verb", ""),
            "data": data,
        },
        "trigger": trigger,
    }


def reaction(
    occasion: Occasion,
    conversation: Conversation,
    kind: str,
    *,
    added: bool,
    root_id: str,
    reply_to_id: str,
) -> Json:
    """A person put a reaction on a message of the bot, or took it off."""
    activity = _activity("messageReaction", occasion, conversation, root_id)
    activity["reactionsAdded" if added else "reactionsRemoved"] = [{"type": kind}]
    activity["replyToId"] = reply_to_id
    return activity


def members_changed(
    occasion: Occasion,
    conversation: Conversation,
    members: Sequence[TeamsPerson | Bot],
    *,
    added: bool,
) -> Json:
    """People or the bot joined or left."""
    activity = _activity("conversationUpdate", occasion, conversation)
    activity["membersAdded" if added else "membersRemoved"] = [_member(m) for m in members]
    if conversation.kind == "channel":
        activity["channelData"]["eventType"] = "teamMemberAdded" if added else "teamMemberRemoved"
    return activity


def channel_changed(
    occasion: Occasion,
    channel: Conversation,
    event: Literal["channelCreated", "channelRenamed", "channelDeleted"],
) -> Json:
    """A channel came, went or has another name. Told in the team's General channel."""
    assert channel.team is not None
    activity = _activity("conversationUpdate", occasion, channel.team.general)
    activity["channelData"] |= {
        "eventType": event,
        "channel": {"id": channel.id, "name": channel.name, "type": channel.channel_kind},
    }
    return activity


def team_changed(
    occasion: Occasion, team: Team, event: Literal["teamRenamed", "teamDeleted"]
) -> Json:
    """The team has another name, or is gone."""
    activity = _activity("conversationUpdate", occasion, team.general)
    activity["channelData"]["eventType"] = event
    return activity


def installation_update(
    occasion: Occasion, conversation: Conversation, action: Literal["add", "remove"]
) -> Json:
    """The app was added or removed."""
    activity = _activity("installationUpdate", occasion, conversation)
    activity["action"] = action
    activity["channelData"]["source"] = {"name": "message"}
    if conversation.kind == "channel" and action == "add":
        activity["channelData"]["settings"] = {"selectedChannel": {"id": conversation.id}}
    return activity


def _activity(kind: str, occasion: Occasion, conversation: Conversation, root_id: str = "") -> Json:
    person, at = occasion.person, occasion.at
    local = person.local_time(at)
    return {
        "type": kind,
        "id": occasion.activity_id,
        "timestamp": at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z",
        "localTimestamp": local.isoformat(timespec="milliseconds"),
        "localTimezone": person.time_zone,
        "channelId": "msteams",
        "serviceUrl": occasion.service_url,
        "from": {
            "id": person.id,
            "name": person.display_name,
            "aadObjectId": person.object_id,
        },
        "conversation": _conversation(conversation, root_id),
        "recipient": {"id": occasion.bot.id, "name": occasion.bot.name},
        "locale": "en-GB",
        "entities": [
            {
                "type": "clientInfo",
                "locale": "en-GB",
                "country": "GB",
                "platform": "Windows",
                "timezone": person.time_zone,
            }
        ],
        "channelData": _channel_data(conversation, person),
    }


def _conversation(conversation: Conversation, root_id: str) -> Json:
    conversation_id = conversation.id
    if conversation.kind == "channel" and root_id:
        conversation_id += f";messageid={root_id}"
    reference: Json = {
        "conversationType": conversation.kind,
        "tenantId": conversation.tenant_id,
        "id": conversation_id,
    }
    if conversation.kind != "personal":
        reference["isGroup"] = True
    return reference


def _channel_data(conversation: Conversation, person: TeamsPerson) -> Json:
    data: Json = {"tenant": {"id": person.tenant_id}}
    team = conversation.team
    if team is not None:
        data["team"] = {"id": team.id, "name": team.name, "aadGroupId": team.group_id}
        data["channel"] = {"id": conversation.id, "type": conversation.channel_kind}
        data["teamsTeamId"], data["teamsChannelId"] = team.id, conversation.id
    return data


def _member(member: TeamsPerson | Bot) -> Json:
    if isinstance(member, Bot):
        return {"id": member.id}
    return {"id": member.id, "aadObjectId": member.object_id}


def _html(text: str, bot: Bot) -> str:
    marked = (
        f'<span itemscope="" itemtype="http://schema.skype.com/Mention">{escape(bot.name)}</span>'
    )
    return f"<div><p>{escape(text).replace(escape(bot.mark), marked)}</p></div>"

"""An activity's JSON becomes one event, or nothing. Pure; it knows no SDK.

https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/subscribe-to-conversation-events
"""

import hashlib
import json
from dataclasses import replace

from adapters.teams.fields import BadActivity, nested, objects, required_text, text
from adapters.teams.places import conversation_of, tenants_of, thread_of, user_of
from bot.teams_model import (
    BotInstalled,
    BotRemoved,
    CardActionPressed,
    Conversation,
    ConversationChanged,
    Json,
    LinkPasted,
    MembersChanged,
    MessageReceived,
    TeamsEvent,
    TeamsUser,
)

CARD_ACTION = "adaptiveCard/action"
QUERY_LINK = "composeExtension/queryLink"

# channelData.eventType: what the bot is told, and what it means for us.
_CHANGES = {
    "channelCreated": "channelCreated",
    "channelRenamed": "channelRenamed",
    "channelDeleted": "channelDeleted",
    "channelRestored": "channelRestored",
    "teamRenamed": "teamRenamed",
    "teamDeleted": "teamDeleted",
    "teamHardDeleted": "teamDeleted",
    "teamArchived": "teamArchived",
    "teamUnarchived": "teamUnarchived",
    "teamRestored": "teamUnarchived",
}


def event_of(activity: Json) -> TeamsEvent | None:
    """The event that an activity tells of; None for what does not concern the bot.

    Raises:
        BadActivity: a field is missing or has the wrong type.
    """
    kind = required_text(activity, "type")
    if kind == "message":
        return _message(activity)
    if kind == "messageUpdate":
        return _edited(activity)
    if kind == "invoke":
        is_press = text(activity, "name") == CARD_ACTION
        return _executed(activity) if is_press else None
    if kind == "installationUpdate":
        return _installation(activity)
    if kind == "conversationUpdate":
        return _conversation_update(activity)
    return None


def link_of(activity: Json) -> LinkPasted | None:
    """The address that a preview is asked for; None for any other activity.

    https://learn.microsoft.com/microsoftteams/platform/messaging-extensions/how-to/link-unfurling

    Raises:
        BadActivity: a field is missing or has the wrong type.
    """
    if text(activity, "type") != "invoke" or text(activity, "name") != QUERY_LINK:
        return None
    conversation = conversation_of(activity)
    url = required_text(nested(activity, "value"), "url", "value.")
    return LinkPasted(conversation, _sender(activity, conversation, is_required=True), url)


def _message(activity: Json) -> TeamsEvent:
    said = text(activity, "text")
    value = activity.get("value")
    if isinstance(value, dict) and not said.strip():
        return _submitted(activity, value)
    conversation = conversation_of(activity)
    return MessageReceived(
        activity_id=required_text(activity, "id"),
        conversation=conversation,
        sender=_sender(activity, conversation, is_required=True),
        text=_without_mention(activity, said),
        thread_id=thread_of(activity, conversation),
        timezone=_timezone(activity),
    )


def _edited(activity: Json) -> TeamsEvent | None:
    """Edits count; the other update is "undeleted", which asks for nothing new."""
    if text(nested(activity, "channelData"), "eventType", "channelData.") != "editMessage":
        return None
    event = _message(activity)
    return replace(event, is_edit=True) if isinstance(event, MessageReceived) else None


def _submitted(activity: Json, value: Json) -> CardActionPressed:
    """Action.Submit: a message without text, with the button's data and the inputs as value."""
    return _press(activity, verb=text(value, "verb", "value."), data=value, trigger="manual")


def _executed(activity: Json) -> CardActionPressed:
    """Action.Execute (https://learn.microsoft.com/adaptive-cards/authoring-cards/universal-action-model)."""
    value = activity.get("value")
    if not isinstance(value, dict):
        raise BadActivity("value is missing")
    action = value.get("action")
    if not isinstance(action, dict):
        raise BadActivity("value.action is missing")
    if text(action, "type", "value.action.") != "Action.Execute":
        raise BadActivity("value.action.type is not Action.Execute")
    return _press(
        activity,
        verb=text(action, "verb", "value.action."),
        data=nested(action, "data", "value.action."),
        trigger=text(value, "trigger", "value.") or "manual",
    )


def _press(activity: Json, *, verb: str, data: Json, trigger: str) -> CardActionPressed:
    conversation = conversation_of(activity)
    return CardActionPressed(
        activity_id=required_text(activity, "id"),
        conversation=conversation,
        sender=_sender(activity, conversation, is_required=True),
        verb=verb,
        data=data,
        message_id=text(activity, "replyToId"),
        thread_id=thread_of(activity, conversation),
        trigger=trigger,
    )


def _installation(activity: Json) -> TeamsEvent | None:
    action = text(activity, "action")
    if action.startswith("add"):  # add, add-upgrade
        return _installed(activity)
    if action.startswith("remove"):  # remove, remove-upgrade
        return _removed(activity)
    return None


def _conversation_update(activity: Json) -> TeamsEvent | None:
    added, removed = objects(activity, "membersAdded"), objects(activity, "membersRemoved")
    bot = _bot_id(activity)
    if any(member.get("id") == bot for member in added):
        return _installed(activity)
    if any(member.get("id") == bot for member in removed):
        return _removed(activity)
    if added or removed:
        conversation = conversation_of(activity)
        tenant = conversation.tenant_id
        return MembersChanged(
            activity_id=_event_id(activity),
            conversation=conversation,
            sender=_sender(activity, conversation),
            added=tuple(user_of(member, tenant, "membersAdded.") for member in added),
            removed=tuple(user_of(member, tenant, "membersRemoved.") for member in removed),
        )
    return _changed(activity)


def _installed(activity: Json) -> BotInstalled:
    conversation = conversation_of(activity)
    settings = nested(nested(activity, "channelData"), "settings", "channelData.")
    chosen = text(nested(settings, "selectedChannel", "channelData.settings."), "id")
    if chosen:  # the channel that was chosen when the app was added to the team
        conversation = replace(conversation, id=chosen, channel_id=chosen)
    return BotInstalled(_event_id(activity), conversation, _sender(activity, conversation))


def _removed(activity: Json) -> BotRemoved:
    conversation = conversation_of(activity)
    return BotRemoved(_event_id(activity), conversation, _sender(activity, conversation))


def _changed(activity: Json) -> ConversationChanged | None:
    data = nested(activity, "channelData")
    change = _CHANGES.get(text(data, "eventType", "channelData."))
    if change is None:
        return None
    conversation = conversation_of(activity)
    subject = "channel" if change.startswith("channel") else "team"
    name = text(nested(data, subject, "channelData."), "name", f"channelData.{subject}.")
    if subject == "channel":
        # Told in the team's General channel; the channel that changed is the one in channelData.
        conversation = replace(conversation, id=conversation.channel_id)
    return ConversationChanged(
        _event_id(activity), conversation, _sender(activity, conversation), change, name
    )


def _sender(activity: Json, conversation: Conversation, *, is_required: bool = False) -> TeamsUser:
    account = nested(activity, "from")
    if is_required:
        required_text(account, "id", "from.")
    return user_of(account, tenants_of(activity)[-1], "from.")


def _bot_id(activity: Json) -> str:
    return required_text(nested(activity, "recipient"), "id", "recipient.")


def _event_id(activity: Json) -> str:
    """The activity's id; one without gets its content's hash, so that a repetition is known."""
    told = text(activity, "id")
    if told:
        return told
    content = json.dumps(activity, sort_keys=True, separators=(",", ":")).encode()
    return f"content:{hashlib.sha256(content).hexdigest()}"


def _without_mention(activity: Json, said: str) -> str:
    """The text without the bot's mention, found by the entity's exact text, once per entity."""
    bot = text(nested(activity, "recipient"), "id", "recipient.")
    for entity in objects(activity, "entities"):
        if text(entity, "type", "entities.") != "mention":
            continue
        mentioned = nested(entity, "mentioned", "entities.")
        mark = text(entity, "text", "entities.")
        if bot and mentioned.get("id") == bot and mark:
            said = said.replace(mark, "", 1)
    return said


def _timezone(activity: Json) -> str:
    for entity in objects(activity, "entities"):
        if entity.get("type") == "clientInfo" and (zone := text(entity, "timezone", "entities.")):
            return zone
    return text(activity, "localTimezone")

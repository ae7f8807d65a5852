"""Where an activity happened and who did it, from its JSON."""

from adapters.teams.fields import nested, required_text, text
from bot.teams_model import Conversation, ConversationKind, Json, TeamsUser

MESSAGE_ID_MARK = ";messageid="


def split_conversation_id(conversation_id: str) -> tuple[str, str]:
    """A channel's conversation id without ``;messageid=``, and the thread's first message."""
    channel, _, thread = conversation_id.partition(MESSAGE_ID_MARK)
    return channel, thread


def conversation_of(activity: Json) -> Conversation:
    """The conversation of an activity, channel and team by ``channelData``.

    https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/conversation-messages#teams-channel-data
    """
    told = nested(activity, "conversation")
    data = nested(activity, "channelData")
    team = nested(data, "team", "channelData.")
    channel = nested(data, "channel", "channelData.")
    id_, _ = split_conversation_id(required_text(told, "id", "conversation."))
    kind = _kind(text(told, "conversationType", "conversation."), id_, in_team=bool(team))
    is_channel = kind is ConversationKind.CHANNEL
    name = text(channel, "name", "channelData.channel.") if is_channel else ""
    return Conversation(
        id=id_,
        kind=kind,
        service_url=required_text(activity, "serviceUrl"),
        tenant_id=tenants_of(activity)[0],
        name=name or text(told, "name", "conversation."),
        team_id=text(team, "id", "channelData.team.") if is_channel else "",
        team_name=text(team, "name", "channelData.team.") if is_channel else "",
        channel_id=(text(channel, "id", "channelData.channel.") or id_) if is_channel else "",
    )


def is_channel(activity: Json) -> bool:
    """Whether it happened in a channel of a team, by what Teams says outright.

    Raises:
        BadActivity: a field has the wrong type.
    """
    told = text(nested(activity, "conversation"), "conversationType", "conversation.")
    return told.lower() == ConversationKind.CHANNEL.value.lower()


def tenants_of(activity: Json) -> tuple[str, ...]:
    """Every tenant that the activity names, the conversation's first; ("",) when none is.

    The other one is that of the writer, who may come from elsewhere in a shared channel.
    """
    data = nested(activity, "channelData")
    named = (
        text(nested(activity, "conversation"), "tenantId", "conversation."),
        text(nested(data, "tenant", "channelData."), "id", "channelData.tenant."),
    )
    return tuple(tenant for tenant in named if tenant) or ("",)


def thread_of(activity: Json, conversation: Conversation) -> str:
    """The activity id of the thread's first message; only channels have threads."""
    if conversation.kind is not ConversationKind.CHANNEL:
        return ""
    return split_conversation_id(text(nested(activity, "conversation"), "id"))[1]


def user_of(account: Json, tenant_id: str, path: str) -> TeamsUser:
    """A channel account as a user. Teams' rosters have more of these fields than its activities.

    https://learn.microsoft.com/microsoftteams/platform/bots/how-to/get-teams-context
    """
    principal = text(account, "userPrincipalName", path)
    # A guest's principal name is mangled and belongs to the host; the mail is the person's.
    is_guest = text(account, "userRole", path) == "guest" or "#ext#" in principal.lower()
    mail = text(account, "email", path)
    return TeamsUser(
        id=text(account, "id", path),
        name=text(account, "name", path),
        aad_object_id=text(account, "aadObjectId", path) or text(account, "objectId", path),
        mail=(mail or principal) if is_guest else (principal or mail),
        tenant_id=text(account, "tenantId", path) or tenant_id,
        is_guest=is_guest,
    )


def _kind(told: str, id_: str, *, in_team: bool) -> ConversationKind:
    for kind in ConversationKind:
        if told.lower() == kind.value.lower():
            return kind
    # Older clients leave the type out in personal chats.
    if in_team:
        return ConversationKind.CHANNEL
    return ConversationKind.GROUP if id_.startswith("19:") else ConversationKind.PERSONAL

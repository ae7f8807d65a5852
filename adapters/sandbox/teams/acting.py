"""What people do in Teams: write, edit, press buttons, react."""

from collections.abc import Mapping
from typing import Any

from adapters.sandbox.teams import activities
from adapters.sandbox.teams.card_actions import find_action, input_values
from adapters.sandbox.teams.conversations import Conversation
from adapters.sandbox.teams.messages import Message
from adapters.sandbox.teams.people import TeamsPerson
from adapters.sandbox.teams.posting import BotAnswer, TeamsChannel


class ActingPeople(TeamsChannel):
    """Each act changes the conversation and tells the bot; the answer is the bot's over HTTP."""

    async def say(
        self,
        person: TeamsPerson,
        conversation: Conversation,
        text: str,
        *,
        mention: bool | None = None,
        reply_to: Message | None = None,
    ) -> BotAnswer:
        """Write a message.

        Args:
            person: Who writes.
            conversation: Where; a channel without `reply_to` gets a new root post.
            text: Sent as it is, so that HTML or no-break spaces can be tried. `<at>BOT</at>` in it
                is the mention; otherwise the mention is put before it.
            mention: Mention the bot; by default everywhere but in personal chats. Without it Teams
                shows a channel's or group's message and does not send it to the bot (attempts 0).
            reply_to: The message whose thread is written in.
        """
        mentions = conversation.kind != "personal" if mention is None else mention
        said = text if not mentions or self.bot.mark in text else f"{self.bot.mark} {text}"
        activity_id = self.world.new_activity_id(self._clock())
        root = (reply_to.root or reply_to) if reply_to else None
        activity = activities.message(
            self.occasion(person, activity_id),
            conversation,
            said,
            root_id=root.activity_id if root else activity_id,
            reply_to_id=reply_to.activity_id if reply_to else "",
        )
        message = self.world.post(
            conversation,
            activity,
            author=person,
            now=self._clock(),
            activity_id=activity_id,
            root=root,
        )
        self.changes.tell()
        heard = conversation.kind == "personal" or self.bot.mark in said
        if not heard or not conversation.bot_is_in:
            why = "Teams does not send this message to the bot"
            return BotAnswer(None, None, activity, 0, why, message)
        return await self.deliver(activity, message)

    async def edit_message(self, person: TeamsPerson, message: Message, text: str) -> BotAnswer:
        """Change the text of one's own message; the mention stays as it was."""
        keeps_mention = self.bot.mark in message.text and self.bot.mark not in text
        activity = activities.message_update(
            self.occasion(person, message.activity_id),
            message.conversation,
            f"{self.bot.mark} {text}" if keeps_mention else text,
            root_id=_root_id(message),
        )
        message.versions.append(activity)
        self.changes.tell()
        return await self.deliver(activity, message)

    async def delete_message(self, person: TeamsPerson, message: Message) -> BotAnswer:
        """Take one's own message back."""
        message.deleted = True
        self.changes.tell()
        activity = activities.message_delete(
            self.occasion(person, message.activity_id),
            message.conversation,
            root_id=_root_id(message),
        )
        return await self.deliver(activity, message)

    async def press(
        self,
        person: TeamsPerson,
        message: Message,
        action_title_or_verb: str,
        inputs: Mapping[str, str] | None = None,
    ) -> BotAnswer:
        """Press a button of the card as this person sees it.

        Args:
            person: Who presses.
            message: The message with the card.
            action_title_or_verb: Names the action by its title, verb or id.
            inputs: What the person filled in; the other inputs have the card's values.

        Raises:
            LookupError: If there is no such button or input (the error names those there are).
            ValueError: If the button does not go to the bot (it opens a link, for example).
        """
        card = message.card_for(person)
        if card is None:
            raise LookupError(f"{message!r} has no card")
        action = find_action(card, action_title_or_verb)
        data = _with_inputs(action, input_values(card, inputs or {}))
        if action["type"] == "Action.Execute":
            value = activities.execute_value(action, data)
            answer = await self.invoke(person, message, "adaptiveCard/action", value)
            if answer.card is not None:
                message.personal_cards[person.id] = answer.card
                self.changes.tell()
            return answer
        if action["type"] == "Action.Submit":
            return await self._submit(person, message, data)
        raise ValueError(f"{action.get('title')!r} is {action['type']}: the bot hears nothing")

    async def invoke(
        self, person: TeamsPerson, where: Message | Conversation, name: str, value: Any
    ) -> BotAnswer:
        """Send an invoke of any name and value, from a message or a conversation."""
        message = where if isinstance(where, Message) else None
        conversation = where.conversation if isinstance(where, Message) else where
        activity = activities.invoke(
            self.occasion(person),
            conversation,
            name,
            value,
            root_id=_root_id(message) if message else "",
            reply_to_id=message.activity_id if message else "",
        )
        return await self.deliver(activity, message)

    async def paste_link(self, person: TeamsPerson, where: Conversation, url: str) -> BotAnswer:
        """Paste an address into a message that is being written, on a domain of the app."""
        return await self.invoke(person, where, "composeExtension/queryLink", {"url": url})

    async def react(
        self, person: TeamsPerson, message: Message, kind: str = "like", *, added: bool = True
    ) -> BotAnswer:
        """Put a reaction on a message (`like`, `heart`, `laugh`, `surprised`, …) or take it off."""
        if added:
            message.reactions.append((person, kind))
        else:
            message.reactions.remove((person, kind))
        self.changes.tell()
        activity = activities.reaction(
            self.occasion(person),
            message.conversation,
            kind,
            added=added,
            root_id=_root_id(message),
            reply_to_id=message.activity_id,
        )
        return await self.deliver(activity, message)

    async def _submit(self, person: TeamsPerson, message: Message, data: Any) -> BotAnswer:
        """Press an Action.Submit, whose data may ask Teams for more than a value.

        https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-actions
        """
        asked = data.get("msteams") if isinstance(data, dict) else None
        behaviour = asked if isinstance(asked, dict) else {}
        kind = behaviour.get("type")
        if kind == "imBack":
            root = message if message.conversation.kind == "channel" else None
            text = str(behaviour["value"])
            return await self.say(person, message.conversation, text, reply_to=root)
        if kind not in (None, "messageBack"):
            raise ValueError(f"the sandbox Teams does not know Action.Submit of type {kind}")
        activity = activities.card_message(
            self.occasion(person, self.world.new_activity_id(self._clock())),
            message.conversation,
            behaviour.get("value", data) if kind else data,
            root_id=_root_id(message),
            reply_to_id=message.activity_id,
            text=str(behaviour.get("text") or "") if kind else "",
        )
        return await self.deliver(activity, message)


def _root_id(message: Message) -> str:
    return (message.root or message).activity_id


def _with_inputs(action: Mapping[str, Any], inputs: Mapping[str, str]) -> Any:
    """The action's data with the inputs in it; data that is a text stays as it is."""
    data = action.get("data")
    if action.get("associatedInputs") == "none":
        return data if data is not None else {}
    if isinstance(data, dict) or data is None:
        return {**(data or {}), **inputs}
    return data

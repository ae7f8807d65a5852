"""The bodies of answers to invokes: what the person who pressed sees.

https://learn.microsoft.com/adaptive-cards/authoring-cards/universal-action-model
https://learn.microsoft.com/microsoftteams/platform/messaging-extensions/how-to/action-commands/respond-to-task-module-submit
"""

from bot.teams_model import ActionAnswer, Json, OutgoingMessage

CARD = "application/vnd.microsoft.card.adaptive"
MESSAGE = "application/vnd.microsoft.activity.message"
ERROR = "application/vnd.microsoft.error"

RECEIVED = "Received."
FAILED = "Pullcord could not do this: something went wrong, and it is in the log. Please try again."
NOT_OFFERED = "Pullcord does not offer this."


def card_answer(answer: ActionAnswer | None) -> Json:
    """The answer to a pressed button; a card in place of the old one goes before a message."""
    if answer is not None and answer.card is not None:
        return {"statusCode": 200, "type": CARD, "value": answer.card}
    return _message(answer.message if answer is not None and answer.message else RECEIVED)


def failed_answer() -> Json:
    """Something broke. Any error status would make Teams say only "Something went wrong"."""
    return _message(FAILED)


def malformed_answer(reason: str) -> Json:
    """The button's value is not what Teams sends."""
    error = {"code": "BadRequest", "message": reason}
    return {"statusCode": 400, "type": ERROR, "value": error}


def preview_answer(message: OutgoingMessage | None) -> Json:
    """The preview of a pasted address; nothing when there is none.

    https://learn.microsoft.com/microsoftteams/platform/messaging-extensions/how-to/link-unfurling
    """
    if message is None or message.card is None:
        return {}
    thumbnail = {
        "contentType": "application/vnd.microsoft.card.thumbnail",
        "content": {"title": message.summary},
    }
    attachment = {"contentType": CARD, "content": message.card, "preview": thumbnail}
    result = {"type": "result", "attachmentLayout": "list", "attachments": [attachment]}
    return {"composeExtension": result}


def not_offered_answer(name: str) -> Json:
    """An invoke that Pullcord has no use for: a message where Teams shows one, else nothing."""
    if name in ("task/fetch", "task/submit", "composeExtension/fetchTask"):
        return {"task": {"type": "message", "value": NOT_OFFERED}}
    if name.startswith("composeExtension/"):
        return {"composeExtension": {"type": "message", "text": NOT_OFFERED}}
    return {}


def _message(words: str) -> Json:
    return {"statusCode": 200, "type": MESSAGE, "value": words}

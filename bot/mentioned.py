"""People whom a comment mentions and whom Pullcord has not met yet: asked for, so that they hear.

A mention is an identity's id. Who has not written, voted or been asked for a review before is known
by nothing else.
"""

import logging

from sqlmodel import Session

from bot.log_text import log_safe
from bot.model import Comment
from bot.notices.texts import mentioned
from bot.ports import AzureDevOpsError
from bot.recorded_rows import keep_identity, storable
from bot.services import Services
from bot.workflows.side_by_side import within
from storage.queries import identities

log = logging.getLogger(__name__)

MOST_ASKED = 20
ASK_S = 2.0


async def learn_mentioned(services: Services, connection: str, comment: Comment) -> None:
    """Ask for those who are not known; without an answer the comment is told without them."""
    named = mentioned(comment.text)
    if not named or comment.is_system or comment.is_deleted:
        return
    known = await services.db.read(lambda s: identities.known(s, connection, named))
    asked = sorted(named - known)[:MOST_ASKED]
    if not asked:
        return
    try:
        azure = await services.azure_devops(connection)
        found = await within(ASK_S, azure.identities(asked))
    except AzureDevOpsError as error:
        log.info("mentioned people not looked up: %s", log_safe(str(error)))
        return
    now = services.clock()

    def keep(session: Session) -> None:
        for identity in found:
            keep_identity(session, connection, storable(identity), now=now)

    await services.db.write(keep)

"""``use REPO``: the repository that commands here mean when they name none."""

from sqlmodel import Session

from bot.cards.answers import command_button, escape, text_card
from bot.commands.choosing import load_known
from bot.commands.command import Command, CommandRefused, Invocation, Reply, UsageError
from bot.commands.text import split_words
from bot.identities import actor_of
from bot.repository_names import named, nearest, short_names
from bot.usual_repository import usual_here
from storage import audit
from storage.queries import conversations

NONE = "none"
TITLE = "Repository of this conversation"


def parse(arguments: str) -> str:
    """A repository's name, or ``none``.

    Raises:
        UsageError: If nothing is named.
    """
    name = " ".join(word.text for word in split_words(arguments))
    if not name:
        raise UsageError("Say which repository.")
    return name


async def run(invocation: Invocation, name: str) -> Reply:
    """Remember the repository for this conversation."""
    if name.casefold() == NONE:
        await _set(invocation, "", "")
        button = command_button("What is there?", "repositories")
        return Reply((text_card(TITLE, [escape(await _left(invocation))], [button]),))
    known = await load_known(invocation)
    rows = named(name, known.repositories)
    if not rows:
        close = nearest(name, known.repositories)
        hint = f" Did you mean {', '.join(close)}?" if close else ""
        raise CommandRefused(f"I know no repository called “{name}”.{hint}")
    if len(rows) > 1:
        names = dict(
            zip(
                ((r.connection, r.id) for r in known.repositories),
                short_names(known.repositories),
                strict=True,
            )
        )
        buttons = [
            command_button(
                names[row.connection, row.id], COMMAND.name, names[row.connection, row.id]
            )
            for row in rows
        ]
        return Reply((text_card("Which one?", [f"Several are called {escape(name)}."], buttons),))
    row = rows[0]
    await _set(invocation, row.connection, row.id)
    lines = [
        f"Commands here that name no repository now mean **{escape(row.project_name)}/"
        f"{escape(row.name)}**. `use none` takes that back."
    ]
    return Reply((text_card(TITLE, lines, [command_button("Take it back", COMMAND.name, NONE)]),))


async def _left(invocation: Invocation) -> str:
    """What counts when nothing is set here."""
    known = await load_known(invocation)
    here = invocation.conversation_row.model_copy(
        update={"default_connection": "", "default_repository": ""}
    )
    rows = usual_here(here, known.connections, known.repositories)
    if len(rows) != 1:
        return "No repository is set here; I ask when it matters."
    name = f"{rows[0].project_name}/{rows[0].name}"
    return f"What an administrator chose when connecting counts here: {name}."


async def _set(invocation: Invocation, connection: str, repository_id: str) -> None:
    now = invocation.services.clock()

    def change(session: Session) -> None:
        row = conversations.get(session, invocation.conversation.id)
        if row is None or (row.default_connection, row.default_repository) == (
            connection,
            repository_id,
        ):
            return
        before = {"connection": row.default_connection, "repository": row.default_repository}
        conversations.set_defaults(session, row.id, connection=connection, repository=repository_id)
        audit.append(
            session,
            at=now,
            actor=actor_of(invocation.person),
            action="conversation.repository_set",
            connection=connection,
            subject=f"conversation/{row.id}",
            before=before,
            after={"connection": connection, "repository": repository_id},
            cause=invocation.cause,
        )

    await invocation.services.db.write(change)


COMMAND = Command(
    name="use",
    usage="use REPOSITORY | none",
    summary="Set the repository that commands here mean when they name none.",
    examples=("use Web/shop", "use none"),
    parse=parse,
    run=run,
)

"""The message to the authors of two pull requests that will conflict; and how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from bot.cards.answers import Tone, command_button, escape, open_url_button, text_card
from bot.cards.direct import why_button
from bot.links import pull_request_url
from bot.model import branch_name
from bot.teams_model import OutgoingMessage
from storage.queries import identities, people
from storage.tables import Connection, PullRequestRow, RadarPair, RepositoryRow

COMMAND = "conflicts"
MOST_FILES = 10
FILE_LENGTH = 120
TITLE_LENGTH = 120
UNFOLLOWED = "unfollowed"


class UnknownPair(LookupError):
    """There is no such pair in the database."""


@dataclass(frozen=True, slots=True)
class PairView:
    """A pair with its two pull requests, the one of the lower number first.

    ``is_unfollowed``: it is over because no subscription asks for it, whatever the two do.
    """

    first: PullRequestRow
    second: PullRequestRow
    repository: RepositoryRow
    base_url: str
    files: Sequence[str]
    is_over: bool = False
    is_unfollowed: bool = False

    @property
    def pages(self) -> Sequence[str]:
        """Where the two are in Azure DevOps."""
        place = (self.base_url, self.repository.project_name, self.repository.name)
        return [pull_request_url(*place, row.number) for row in (self.first, self.second)]

    @property
    def links(self) -> Sequence[str]:
        """The two as Markdown."""
        return [
            f"[{escape(f'{row.number} {row.title}', TITLE_LENGTH)}]({page})"
            for row, page in zip((self.first, self.second), self.pages, strict=True)
        ]

    @property
    def closed(self) -> Sequence[PullRequestRow]:
        """Those of the two that are not open any more."""
        return [row for row in (self.first, self.second) if row.status != "active"]


def load_pair(session: Session, pair_id: int) -> PairView:
    """Read what the message about a pair shows.

    Raises:
        UnknownPair: there is no such pair.
    """
    pair = session.get(RadarPair, pair_id)
    if pair is None:
        raise UnknownPair(f"radar pair {pair_id} is not stored")
    first = session.get_one(PullRequestRow, pair.first_id)
    repository = session.get_one(RepositoryRow, (pair.connection, first.repository_id))
    return PairView(
        first=first,
        second=session.get_one(PullRequestRow, pair.second_id),
        repository=repository,
        base_url=session.get_one(Connection, pair.connection).base_url,
        files=tuple(pair.files),
        is_over=pair.ended_at is not None,
        is_unfollowed=pair.ended_by == UNFOLLOWED,
    )


def draw_radar_alert(pair: PairView, *, own: PullRequestRow | None = None) -> OutgoingMessage:
    """The message as it is now: a warning, and in its place that it is over.

    ``own``: the reader's of the two, for the button that says why it came.
    """
    return _draw_over(pair) if pair.is_over else _draw_open(pair, own)


def own_of(session: Session, pair: PairView, chat: str) -> PullRequestRow | None:
    """Which of the two is of the person whose chat this is; None when that is not known."""
    owner = people.with_chat(session, chat)
    if owner is None or owner.id is None:
        return None
    mine = identities.ids_of_person(session, owner.id, pair.first.connection)
    return next((row for row in (pair.first, pair.second) if row.author_id in mine), None)


def _draw_open(pair: PairView, own: PullRequestRow | None) -> OutgoingMessage:
    """What will happen, where, and to which two."""
    links, pages = pair.links, pair.pages
    into = escape(branch_name(pair.first.target_ref), FILE_LENGTH)
    first, second = pair.first.number, pair.second.number
    lines = [
        f"{links[0]} and {links[1]} conflict with each other. Each goes into **{into}**; "
        f"whoever completes second will have a conflict in {files_text(pair.files)}.",
        "Nothing is blocked yet. Agree who goes first, or bring one branch into the other.",
        _place(pair),
    ]
    buttons = [
        open_url_button(f"Open {first}", pages[0]),
        open_url_button(f"Open {second}", pages[1]),
        command_button("Conflicts", COMMAND),
    ]
    if own is not None:
        buttons.append(why_button(f"conflict author {own.connection}:{own.number}"))
    return text_card(f"{first} and {second} will conflict", lines, buttons, Tone.WARNING)


def _draw_over(pair: PairView) -> OutgoingMessage:
    """That nothing is left to agree on, and why."""
    links, pages = pair.links, pair.pages
    first, second = pair.first.number, pair.second.number
    said = f"{links[0]} and {links[1]}: "
    if pair.closed:
        said += " and ".join(f"{row.number} was {row.status}" for row in pair.closed)
        title, tone = f"Over: {first} and {second}", Tone.NEUTRAL
    elif pair.is_unfollowed:
        said += "the conflict radar does not watch them any more"
        title, tone = f"Not watched any more: {first} and {second}", Tone.NEUTRAL
    else:
        said += "they do not conflict with each other any more"
        title, tone = f"{first} and {second} do not conflict any more", Tone.GOOD
    buttons = [
        open_url_button(f"Open {first}", pages[0]),
        open_url_button(f"Open {second}", pages[1]),
    ]
    return text_card(title, [f"{said}.", _place(pair)], buttons, tone)


def _place(pair: PairView) -> str:
    project, name = pair.repository.project_name, pair.repository.name
    return f"{escape(project, FILE_LENGTH)} / {escape(name, FILE_LENGTH)}"


def files_text(files: Sequence[str]) -> str:
    """``a.txt``; ``one or more of a.txt, b.txt and 3 more`` where it is not known which."""
    shown = ", ".join(f"**{escape(path.lstrip('/'), FILE_LENGTH)}**" for path in files[:MOST_FILES])
    if len(files) == 1:
        return shown
    more = f" and {len(files) - MOST_FILES} more" if len(files) > MOST_FILES else ""
    return f"one or more of {shown}{more}"

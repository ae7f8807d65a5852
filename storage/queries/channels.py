"""What the channels of the teams are called in which the bot is."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlmodel import Session, col, func, select

from storage.queries import conversations
from storage.tables import ConversationRow, TeamChannel

CHANNEL, ACTIVE = "channel", "active"


def store_team(
    session: Session, team_id: str, team_name: str, names: Mapping[str, str], *, now: datetime
) -> None:
    """Keep the names of a team and its channels (by id), as they were read whole.

    The first channel, whose id is the team's, is kept whether it is among them or not.
    """
    for row in _of_team(session, team_id):
        if row.id not in names and row.id != team_id:
            session.delete(row)
    for id_, name in {team_id: "", **names}.items():
        session.merge(
            TeamChannel(id=id_, team_id=team_id, team_name=team_name, name=name, read_at=now)
        )
    for place in conversations.of_team(session, team_id):
        place.team_name = team_name or place.team_name
        place.name = names.get(place.id) or place.name
        session.add(place)


def heard(session: Session, channel_id: str, team_id: str, name: str, *, now: datetime) -> None:
    """A channel was made or renamed; known only where its team was read before."""
    team = session.get(TeamChannel, team_id)
    if team is not None and channel_id and channel_id != team_id:
        session.merge(
            TeamChannel(
                id=channel_id, team_id=team_id, team_name=team.team_name, name=name, read_at=now
            )
        )


def heard_team(session: Session, team_id: str, team_name: str) -> None:
    """A team was renamed."""
    for row in _of_team(session, team_id):
        row.team_name = team_name
        session.add(row)


def known(session: Session, channel_id: str) -> TeamChannel | None:
    """A channel as it was read."""
    return session.get(TeamChannel, channel_id)


def every(session: Session) -> Sequence[TeamChannel]:
    """All channels of all teams, by name."""
    ordered = select(TeamChannel).order_by(col(TeamChannel.team_name), col(TeamChannel.name))
    return session.exec(ordered).all()


def to_read(session: Session, *, before: datetime) -> Sequence[ConversationRow]:
    """One channel of each team that the bot is in and that was not read since then."""
    read = select(TeamChannel.team_id).where(
        TeamChannel.id == TeamChannel.team_id, TeamChannel.read_at >= before
    )
    one_each = (
        select(func.min(ConversationRow.id))
        .where(
            ConversationRow.kind == CHANNEL,
            ConversationRow.state == ACTIVE,
            ConversationRow.team_id != "",
            col(ConversationRow.team_id).not_in(read),
        )
        .group_by(ConversationRow.team_id)
    )
    wanted = select(ConversationRow).where(col(ConversationRow.id).in_(one_each))
    return session.exec(wanted.order_by(col(ConversationRow.id))).all()


def _of_team(session: Session, team_id: str) -> Sequence[TeamChannel]:
    return session.exec(select(TeamChannel).where(TeamChannel.team_id == team_id)).all()

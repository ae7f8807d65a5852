"""Every sentence that a reminder says. Plain text."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.cards.plain_text import plain
from bot.notices import texts
from bot.pull_request_state import PullRequestState
from bot.reminders.due import Due
from bot.reminders.rules import HOURS_PER_DAY, Rule, hours_text

NAME_LENGTH = 60
MOST_NAMES = 3
WORTH_SAYING = timedelta(minutes=15)


def to_person(due: Due, state: PullRequestState, now: datetime, *, asked_by: str = "") -> str:
    """What one person is told of one pull request."""
    about = texts.pull_request(state)
    span = spent_text(due, now)
    match due.rule:
        case Rule.NUDGE:
            asks = f"{plain(asked_by, NAME_LENGTH)} asks you to look at {about}"
            is_new = due.spent.working_time(due.since, now) < WORTH_SAYING
            return asks if is_new else f"{asks}: it has waited for your review for {span}"
        case Rule.REVIEW:
            return f"{about} has waited for your review for {span}"
        case Rule.FIRST_REVIEW:
            return f"Nobody has reviewed {about} yet. {_goal(due, now)}"
        case Rule.NO_REVIEWER:
            return f"Nobody has been asked to review {about} for {span}"
        case Rule.APPROVED:
            return f"{about} has been approved for {span} and is not completed"
        case Rule.DRAFT:
            return f"{about} has been a draft for {span}"
    return f"Nothing has happened on {about} for {span}"


def to_conversation(due: Due, now: datetime) -> str:
    """What stands below the card of the pull request."""
    span = spent_text(due, now)
    names = names_text(due.names)
    match due.rule:
        case Rule.REVIEW if due.stand_in is not None:
            next_one = plain(due.stand_in.name, NAME_LENGTH)
            return f"{names} is away; {next_one} is the next reviewer. Waiting for {span}"
        case Rule.REVIEW:
            return f"Waiting for a review by {names} for {span}"
        case Rule.FIRST_REVIEW:
            return f"Nobody has reviewed this yet. {_goal(due, now)} Asked: {names}"
        case Rule.FIRST_REVIEW_MISSED:
            return (
                f"Nobody has reviewed this within {hours_text(due.hours)}, which is the goal. "
                f"Asked: {names}"
            )
        case Rule.NO_REVIEWER:
            return f"Nobody has been asked for a review for {span}"
        case Rule.APPROVED:
            return f"Approved for {span}, and not completed"
        case Rule.DRAFT:
            return f"A draft for {span}"
    return f"Nothing has happened for {span}"


def to_stand_in(due: Due, state: PullRequestState) -> str:
    """What the one is told who is next because a reviewer is away."""
    about = texts.pull_request(state)
    return f"{names_text(due.names)} is away, and you are the next reviewer of {about}"


def why(due: Due, *, place: str = "") -> str:
    """Why somebody got it; ``place`` is the conversation whose reminders pass a review on."""
    if due.rule is Rule.NUDGE:
        return "The author pressed Nudge. That goes once a working day to each reviewer."
    if place:
        return f"The reminders of {place} pass on reviews of people who are away."
    return f"You asked to be reminded after {hours_text(due.hours)}."


def names_text(names: Sequence[str]) -> str:
    """``Jonas Sample and Maya Sample``; at most three and how many more."""
    shown = [plain(name, NAME_LENGTH) for name in names[:MOST_NAMES]]
    more = len(names) - len(shown)
    if more:
        return f"{', '.join(shown)} and {more} more"
    return " and ".join((", ".join(shown[:-1]), shown[-1])) if len(shown) > 1 else "".join(shown)


def spent_text(due: Due, now: datetime) -> str:
    """The working time that has been waited."""
    return working_text(due.spent.working_time(due.since, now))


def working_text(span: timedelta) -> str:
    """``40 working minutes``, ``9 working hours``, ``3 working days`` of eight hours each."""
    minutes = max(round(span.total_seconds() / 60), 0)
    if minutes < 60:
        return "1 working minute" if minutes == 1 else f"{minutes} working minutes"
    hours = round(minutes / 60)
    if hours < 2 * HOURS_PER_DAY:
        return "1 working hour" if hours == 1 else f"{hours} working hours"
    return f"{int(hours // HOURS_PER_DAY)} working days"


def _goal(due: Due, now: datetime) -> str:
    goal = f"The goal is {hours_text(due.hours)}"
    if due.ends_at is None or due.ends_at <= now:
        return f"{goal}."
    left = working_text(due.spent.working_time(now, due.ends_at))
    return f"{goal}; {left} {'is' if left.startswith('1 ') else 'are'} left."

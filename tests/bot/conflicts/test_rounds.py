"""A loop is idle only when nothing is due and nothing is in hand, at one and the same time."""

import pytest

from bot.conflicts.rounds import Rounds


async def nothing_is_due() -> bool:
    return False


async def something_is_due() -> bool:
    return True


async def test_a_loop_with_something_in_hand_is_not_idle() -> None:
    rounds = Rounds()
    assert await rounds.are_idle(nothing_is_due)
    assert not await rounds.are_idle(something_is_due)
    with rounds.one():
        assert not await rounds.are_idle(nothing_is_due)
    assert await rounds.are_idle(nothing_is_due)


async def test_what_is_taken_during_the_look_is_seen() -> None:
    """The row is not due any more because it was just taken, and it is done before we look."""
    rounds = Rounds()

    async def taken_meanwhile() -> bool:
        with rounds.one():
            return False

    assert not await rounds.are_idle(taken_meanwhile)


async def test_a_round_that_failed_is_over() -> None:
    rounds = Rounds()
    with pytest.raises(LookupError), rounds.one():
        raise LookupError("the database is gone")
    assert await rounds.are_idle(nothing_is_due)

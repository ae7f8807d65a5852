"""Every sentence is as in its snapshot, and every kind of change that is told has one."""

from bot.notices.texts import REPLIES
from tests.cards.sentences import CHANGES, sentences
from tests.cards.snapshots import TEXTS, check


def test_every_sentence_is_as_in_its_snapshot() -> None:
    found = {name: "\n".join(lines) + "\n" for name, lines in sentences().items()}
    check(TEXTS, ".txt", found)


def test_every_change_that_a_thread_hears_of_has_its_sentence() -> None:
    assert set(REPLIES) == {type(change) for change in CHANGES}

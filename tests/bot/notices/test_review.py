import pytest

from bot.model import Vote
from bot.notices.review import ReviewPart, as_one, first_lines

NAME = "Jonas Sample"


def vote(cast: Vote, name: str = NAME) -> ReviewPart:
    return ReviewPart(name, name, f"{name} voted by himself", vote=cast)


def comment(said: str, name: str = NAME, *, is_mention: bool = False) -> ReviewPart:
    return ReviewPart(name, name, f"{name} commented: {said}", said=said, is_mention=is_mention)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([vote(Vote.APPROVED)], "Jonas Sample voted by himself"),
        ([comment("a")], "Jonas Sample commented: a"),
        ([comment("a"), vote(Vote.APPROVED)], "Jonas Sample approved #12 X, with 1 comment"),
        (
            [comment("a"), comment("b"), vote(Vote.APPROVED_WITH_SUGGESTIONS)],
            "Jonas Sample approved #12 X with suggestions, with 2 comments",
        ),
        (
            [comment("a"), vote(Vote.WAITING_FOR_AUTHOR)],
            "Jonas Sample waits for you on #12 X, with 1 comment",
        ),
        (
            [comment("a"), comment("b", is_mention=True)],
            "Jonas Sample wrote 2 comments on #12 X, you are mentioned",
        ),
        (
            [vote(Vote.REJECTED), vote(Vote.APPROVED), comment("a")],
            "Jonas Sample approved #12 X, with 1 comment",
        ),
        (
            [comment("a"), vote(Vote.REJECTED), comment("b", "Lena Sample")],
            "Jonas Sample rejected #12 X, with 1 comment; Lena Sample commented: b",
        ),
    ],
)
def test_a_review_is_one_sentence(parts: list[ReviewPart], expected: str) -> None:
    assert as_one(parts, about="#12 X", to_author=True) == expected


def test_the_first_three_comments_are_quoted_and_long_ones_cut() -> None:
    lines = first_lines([comment("a"), comment("b" * 200), comment("c"), comment("d")])
    assert lines == f"“a” “{'b' * 79}…” “c” …"
    assert first_lines([comment("alone")]) == ""  # its own sentence has it

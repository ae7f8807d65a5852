"""Which tickets a pull request names, and what repairing its links changes."""

import pytest

from bot.ticket_links import (
    KnownLink,
    branch_link,
    linked_branches,
    linked_pull_requests,
    mentioned_tickets,
    pull_request_link,
    repair_links,
)

PROJECT = "6ce954b1-ce1f-45d1-b94d-e6bf2464ba2c"
REPOSITORY = "278d5cd2-584d-4b63-824a-2ba458937249"


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Fix #12 and AB#13, ab#14", (12, 13, 14)),
        ("(#22) #19. #12 #12", (22, 19, 12)),
        ("x#15 &#16; `#17` /#18 #20.5 #21-a !#23", ()),
        ("```\n#1\n``` then #2", (2,)),
        ("#0 #99999999999 #3000000000", ()),
        ("Merged PR 12: nothing", ()),
    ],
)
def test_tickets_are_read_from_text(text: str, numbers: tuple[int, ...]) -> None:
    assert mentioned_tickets(text) == numbers


def test_artifact_links_are_read_back_whatever_their_case() -> None:
    branch = branch_link(PROJECT, REPOSITORY, "feature/12-ü x")
    pull_request = pull_request_link(PROJECT, REPOSITORY, 40)
    relations = [branch.replace("%2F", "%2f"), pull_request.lower(), "https://example.com"]

    assert linked_branches(relations, REPOSITORY.upper()) == ("feature/12-ü x",)
    assert linked_pull_requests(relations, REPOSITORY) == (40,)
    assert linked_pull_requests(relations, PROJECT) == ()


def test_what_is_found_and_not_yet_linked_is_added_with_its_origin() -> None:
    repair = repair_links(
        [KnownLink(1, "start")], in_azure_devops=[1, 2], in_text=[2, 3], in_branch=4
    )
    assert repair.add == {2: "azure_devops", 4: "branch_name", 3: "text"}
    assert repair.remove == ()


def test_a_link_taken_away_by_hand_stays_away() -> None:
    known = [KnownLink(1, "text", removed_by="maya@example.com")]
    assert repair_links(known, in_azure_devops=[1], in_text=[1], in_branch=1).add == {}


def test_a_link_that_went_in_azure_devops_goes_and_may_come_back() -> None:
    gone = repair_links(
        [KnownLink(1, "azure_devops")], in_azure_devops=[], in_text=[], in_branch=None
    )
    assert gone.remove == (1,)

    back = repair_links(
        [KnownLink(1, "azure_devops", removed_by="azure_devops")],
        in_azure_devops=[1],
        in_text=[],
        in_branch=None,
    )
    assert back.add == {1: "azure_devops"}


def test_nothing_is_removed_when_azure_devops_could_not_be_asked() -> None:
    known = [KnownLink(1, "azure_devops")]
    repair = repair_links(known, in_azure_devops=None, in_text=[], in_branch=None)
    assert repair.remove == ()


def test_links_made_here_stay_when_azure_devops_does_not_have_them() -> None:
    known = [KnownLink(1, "start"), KnownLink(2, "manual"), KnownLink(3, "text")]
    assert repair_links(known, in_azure_devops=[], in_text=[], in_branch=None).remove == ()

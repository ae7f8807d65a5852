import pytest

from bot.links import (
    PullRequestLink,
    TicketLink,
    is_under,
    parse_link,
    pull_request_url,
    ticket_url,
    trusted_url,
)


@pytest.mark.parametrize(
    ("url", "number", "project", "repository"),
    [
        ("https://dev.azure.com/acme/Shop/_git/web/pullrequest/41", 41, "Shop", "web"),
        ("https://dev.azure.com/acme/Shop/_git/web/pullRequest/41?_a=files#x", 41, "Shop", "web"),
        ("https://dev.azure.com/acme/_git/web/pullrequest/41", 41, "", "web"),
        ("https://acme@dev.azure.com/acme/Shop/_git/web/pullrequest/41", 41, "Shop", "web"),
        ("https://dev.azure.com/acme/My%20Shop/_git/a%20b/pullrequest/7/", 7, "My Shop", "a b"),
        ("https://acme.visualstudio.com/Shop/_git/web/pullrequest/41", 41, "Shop", "web"),
        ("https://acme.visualstudio.com/_git/web/pullrequest/41", 41, "", "web"),
        (
            "https://acme.visualstudio.com/DefaultCollection/Shop/_git/web/pullrequest/41",
            41,
            "Shop",
            "web",
        ),
        ("https://tfs.example.com:8443/tfs/Main/Shop/_git/web/pullrequest/3", 3, "Shop", "web"),
        ("https://tfs.example.com/tfs/Main/_git/web/pullrequest/3", 3, "", "web"),
        ("http://ado.example.com/Main/Shop/_git/web/pullrequest/3", 3, "Shop", "web"),
        ("https://dev.azure.com/acme/_apis/git/pullrequests/9", 9, "", ""),
        (
            "https://dev.azure.com/acme/Shop/_apis/git/repositories/web/pullRequests/9",
            9,
            "Shop",
            "web",
        ),
    ],
)
def test_a_pasted_pull_request_address_gives_its_number(
    url: str, number: int, project: str, repository: str
) -> None:
    link = parse_link(f"  {url} ")
    assert isinstance(link, PullRequestLink)
    assert (link.number, link.project, link.repository) == (number, project, repository)


@pytest.mark.parametrize(
    ("url", "number", "project"),
    [
        ("https://dev.azure.com/acme/Shop/_workitems/edit/123", 123, "Shop"),
        ("https://dev.azure.com/acme/Shop/_workitems/edit/123/", 123, "Shop"),
        ("https://dev.azure.com/acme/_workitems/edit/123", 123, ""),
        ("https://dev.azure.com/acme/Shop/_workitems?id=123&_a=edit", 123, "Shop"),
        ("https://dev.azure.com/acme/Shop/_workitems/recentlyupdated/?workitem=123", 123, "Shop"),
        ("https://dev.azure.com/acme/Shop/_boards/board/t/Team/Stories?workitem=123", 123, "Shop"),
        ("https://acme.visualstudio.com/Shop/_backlogs/backlog/T/S/?workItem=123", 123, "Shop"),
        ("https://tfs.example.com/tfs/Main/Shop/_workitems/edit/123", 123, "Shop"),
        ("https://dev.azure.com/acme/_apis/wit/workItems/123", 123, ""),
    ],
)
def test_a_pasted_work_item_address_gives_its_number(url: str, number: int, project: str) -> None:
    link = parse_link(url)
    assert isinstance(link, TicketLink)
    assert (link.number, link.project) == (number, project)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "41",
        "dev.azure.com/acme/Shop/_git/web/pullrequest/41",
        "https://dev.azure.com/acme/Shop/_git/web",
        "https://dev.azure.com/acme/Shop/_git/web/pullrequest/new",
        "https://dev.azure.com/acme/Shop/_git/web/pullrequest/0",
        "https://dev.azure.com/acme/Shop/_git/web/pullrequest/99999999999",
        "https://dev.azure.com/acme/Shop/_git/web/pullrequest/٤١",
        "https://github.com/acme/web/pull/41",
        "https://dev.azure.com/acme/Shop/_workitems/edit/",
        "https://dev.azure.com/acme/_apis/wit/workItems",
        "https://dev.azure.com/acme/_build/results?buildId=5&workitem=5",
        "https://someone@tfs.example.com/tfs/Main/Shop/_git/web/pullrequest/3",
        "javascript:alert(1)//_git/web/pullrequest/41",
        "https://[::1/_git/web/pullrequest/41",
        "https://h:99999/_git/web/pullrequest/41",
        "https://dev.azure.com/" + "a" * 3000 + "/_git/web/pullrequest/41",
    ],
)
def test_anything_else_is_not_a_link(url: str) -> None:
    assert parse_link(url) is None


@pytest.mark.parametrize(
    ("url", "base", "expected"),
    [
        ("https://dev.azure.com/acme/Shop/_git/w", "https://dev.azure.com/acme", True),
        ("https://DEV.azure.com/ACME/Shop", "https://dev.azure.com/acme/", True),
        ("https://acme.visualstudio.com/Shop/_git/w", "https://dev.azure.com/acme", True),
        ("https://dev.azure.com/acme/S", "https://acme.visualstudio.com/DefaultCollection", True),
        ("https://dev.azure.com/acme-evil/Shop", "https://dev.azure.com/acme", False),
        ("https://acme.evil.visualstudio.com/x", "https://acme.visualstudio.com", False),
        ("https://tfs.example.com:443/tfs/Main/S", "https://tfs.example.com/tfs/Main", True),
        ("https://tfs.example.com:8080/tfs/Main/S", "https://tfs.example.com/tfs/Main", False),
        ("https://tfs.example.com/tfs/Other/S", "https://tfs.example.com/tfs/Main", False),
        ("nonsense", "https://dev.azure.com/acme", False),
    ],
)
def test_a_link_belongs_to_the_connection_of_the_same_organisation(
    url: str, base: str, expected: bool
) -> None:
    assert is_under(url, base) is expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://dev.azure.com/acme/build?x=1", "https://dev.azure.com/acme/build?x=1"),
        ("http://dev.azure.com/acme/build", ""),
        ("https://dev.azure.com.evil.example/acme", ""),
        ("https://dev.azure.com@evil.example/acme", ""),
        ("https://evil.example/https://dev.azure.com", ""),
        ("https://dev.azure.com\\@evil.example/", ""),
        ("javascript:alert(1)", ""),
        ("//dev.azure.com/acme", ""),
        ("", ""),
    ],
)
def test_only_links_on_the_configured_host_are_shown_CHECKS_20(url: str, expected: str) -> None:
    assert trusted_url(url, "https://dev.azure.com/acme") == expected


def test_a_server_without_tls_may_link_to_itself() -> None:
    base = "http://ado.example.com/Main"
    assert trusted_url("http://ado.example.com/Main/x", base) == "http://ado.example.com/Main/x"


def test_built_addresses_escape_names_and_can_be_read_back() -> None:
    url = pull_request_url("https://dev.azure.com/acme/", "My Shop", "a/b?#%", 12)
    assert url == "https://dev.azure.com/acme/My%20Shop/_git/a%2Fb%3F%23%25/pullrequest/12"
    assert parse_link(url) == PullRequestLink(url, 12, "My Shop", "a/b?#%")
    ticket = ticket_url("https://dev.azure.com/acme", "Größe", 5)
    assert parse_link(ticket) == TicketLink(ticket, 5, "Größe")

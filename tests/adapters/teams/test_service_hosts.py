"""CHECKS 19: which addresses may be stored and called with the bot's token."""

import pytest

from adapters.teams.service_hosts import MICROSOFT_SERVICE_HOSTS, ServiceHosts

MICROSOFT = ServiceHosts(MICROSOFT_SERVICE_HOSTS)


@pytest.mark.parametrize(
    "url",
    [
        "https://smba.trafficmanager.net/amer/",
        "https://smba.trafficmanager.net/emea/0e4d2f8a-7c7f-4b13-8a4e-5a2f6f3f9b22/",
        "https://SMBA.trafficmanager.net:443/teams",
        "https://smba.infra.gcc.teams.microsoft.com/teams",
        "https://smba.infra.gov.teams.microsoft.us/teams",
        "https://smba.infra.dod.teams.microsoft.us/teams",
        "https://europe.api.botframework.com/",
    ],
)
def test_microsofts_documented_addresses_are_allowed(url: str) -> None:
    assert MICROSOFT.allows(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "https:///smba.trafficmanager.net",
        "https://botframework.com/",
        "https://evilbotframework.com/",
        "https://a.botframework.com.evil.example/",
        "https://smba.trafficmanager.net./amer/",
        "https://smba.trafficmanager.net:443@evil.example/",
        "https://smba.trafficmanager.net#@evil.example/",
        "https://smba.trafficmanager.net?x=1",
        "https://smba.trafficmanager.net/\n",
        "https://smbа.trafficmanager.net/",  # a Cyrillic letter
        "https://2130706433/",
        "https://127.0.0.1/",
        "http://127.0.0.1/",
        "//smba.trafficmanager.net/",
    ],
)
def test_check_19_other_addresses_are_not(url: str) -> None:
    assert not MICROSOFT.allows(url)


def test_loopback_needs_to_be_listed_and_may_then_be_plain_http() -> None:
    hosts = ServiceHosts(("127.0.0.1", "[::1]", "connector.example:8443"))
    assert hosts.allows("http://127.0.0.1:5000/amer/")
    assert hosts.allows("http://[::1]:5000/")
    assert not hosts.allows("http://localhost:5000/")
    assert hosts.allows("https://connector.example:8443/")
    assert not hosts.allows("http://connector.example:8443/")
    assert not hosts.allows("https://connector.example/")


def test_a_port_in_the_list_holds_for_that_port_only() -> None:
    hosts = ServiceHosts(("127.0.0.1:5000",))
    assert hosts.allows("http://127.0.0.1:5000/")
    assert not hosts.allows("http://127.0.0.1:5001/")


@pytest.mark.parametrize("pattern", ["*", "*.com", "*foo.com", "", "https://a.example", "a b"])
def test_a_pattern_that_allows_too_much_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="is not a host"):
        ServiceHosts((pattern,))

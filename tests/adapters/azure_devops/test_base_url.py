import pytest

from adapters.azure_devops.base_url import Family, base_url, base_url_from_page, recognised


@pytest.mark.parametrize(
    ("text", "url", "family"),
    [
        ("https://dev.azure.com/acme/", "https://dev.azure.com/acme", Family.SERVICES),
        (
            "https://acme.visualstudio.com/DefaultCollection",
            "https://acme.visualstudio.com/DefaultCollection",
            Family.OLD_SERVICES,
        ),
        ("https://acme.visualstudio.com", "https://acme.visualstudio.com", Family.OLD_SERVICES),
        (
            "https://h.example.com:8443/tfs/Main",
            "https://h.example.com:8443/tfs/Main",
            Family.SERVER,
        ),
        ("http://h.example.com/azure/Main/", "http://h.example.com/azure/Main", Family.SERVER),
    ],
)
def test_a_base_url_is_kept_as_configured(text: str, url: str, family: Family) -> None:
    assert (base_url(text).url, base_url(text).family) == (url, family)


@pytest.mark.parametrize(
    ("text", "identities"),
    [
        ("https://dev.azure.com/acme", "https://vssps.dev.azure.com/acme"),
        ("https://acme.visualstudio.com/DefaultCollection", "https://acme.vssps.visualstudio.com"),
        ("https://h.example.com/tfs/Main", "https://h.example.com/tfs/Main"),
    ],
)
def test_identities_have_a_host_of_their_own_on_services(text: str, identities: str) -> None:
    assert base_url(text).identities_url == identities


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("dev.azure.com/acme", "plain http"),
        ("ftp://h.example.com/Main", "plain http"),
        ("https://u:p@h.example.com/Main", "plain http"),
        ("https://h.example.com/Main?x=1", "plain http"),
        ("https://dev.azure.com", "lacks the organisation"),
        ("http://dev.azure.com/acme", "only reached by https"),
        ("http://acme.visualstudio.com", "only reached by https"),
    ],
)
def test_what_is_no_base_url_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        base_url(text)


@pytest.mark.parametrize(
    ("page", "url"),
    [
        ("https://dev.azure.com/acme/Shop/_git/web?path=/x", "https://dev.azure.com/acme"),
        ("https://dev.azure.com/acme/_settings", "https://dev.azure.com/acme"),
        ("https://acme.visualstudio.com/Shop/_git/web", "https://acme.visualstudio.com"),
        (
            "https://acme.visualstudio.com/DefaultCollection/Shop/_boards",
            "https://acme.visualstudio.com/DefaultCollection",
        ),
        ("https://h.example.com/tfs/Main/Shop/_git/web", "https://h.example.com/tfs/Main"),
        ("http://h.example.com:8080/My%20Coll/Shop", "http://h.example.com:8080/My%20Coll"),
    ],
)
def test_a_pasted_page_gives_its_base_url(page: str, url: str) -> None:
    assert base_url_from_page(page).url == url


@pytest.mark.parametrize(
    "page",
    ["hello", "https://dev.azure.com/", "https://h.example.com", "https://h.example.com/_git/x"],
)
def test_a_page_without_a_collection_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match=r"lacks|no http"):
        base_url_from_page(page)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("https://dev.azure.com/contoso", "https://dev.azure.com/contoso"),
        ("dev.azure.com/contoso/", "https://dev.azure.com/contoso"),
        ("http://dev.azure.com/contoso", "https://dev.azure.com/contoso"),
        ("https://dev.azure.com/contoso/Shop/_git/web", "https://dev.azure.com/contoso"),
        ("https://dev.azure.com/contoso/Shop", "https://dev.azure.com/contoso"),
        ("https://contoso.visualstudio.com", "https://dev.azure.com/contoso"),
        (
            "https://contoso.visualstudio.com/DefaultCollection/Shop/_boards",
            "https://dev.azure.com/contoso",
        ),
        ("https://tfs.example.com:8443/tfs/Main/", "https://tfs.example.com:8443/tfs/Main"),
        ("https://tfs.example.com/tfs/Main/Plant", "https://tfs.example.com/tfs/Main"),
        ("https://tfs.example.com/Main/Plant/_git/web?version=x", "https://tfs.example.com/Main"),
        ("https://tfs.example.com/azuredevops/Main", "https://tfs.example.com/azuredevops/Main"),
        ("http://127.0.0.1:8080/tfs/Main", "http://127.0.0.1:8080/tfs/Main"),
    ],
)
def test_what_is_pasted_becomes_the_base_url_with_a_word_where_it_was_another(
    typed: str, meant: str
) -> None:
    found, note = recognised(typed)
    assert found.url == meant
    assert bool(note) == (typed.rstrip("/") != meant)
    assert not note or meant in note


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "contoso",
        "https://dev.azure.com",
        "https://tfs.example.com",
        "ftp://x/y",
        "javascript:1",
    ],
)
def test_what_is_no_address_of_azure_devops_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r"address|organisation"):
        recognised(typed)

"""The many ways in which Azure DevOps says that it does not know the caller."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from adapters.sandbox.azure_devops import AzureDevOpsSandbox
from tests.adapters.sandbox.azure_devops.scene import Clock, Shop, open_shop


async def test_a_pat_has_todays_shape(shop: Shop) -> None:
    token = shop.sandbox.issue_pat(shop.maya)
    assert (len(token), token[76:80]) == (84, "AZDO")


async def test_connection_data_names_the_owner_of_the_credential(shop: Shop) -> None:
    shop.sandbox.accept_bearer("opaque", shop.jonas)
    bearer = shop.with_token(None, Authorization="Bearer opaque")

    mine = await shop.rest("GET", "_apis/connectionData", version=None)
    his = await bearer("GET", "_apis/connectionData", version="7.1-preview.1")

    assert mine.json["authenticatedUser"]["id"] == shop.maya.id
    assert his.json["authenticatedUser"]["id"] == shop.jonas.id
    assert [call.owner for call in shop.sandbox.calls] == ["maya@example.com", "jonas@example.com"]


@pytest.mark.parametrize("token", [None, "x" * 84, ""])
async def test_an_unknown_credential_gets_203_with_a_sign_in_page(
    shop: Shop, token: str | None
) -> None:
    answer = await shop.with_token(token)("GET", "_apis/projects")
    assert (answer.status, answer.headers["Content-Type"].split(";")[0]) == (203, "text/html")
    assert 15_000 < len(answer.text) < 18_000


async def test_a_revoked_pat_is_unknown(shop: Shop) -> None:
    token = shop.sandbox.issue_pat(shop.maya)
    client = shop.with_token(token)
    assert (await client("GET", "_apis/projects")).status == 200
    shop.sandbox.revoke_pat(token)
    assert (await client("GET", "_apis/projects")).status == 203


async def test_an_expired_pat_gets_401_in_plain_text(shop: Shop, clock: Clock) -> None:
    token = shop.sandbox.issue_pat(shop.maya, expires_at=clock.now + timedelta(hours=1))
    client = shop.with_token(token)
    assert (await client("GET", "_apis/projects")).status == 200
    clock.forward(3600)
    answer = await client("GET", "_apis/projects")
    assert answer.status == 401
    assert answer.text == "Access Denied: The Personal Access Token used has expired."


async def test_the_redirect_style_redirects_and_suppressing_it_gives_401(shop: Shop) -> None:
    shop.sandbox.sign_in_style = "redirect"
    plain = await shop.with_token("no")("GET", "_apis/projects")
    suppressed = await shop.with_token("no", **{"X-TFS-FedAuthRedirect": "Suppress"})(
        "GET", "_apis/projects"
    )
    assert (plain.status, "_signin" in plain.headers["Location"]) == (302, True)
    assert suppressed.status == 401
    assert suppressed.json["message"].startswith("TF400813")


async def test_a_pat_without_the_scope_is_refused(shop: Shop) -> None:
    reader = shop.with_token(shop.sandbox.issue_pat(shop.maya, scopes=["vso.code"]))
    writer = shop.with_token(shop.sandbox.issue_pat(shop.maya, scopes=["vso.code_write"]))
    assert (await reader("GET", shop.git)).status == 200
    assert (await reader("POST", f"{shop.git}/refs", [])).status == 401
    assert (await writer("POST", f"{shop.git}/refs", [])).status == 200
    assert (await writer("GET", "Shop/_apis/wit/workitemtypes")).status == 401


async def test_a_server_offers_its_schemes_and_names_people_by_domain(tmp_path: Path) -> None:
    sandbox = AzureDevOpsSandbox(tmp_path, style="server", organization="Main")
    async with aiohttp.ClientSession() as session:
        shop = await open_shop(sandbox, session)
        refused = await shop.with_token("no")("GET", "_apis/projects")
        known = await shop.rest("GET", "_apis/projects")
        await sandbox.stop()
    schemes = [value.split()[0] for value in refused.headers.getall("WWW-Authenticate")]
    assert (refused.status, schemes) == (401, ["Bearer", "Basic", "Negotiate", "NTLM"])
    assert sandbox.base_url.endswith("/tfs/Main")
    assert known.json["value"][0]["url"].startswith(f"{sandbox.base_url}/_apis/projects/")
    assert shop.maya.unique_name == "MAIN\\maya"


@pytest.mark.parametrize(
    ("version", "type_key"),
    [
        (None, "VssVersionNotSpecifiedException"),
        ("9.9", "VssVersionOutOfRangeException"),
        ("latest", "VssVersionOutOfRangeException"),
        ("7.2", "VssInvalidPreviewVersionException"),
    ],
)
async def test_a_bad_api_version_gets_400(shop: Shop, version: str | None, type_key: str) -> None:
    answer = await shop.rest("GET", "_apis/projects", version=version)
    assert (answer.status, answer.json["typeKey"]) == (400, type_key)


async def test_a_preview_address_wants_a_preview_version(shop: Shop) -> None:
    answer = await shop.rest("GET", "_apis/connectionData", version="7.1")
    assert (answer.status, answer.json["typeKey"]) == (400, "VssInvalidPreviewVersionException")


async def test_paths_are_matched_in_any_case_and_projects_by_name_or_guid(shop: Shop) -> None:
    by_name = await shop.rest("GET", "shop/_APIS/GIT/Repositories/WEB")
    by_guid = await shop.rest("GET", f"{shop.project.id}/_apis/git/repositories/{shop.web.id}")
    assert by_name.json == by_guid.json
    assert by_name.json["defaultBranch"] == "refs/heads/main"


async def test_an_unknown_path_gets_404_and_a_wrong_verb_405_as_json(shop: Shop) -> None:
    unknown = await shop.rest("GET", "Shop/_apis/git/nothing")
    verb = await shop.rest("DELETE", "_apis/projects")
    assert (unknown.status, unknown.json["typeKey"]) == (404, "VssResourceNotFoundException")
    assert verb.status == 405


async def test_what_is_hidden_from_a_person_answers_404(shop: Shop) -> None:
    shop.sandbox.access.hide(shop.web, shop.jonas)
    his = shop.as_(shop.jonas)
    answer = await his("GET", shop.git)
    listed = await his("GET", "_apis/git/repositories")
    assert (answer.status, answer.json["typeKey"]) == (404, "GitRepositoryNotFoundException")
    assert answer.json["message"].startswith("TF401019")
    assert listed.json["count"] == 0
    assert (await shop.rest("GET", shop.git)).status == 200
    shop.sandbox.access.hide(shop.project, shop.jonas)
    gone = await his("GET", "_apis/projects/Shop")
    assert gone.json["message"].startswith("TF200016")

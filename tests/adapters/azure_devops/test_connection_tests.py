"""What a test of a connection says of each thing that may be wrong."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web

from adapters.azure_devops.connection_tests import ConnectionTests, Tried
from adapters.azure_devops.network import Network
from adapters.azure_devops.stored_credentials import (
    PAT,
    SERVICE_PRINCIPAL,
    CredentialReader,
    StoredConnection,
    StoredCredential,
)
from adapters.sandbox.authority import PrivateAuthority
from adapters.sandbox.azure_devops import AzureDevOpsSandbox, SandboxIdentity
from adapters.sandbox.azure_devops.git import objects
from bot.connections.conventions import Conventions
from bot.ports import utc_now
from storage.secrets import SecretBox, new_key

GATEWAY = {"CF-Access-Client-Id": "sample-client", "CF-Access-Client-Secret": "canary-gateway"}
EVERYTHING = (
    "vso.project", "vso.code_write", "vso.work_write", "vso.build", "vso.identity",
)  # fmt: skip


class Place:
    """A sandbox with a project and a repository, and tests of a connection to it."""

    def __init__(self, sandbox: AzureDevOpsSandbox) -> None:
        self.sandbox = sandbox
        self.box = SecretBox([new_key()])

    async def build(self) -> SandboxIdentity:
        await self.sandbox.start()
        self.person = self.sandbox.add_person("Pullcord Service", "pullcord@example.com")
        self.project = self.sandbox.add_project("Shop")
        self.web = await self.sandbox.add_repository(self.project, "web", files={"a": "a"})
        return self.person

    def token(self, *scopes: str) -> str:
        return self.sandbox.issue_pat(self.person, scopes=scopes or None)

    async def try_with(
        self,
        *secrets: str,
        url: str = "",
        network: Network | None = None,
        projects: Sequence[str] = ("Shop",),
        conventions: Conventions | None = None,
        kind: str = PAT,
        api_version: str = "7.1",
    ) -> Tried:
        stored = StoredConnection(
            name="acme",
            base_url=url or self.sandbox.base_url,
            api_version=api_version,
            paused_reason="",
            projects=tuple(projects),
            network=self.box.encrypt((network or Network()).encoded()),
            credentials=tuple(
                StoredCredential(
                    number, kind, f"token{number}", self.box.encrypt(secret), tenant_id="tenant"
                )
                for number, secret in enumerate(secrets, start=1)
            ),
        )
        reader = CredentialReader(self.box, login_url="https://127.0.0.1:1")
        tests = ConnectionTests(reader, clock=utc_now, sleep=asyncio.sleep)
        return await tests.run(stored, conventions or Conventions())


def wrong(tried: Tried) -> dict[str, str]:
    """What fails, by the name of what it is."""
    return {
        check.what.partition(": ")[2]: str(check.trouble)
        for check in tried.checks
        if not check.is_well
    }


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    place = Place(AzureDevOpsSandbox(tmp_path / "git"))
    await place.build()
    yield place
    await place.sandbox.stop()


async def test_with_every_scope_all_is_well_and_nothing_is_changed(place: Place) -> None:
    tried = await place.try_with(place.token(*EVERYTHING))
    assert wrong(tried) == {}
    assert tried.account is not None
    assert tried.account.display_name == "Pullcord Service"
    assert (tried.projects, tried.repositories) == (["Shop"], ["Shop/web"])
    assert place.sandbox.organization.work_items.all() == []
    refs = await place.sandbox.organization.git.on(place.web.id, objects.list_refs, "refs/heads/")
    assert [ref for ref in refs if "pullcord" in str(ref)] == []
    assert len(refs) == 1


@pytest.mark.parametrize(
    ("missing", "instead", "fails"),
    [
        ("vso.code_write", "", {"project Shop: code (read)"}),
        ("vso.code_write", "vso.code", {"code (write)"}),
        ("vso.work_write", "", {"tickets (read)", "tickets (write)"}),
        ("vso.work_write", "vso.work", {"tickets (write)"}),
        ("vso.build", "", {"builds (read)"}),
        ("vso.identity", "", {"identities (read)"}),
        ("vso.project", "", {"projects (read)"}),
    ],
)
async def test_a_missing_scope_is_named_reading_and_writing_apart(
    place: Place, missing: str, instead: str, fails: set[str]
) -> None:
    scopes = [scope for scope in EVERYTHING if scope != missing] + ([instead] if instead else [])
    tried = await place.try_with(place.token(*scopes))
    assert wrong(tried) == dict.fromkeys(fails, "invalid_permissions")
    checks = [check for check in tried.checks if not check.is_well]
    named = missing.removesuffix("_write") if not instead else missing
    assert named in " ".join(check.says for check in checks)
    assert named in " ".join(check.advice for check in checks)


async def test_services_that_are_off_need_no_scopes(place: Place) -> None:
    only_code = Conventions(tickets=False, builds=False)
    token = place.token("vso.project", "vso.code_write", "vso.identity")
    assert wrong(await place.try_with(token, conventions=only_code)) == {}


async def test_an_account_that_may_not_push_is_told_apart_from_a_scope(place: Place) -> None:
    place.sandbox.access.deny(place.person, "createBranch", place.web)
    tried = await place.try_with(place.token())
    assert wrong(tried) == {"code (write)": "invalid_permissions"}
    (check,) = [check for check in tried.checks if not check.is_well]
    assert "may not make branches in Shop/web" in check.says


@pytest.mark.parametrize("style", ["page", "redirect", "unauthorized"])
async def test_a_token_that_is_not_known_is_invalid_credentials(place: Place, style: str) -> None:
    place.sandbox.sign_in_style = style  # type: ignore[assignment]  # one of the three
    assert wrong(await place.try_with("x" * 84)) == {"sign in": "invalid_credentials"}


async def test_an_expired_token_is_told_as_expired(place: Place) -> None:
    over = utc_now() - timedelta(days=1)
    tried = await place.try_with(place.sandbox.issue_pat(place.person, expires_at=over))
    assert wrong(tried) == {"sign in": "invalid_credentials"}
    assert "has expired" in tried.checks[0].says


async def test_a_project_or_repository_that_is_not_seen_is_no_resources(place: Place) -> None:
    tried = await place.try_with(place.token(), projects=["Shop", "Nowhere"])
    assert wrong(tried) == {"project Nowhere: code (read)": "no_resources"}
    chosen = Conventions(repositories=("Shop/web", "Shop/gone"))
    tried = await place.try_with(place.token(), conventions=chosen)
    assert wrong(tried) == {"project Shop: code (read)": "no_resources"}
    assert "Shop/gone" in " ".join(check.says for check in tried.checks)


async def test_nobody_at_the_address_is_unreachable(place: Place) -> None:
    token = place.token()
    await place.sandbox.take_down()
    assert wrong(await place.try_with(token)) == {"sign in": "unreachable"}


async def test_an_address_of_something_else_is_wrong_url(place: Place) -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<html>Welcome</html>", content_type="text/html")

    application = web.Application()
    application.router.add_get("/{path:.*}", page)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/acme"
    token = place.token()
    assert wrong(await place.try_with(token, url=url)) == {"sign in": "wrong_url"}
    elsewhere = place.sandbox.base_url.replace("/contoso", "/other")
    assert wrong(await place.try_with(token, url=elsewhere)) == {"sign in": "wrong_url"}
    await runner.cleanup()


async def test_conditional_access_is_a_policy(place: Place) -> None:
    body = {"message": "VS403463: The conditional access policy defined by your administrator"}
    place.sandbox.faults.add(status=401, body=body)
    assert wrong(await place.try_with(place.token())) == {"sign in": "policy"}


async def test_each_credential_is_tried_by_itself(place: Place) -> None:
    good, bad = place.token(), "y" * 84
    tried = await place.try_with(good, bad)
    assert [check.what for check in tried.checks if not check.is_well] == ["token2: sign in"]
    assert tried.account is not None


async def test_entra_that_cannot_be_reached_is_unreachable(place: Place) -> None:
    tried = await place.try_with("a-secret", kind=SERVICE_PRINCIPAL)
    assert wrong(tried) == {"sign in": "unreachable"}


# --- on premises --------------------------------------------------------------------------------


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[tuple[Place, PrivateAuthority]]:
    """A collection of Azure DevOps Server 2022, behind a gateway and a private authority."""
    authority = PrivateAuthority()
    place = Place(
        AzureDevOpsSandbox(
            tmp_path / "server",
            organization="Main",
            style="server",
            tls=authority.server_context(),
            gateway=GATEWAY,
            newest_version="7.0",
        )
    )
    await place.build()
    yield place, authority
    await place.sandbox.stop()


async def test_a_collection_behind_headers_and_a_private_authority_works(
    server: tuple[Place, PrivateAuthority],
) -> None:
    place, authority = server
    way = Network(headers=GATEWAY, ca_pem=authority.pem)
    tried = await place.try_with(place.token(), network=way)
    assert wrong(tried) == {}
    assert tried.api_version == "7.0"  # by what the server offers, not the 7.1 that was said
    assert place.sandbox.base_url.startswith("https://")


async def test_without_the_authority_it_is_tls_and_without_the_headers_it_is_told(
    server: tuple[Place, PrivateAuthority],
) -> None:
    place, authority = server
    token = place.token()
    tried = await place.try_with(token, network=Network(headers=GATEWAY))
    assert wrong(tried) == {"sign in": "tls"}
    assert "--ca-bundle" in tried.checks[0].advice
    tried = await place.try_with(token, network=Network(ca_pem=authority.pem))
    assert wrong(tried) == {"sign in": "unreachable"}
    assert "a gateway" in tried.checks[0].says
    assert "--header" in tried.checks[0].advice
    stranger = Network(headers=GATEWAY, ca_pem=PrivateAuthority("Another").pem)
    assert wrong(await place.try_with(token, network=stranger)) == {"sign in": "tls"}


async def test_a_server_that_answers_no_options_is_asked_with_each_version(
    server: tuple[Place, PrivateAuthority],
) -> None:
    place, authority = server
    place.sandbox.faults.add("OPTIONS", status=405, body={"message": "not allowed"})
    way = Network(headers=GATEWAY, ca_pem=authority.pem)
    tried = await place.try_with(place.token(), network=way)
    assert (wrong(tried), tried.api_version) == ({}, "7.0")


async def test_a_server_that_is_too_old_is_told_so(tmp_path: Path) -> None:
    place = Place(AzureDevOpsSandbox(tmp_path / "old", style="server", newest_version="5.0"))
    await place.build()
    tried = await place.try_with(place.token(), api_version="5.0")
    assert wrong(tried) == {"api-version": "wrong_url"}
    assert "5.0" in tried.checks[-1].says
    await place.sandbox.stop()


async def test_no_secret_of_the_way_is_in_a_check_or_repr_CHECKS_23(
    server: tuple[Place, PrivateAuthority],
) -> None:
    place, _ = server
    way = Network(headers=GATEWAY, proxy="http://user:canary-proxy@127.0.0.1:1")
    token = place.token()
    said = repr(await place.try_with(token, network=way)) + repr(way)
    assert "canary" not in said
    assert token not in said

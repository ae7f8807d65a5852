"""Applications of Entra sign in by Microsoft's library, against a sign-in service over TLS."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from adapters.azure_devops.connection_tests import ConnectionTests, Tried
from adapters.azure_devops.entra_tokens import certificate_credential
from adapters.azure_devops.network import Network
from adapters.azure_devops.stored_credentials import (
    CERTIFICATE,
    MANAGED_IDENTITY,
    SERVICE_PRINCIPAL,
    CredentialReader,
    StoredConnection,
    StoredCredential,
)
from adapters.sandbox.authority import PrivateAuthority
from adapters.sandbox.azure_devops import AzureDevOpsSandbox
from adapters.sandbox.entra import EntraSandbox
from bot.connections.conventions import Conventions
from bot.ports import utc_now
from storage.secrets import SecretBox, new_key

TENANT = "5a3c1d2e-0000-4000-8000-00000000d3b0"
APP = "7e1f0a2b-0000-4000-8000-00000000a001"
SECRET = "canary-client-secret"


def own_certificate() -> tuple[str, str]:
    """A private key and its self-signed certificate, as an administrator makes for an app."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pullcord")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    return pem, certificate.public_bytes(serialization.Encoding.PEM).decode()


class Place:
    def __init__(self, azure: AzureDevOpsSandbox, entra: EntraSandbox, ca_pem: str) -> None:
        self.azure, self.entra, self.ca_pem = azure, entra, ca_pem
        self.box = SecretBox([new_key()])

    async def try_with(
        self, kind: str, secret: str, *, client_id: str = APP, tenant: str = TENANT
    ) -> Tried:
        stored = StoredConnection(
            name="acme",
            base_url=self.azure.base_url,
            api_version="7.1",
            paused_reason="",
            projects=("Shop",),
            network=self.box.encrypt(Network(ca_pem=self.ca_pem).encoded()),
            credentials=(
                StoredCredential(1, kind, "app", self.box.encrypt(secret), client_id, tenant),
            ),
        )
        reader = CredentialReader(self.box, login_url=self.entra.login_url)
        tests = ConnectionTests(reader, clock=utc_now, sleep=asyncio.sleep)
        return await tests.run(stored, Conventions())


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    authority = PrivateAuthority()
    entra = EntraSandbox(authority, TENANT)
    await entra.start()
    azure = AzureDevOpsSandbox(tmp_path / "git")
    await azure.start()
    person = azure.add_person("Pullcord App", "app@example.com")
    azure.accept_tokens_of(entra.tokens, APP, person)
    azure.accept_tokens_of(entra.tokens, "", person)
    await azure.add_repository(azure.add_project("Shop"), "web", files={"a": "a"})
    yield Place(azure, entra, authority.pem)
    await azure.stop()
    await entra.stop()


def said(tried: Tried) -> str:
    return " ".join(f"{check.trouble} {check.says}" for check in tried.checks if not check.is_well)


async def test_a_client_secret_signs_in_and_its_token_is_kept(place: Place) -> None:
    place.entra.register(APP, secret=SECRET)
    tried = await place.try_with(SERVICE_PRINCIPAL, SECRET)
    assert said(tried) == ""
    assert tried.account is not None
    assert tried.account.display_name == "Pullcord App"
    assert place.entra.calls == 1


async def test_a_certificate_signs_in(place: Place) -> None:
    key, certificate = own_certificate()
    place.entra.register(APP, certificate=certificate)
    assert said(await place.try_with(CERTIFICATE, key + certificate)) == ""
    other_key, other = own_certificate()
    refused = said(await place.try_with(CERTIFICATE, other_key + other))
    assert refused.startswith("invalid_credentials")
    assert "AADSTS700027" in refused


async def test_a_managed_identity_signs_in(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", place.entra.metadata_url)
    place.entra.managed_identities.add("")
    assert said(await place.try_with(MANAGED_IDENTITY, "", client_id="", tenant="")) == ""
    refused = said(await place.try_with(MANAGED_IDENTITY, "", client_id="unknown", tenant=""))
    assert refused.startswith("invalid_credentials")


@pytest.mark.parametrize(
    ("secret", "client_id", "tenant", "names"),
    [
        ("wrong", APP, TENANT, "AADSTS7000215"),
        (SECRET, "nobody", TENANT, "AADSTS700016"),
        (SECRET, APP, "elsewhere", "tenant"),
    ],
)
async def test_what_entra_refuses_is_named_without_the_secret_CHECKS_23(
    place: Place, secret: str, client_id: str, tenant: str, names: str
) -> None:
    place.entra.register(APP, secret=SECRET)
    refused = await place.try_with(SERVICE_PRINCIPAL, secret, client_id=client_id, tenant=tenant)
    assert said(refused).startswith("invalid_credentials")
    assert names in said(refused)
    assert SECRET not in repr(refused)


async def test_a_service_principal_that_the_organisation_keeps_out_is_a_policy(
    place: Place,
) -> None:
    place.entra.register(APP, secret=SECRET)
    place.azure.organization.credentials.applications.clear()
    place.azure.sign_in_style = "unauthorized"
    assert said(await place.try_with(SERVICE_PRINCIPAL, SECRET)).startswith("policy")


async def test_a_token_that_azure_devops_refuses_is_fetched_anew(place: Place) -> None:
    place.entra.register(APP, secret=SECRET)
    reader = CredentialReader(place.box, login_url=place.entra.login_url)
    stored = StoredCredential(1, SERVICE_PRINCIPAL, "app", place.box.encrypt(SECRET), APP, TENANT)
    source = reader.sources([stored], Network(ca_pem=place.ca_pem))[1]
    first = await source.authorization()
    assert await source.authorization() == first
    source.refused()
    assert await source.authorization() != first
    await source.close()


@pytest.mark.parametrize("pem", ["", "nonsense", own_certificate()[1], own_certificate()[0]])
def test_a_certificate_file_needs_both_parts(pem: str) -> None:
    with pytest.raises(ValueError, match="both as PEM"):
        certificate_credential(pem)

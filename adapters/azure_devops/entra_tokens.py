"""Access tokens of Entra applications for Azure DevOps, by Microsoft's own library (MSAL).

Secret and certificate: https://learn.microsoft.com/entra/msal/python/
Managed identity: https://learn.microsoft.com/entra/msal/python/advanced/managed-identity
MSAL waits for the network, so it runs in a thread. It is loaded when it is first needed, because
with what it brings it takes ten megabytes.
"""

import asyncio
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from adapters.azure_devops.network import Network
from adapters.entra import AZURE_DEVOPS_SCOPE, EntraRefused, EntraUnreachable, refusal_text

TIMEOUT_S = 8.0
RESOURCE = AZURE_DEVOPS_SCOPE.removesuffix("/.default")

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.+?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL
)

Answer = Mapping[str, Any]


class EntraTokens:
    """Tokens of one application; MSAL keeps them until shortly before their end.

    Args:
        acquire: asks MSAL, blocking.
        forget: drops what MSAL has kept.
        close: ends its connections.
    """

    def __init__(
        self,
        acquire: Callable[[], Answer],
        forget: Callable[[], None],
        close: Callable[[], None],
    ) -> None:
        self._acquire = acquire
        self._forget = forget
        self._close = close
        self._one_at_a_time = threading.Lock()

    async def token(self) -> str:
        """A token that is good for now.

        Raises:
            EntraUnreachable: no usable answer of the sign-in service.
            EntraRefused: the application, its secret, certificate or tenant is refused.
        """
        return await asyncio.to_thread(self._token)

    def forget(self, _token: str) -> None:
        """The next token is a new one, because Azure DevOps refused this."""
        self._forget()

    async def close(self) -> None:
        """End the connections."""
        await asyncio.to_thread(self._close)

    def _token(self) -> str:
        with self._one_at_a_time:
            try:
                answer = self._acquire()
            except (httpx.HTTPError, OSError) as error:
                raise EntraUnreachable(
                    f"the sign-in service cannot be reached ({type(error).__name__})"
                ) from None
            except ValueError:  # MSAL: no discovery document, or no JSON
                raise EntraRefused(
                    "the sign-in service does not know the tenant, or its answer is not understood"
                ) from None
        token = answer.get("access_token")
        if isinstance(token, str) and token:
            return token
        if answer.get("error") in ("temporarily_unavailable", "server_error"):
            raise EntraUnreachable("the sign-in service is not available now")
        text, code = refusal_text(answer)
        raise EntraRefused(text, code=code)


def application_tokens(
    *,
    login_url: str,
    tenant: str,
    client_id: str,
    credential: str | Mapping[str, str],
    network: Network,
) -> EntraTokens:
    """Tokens of a service principal.

    ``credential`` is its secret, or what ``certificate_credential`` gives.
    """
    http = _Http(network)
    made: list[Any] = []  # MSAL asks the network when it is made, so that is done in the thread

    def acquire() -> Answer:
        if not made:
            import msal  # type: ignore[import-untyped]  # noqa: PLC0415 - see above; MSAL has no types

            made.append(
                msal.ConfidentialClientApplication(
                    client_id,
                    client_credential=credential,
                    authority=f"{login_url.rstrip('/')}/{tenant}",
                    instance_discovery=False,  # the authority is the administrator's setting
                    http_client=http,
                )
            )
        answer: Answer = made[0].acquire_token_for_client(scopes=[AZURE_DEVOPS_SCOPE])
        return answer

    return EntraTokens(acquire, made.clear, http.close)


def managed_identity_tokens(*, client_id: str, network: Network) -> EntraTokens:
    """Tokens of a managed identity; without ``client_id`` of the system-assigned one."""
    http = _Http(Network(ca_pem=network.ca_pem))  # the machine's own service is behind no proxy
    made: list[Any] = []

    def acquire() -> Answer:
        if not made:
            import msal  # noqa: PLC0415 - see above

            identity = (
                msal.UserAssignedManagedIdentity(client_id=client_id)
                if client_id
                else msal.SystemAssignedManagedIdentity()
            )
            made.append(msal.ManagedIdentityClient(identity, http_client=http))
        answer: Answer = made[0].acquire_token_for_client(resource=RESOURCE)
        return answer

    return EntraTokens(acquire, made.clear, http.close)


def certificate_credential(pem: str) -> Mapping[str, str]:
    """A private key and its certificate, as PEM, in the form that MSAL takes.

    Raises:
        ValueError: one of both is missing or cannot be read; nothing of it is told.
    """
    key, certificate = _KEY.search(pem), _CERTIFICATE.search(pem)
    if key is None or certificate is None:
        raise ValueError("the file must hold the private key and the certificate, both as PEM")
    try:
        serialization.load_pem_private_key(key[0].encode(), password=None)
        loaded = x509.load_pem_x509_certificate(certificate[0].encode())
    except (ValueError, TypeError):
        raise ValueError("the private key or certificate cannot be read (no passphrase)") from None
    return {
        "private_key": key[0],
        "thumbprint": loaded.fingerprint(hashes.SHA1()).hex(),  # noqa: S303  Entra's name for it
        "public_certificate": certificate[0],
    }


class _Http:
    """httpx as MSAL calls it: form fields come as bytes too, which httpx would write ``b'…'``."""

    def __init__(self, network: Network) -> None:
        self._client = httpx.Client(
            verify=network.tls(),
            proxy=network.proxy or None,
            timeout=TIMEOUT_S,
            follow_redirects=False,
        )
        self.close = self._client.close

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> httpx.Response:
        return self._client.get(url, params=params, headers=headers)

    def post(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str | bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> httpx.Response:
        form = {
            name: value.decode() if isinstance(value, bytes) else value
            for name, value in (data or {}).items()
        }
        return self._client.post(url, params=params, data=form, headers=headers)

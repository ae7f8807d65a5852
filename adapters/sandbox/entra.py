"""A sign-in service and a machine's metadata service, for applications that use Azure DevOps.

Over https, because Microsoft's library takes no other. Source: "OAuth 2.0 client credentials flow"
and "Microsoft identity platform application authentication certificate credentials".
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

import jwt
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from adapters.sandbox.authority import PrivateAuthority

AZURE_DEVOPS = "499b84ac-1321-427f-aa17-267ca6975798"
LIFETIME_S = 3599


@dataclass(slots=True)
class _Application:
    secret: str = field(repr=False)
    certificate: str = ""


class EntraSandbox:
    """Hands out opaque tokens; ``tokens`` are those that are good, by value, with whose they are.

    Attributes:
        tokens: token to client id; remove one to make it worthless.
        managed_identities: client ids that the metadata service answers for; "" is the
            system-assigned one.
        calls: how often a token was asked for.
    """

    def __init__(self, authority: PrivateAuthority, tenant_id: str) -> None:
        self._authority = authority
        self.tenant_id = tenant_id
        self._applications: dict[str, _Application] = {}
        self._runner: web.AppRunner | None = None
        self.tokens: dict[str, str] = {}
        self.managed_identities: set[str] = set()
        self.calls = 0
        self.login_url = ""
        self.metadata_url = ""

    def register(self, client_id: str, *, secret: str = "", certificate: str = "") -> None:
        """Let an application sign in by secret or by the private key of a certificate (PEM)."""
        self._applications[client_id] = _Application(secret, certificate)

    async def start(self) -> None:
        """Serve both services on free loopback ports."""
        application = web.Application()
        application.add_routes(
            [
                web.get("/{tenant}/v2.0/.well-known/openid-configuration", self._discovery),
                web.post("/{tenant}/oauth2/v2.0/token", self._token),
                web.get("/metadata/identity/oauth2/token", self._metadata),
            ]
        )
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        tls = self._authority.server_context()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=tls).start()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        ports = [address[1] for address in self._runner.addresses]
        self.login_url = f"https://127.0.0.1:{ports[0]}"
        self.metadata_url = f"http://127.0.0.1:{ports[1]}"

    async def stop(self) -> None:
        """Stop serving."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _discovery(self, request: web.Request) -> web.Response:
        if request.match_info["tenant"] != self.tenant_id:
            return _refused(400, "invalid_tenant", 90002, "Tenant not found.")
        base = f"{self.login_url}/{self.tenant_id}"
        return web.json_response(
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
            }
        )

    async def _token(self, request: web.Request) -> web.Response:
        self.calls += 1
        form = {name: str(value) for name, value in (await request.post()).items()}
        client_id = form.get("client_id", "")
        known = self._applications.get(client_id)
        if known is None:
            return _refused(400, "unauthorized_client", 700016, "The application was not found.")
        if form.get("scope", "").split(" ")[0] != f"{AZURE_DEVOPS}/.default":
            return _refused(400, "invalid_scope", 70011, "The scope is not valid.")
        if assertion := form.get("client_assertion"):
            if not self._is_signed(assertion, client_id, known):
                return _refused(401, "invalid_client", 700027, "The certificate is not known.")
        elif not known.secret or form.get("client_secret") != known.secret:
            return _refused(401, "invalid_client", 7000215, "Invalid client secret provided.")
        return web.json_response(self._issued(client_id))

    def _is_signed(self, assertion: str, client_id: str, known: _Application) -> bool:
        if not known.certificate:
            return False
        key = x509.load_pem_x509_certificate(known.certificate.encode()).public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        endpoint = f"{self.login_url}/{self.tenant_id}/oauth2/v2.0/token"
        try:
            claims = jwt.decode(assertion, key, algorithms=["RS256", "PS256"], audience=endpoint)
        except jwt.InvalidTokenError:
            return False
        return bool(claims["iss"] == client_id)

    async def _metadata(self, request: web.Request) -> web.Response:
        self.calls += 1
        client_id = request.query.get("client_id", "")
        if request.headers.get("Metadata") != "true" or client_id not in self.managed_identities:
            return web.json_response(
                {"error": "invalid_request", "error_description": "Identity not found"}, status=400
            )
        issued = self._issued(client_id)
        return web.json_response({**issued, "expires_in": str(LIFETIME_S)})

    def _issued(self, client_id: str) -> dict[str, object]:
        token = secrets.token_urlsafe(48)
        self.tokens[token] = client_id
        return {"token_type": "Bearer", "expires_in": LIFETIME_S, "access_token": token}


def _refused(status: int, error: str, code: int, why: str) -> web.Response:
    return web.json_response(
        {"error": error, "error_description": f"AADSTS{code}: {why}", "error_codes": [code]},
        status=status,
    )

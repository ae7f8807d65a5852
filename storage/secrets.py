"""Secrets at rest: credentials encrypted, webhook secrets as hashes only."""

import hmac
import secrets
from collections.abc import Sequence
from hashlib import blake2b

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

SHORTEST_SECRET = 20
_SCHEME, _OLD_SCHEME = "blake2b", "hmac-sha256"
_SALT_BYTES = 16
_TAG_LENGTH = 12


class SecretKeyError(Exception):
    """A stored credential cannot be used. ``str()`` says what to do and holds no secret."""


class NoSecretKey(SecretKeyError):
    """PULLCORD_SECRET_KEY is not set, or is not a key."""


class WrongSecretKey(SecretKeyError):
    """What is stored was encrypted with none of the keys."""


class WeakSecret(ValueError):
    """A webhook secret is too short to be kept as a fast hash."""


class SecretBox:
    """Encrypts credentials (Fernet: AES-128-CBC with HMAC-SHA256, see cryptography's manual).

    Args:
        keys: the first encrypts, all decrypt; so a new key is put before the old one.

    Raises:
        NoSecretKey: there is no key, or one is not as ``new_key`` makes them.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise NoSecretKey(
                "PULLCORD_SECRET_KEY is not set; `pullcord secret-key` makes one. Keep it safe:"
                " stored credentials cannot be read without it."
            )
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError:
            raise NoSecretKey(
                "PULLCORD_SECRET_KEY is not a key; `pullcord secret-key` makes one."
            ) from None

    def __repr__(self) -> str:
        return "SecretBox(…)"

    def encrypt(self, secret: str) -> str:
        """The secret as it is stored."""
        return self._fernet.encrypt(secret.encode()).decode("ascii")

    def decrypt(self, stored: str) -> str:
        """The secret again.

        Raises:
            WrongSecretKey: it was encrypted with another key, or changed since.
        """
        try:
            return self._fernet.decrypt(stored.encode()).decode()
        except InvalidToken:
            raise WrongSecretKey(
                "A stored credential cannot be decrypted with PULLCORD_SECRET_KEY: set the key it"
                " was stored with, or store the credential again (`pullcord connect`)."
            ) from None

    def rotate(self, stored: str) -> str:
        """The same secret, encrypted with the first key.

        Raises:
            WrongSecretKey: it was encrypted with another key, or changed since.
        """
        return self.encrypt(self.decrypt(stored))


def new_key() -> str:
    """A fresh key for SecretBox."""
    return Fernet.generate_key().decode("ascii")


def new_webhook_secret() -> str:
    """A fresh webhook secret: 256 random bits, safe in headers and URLs."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """The hash of a webhook secret, as it is stored: ``blake2b$SALT$DIGEST`` (RFC 7693, keyed).

    It is checked for each webhook, so it must be fast. A slow hash protects passwords that can be
    guessed; a generated secret of 256 bits cannot be, however fast the hash is.

    Raises:
        WeakSecret: it is shorter than 20 characters, so it might be guessed after all.
    """
    if len(secret) < SHORTEST_SECRET:
        raise WeakSecret(f"A webhook secret needs at least {SHORTEST_SECRET} characters.")
    salt = secrets.token_bytes(_SALT_BYTES)
    return f"{_SCHEME}${salt.hex()}${_digest(_SCHEME, salt, secret)}"


class SecretHash:
    """A stored hash, taken apart once, because it is checked for each webhook."""

    __slots__ = ("_digest", "_salt", "_scheme")

    def __init__(self, stored: str) -> None:
        self._scheme, _, rest = stored.partition("$")
        salt, _, digest = rest.partition("$")
        is_known = self._scheme in (_SCHEME, _OLD_SCHEME) and bool(digest)
        self._salt = bytes.fromhex(salt) if is_known else b""
        self._digest = digest if is_known else ""

    def fits(self, secret: str) -> bool:
        """Whether this is the secret, in constant time. An empty hash fits no secret."""
        return hmac.compare_digest(_digest(self._scheme, self._salt, secret), self._digest)


def verify_secret(secret: str, stored: str) -> bool:
    """Whether this is the secret of that hash, in constant time. An empty hash fits no secret."""
    return SecretHash(stored).fits(secret)


def tag_of(stored: str) -> str:
    """A name for a webhook secret by its stored hash: the beginning of its salt, nothing secret."""
    return stored.partition("$")[2][:_TAG_LENGTH]


def _digest(scheme: str, salt: bytes, secret: str) -> str:
    raw = secret.encode("utf-8", "surrogatepass")
    if scheme == _OLD_SCHEME:  # of secrets that were stored before
        return hmac.digest(salt, raw, "sha256").hex()
    # Python's own, not OpenSSL's, which takes twice as long: it is done for each webhook.
    return blake2b(raw, key=salt, digest_size=32).hexdigest()

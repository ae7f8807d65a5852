"""Secrets at rest."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.secrets import (
    NoSecretKey,
    SecretBox,
    SecretKeyError,
    WeakSecret,
    WrongSecretKey,
    hash_secret,
    new_key,
    new_webhook_secret,
    verify_secret,
)

KEY = new_key()


@given(st.text())
def test_a_credential_comes_back_as_it_was(secret: str) -> None:
    box = SecretBox([KEY])
    try:
        stored = box.encrypt(secret)
    except UnicodeEncodeError:
        assert not secret.isprintable()
        return
    assert box.decrypt(stored) == secret


def test_what_is_stored_does_not_hold_the_secret() -> None:
    """CHECKS 23."""
    box = SecretBox([KEY])
    assert "canary" not in box.encrypt("canary-secret")
    assert KEY not in repr(box)
    assert "canary" not in hash_secret("canary-secret-of-some-length")


def test_the_first_key_encrypts_and_all_decrypt() -> None:
    old, new = new_key(), new_key()
    stored = SecretBox([old]).encrypt("secret")
    both = SecretBox([new, old])
    assert both.decrypt(stored) == "secret"
    rotated = both.rotate(stored)
    assert SecretBox([new]).decrypt(rotated) == "secret"
    with pytest.raises(WrongSecretKey):
        SecretBox([old]).decrypt(rotated)


@pytest.mark.parametrize("keys", [[], [""], ["canary"], [KEY, "canary"]])
def test_a_missing_or_broken_key_says_what_to_do(keys: list[str]) -> None:
    with pytest.raises(NoSecretKey, match="pullcord secret-key") as caught:
        SecretBox(keys)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("stored", ["", "canary", "gAAAAABcanary", "ü"])
def test_what_was_not_encrypted_with_the_key_is_a_typed_error(stored: str) -> None:
    with pytest.raises(SecretKeyError, match="PULLCORD_SECRET_KEY") as caught:
        SecretBox([KEY]).decrypt(stored)
    assert "canary" not in str(caught.value)


def test_a_webhook_secret_fits_its_hash_only() -> None:
    """CHECKS 18: the storage's part of it."""
    secret, other = new_webhook_secret(), new_webhook_secret()
    stored = hash_secret(secret)
    assert verify_secret(secret, stored)
    assert not verify_secret(other, stored)
    assert not verify_secret("", stored)
    assert not verify_secret(secret, "")
    assert not verify_secret("", "")
    assert not verify_secret(secret, "plain$aa$bb")
    assert not verify_secret("\ud800ü\x00", stored)
    assert hash_secret(secret) != stored  # salted


def test_a_webhook_secret_that_was_stored_before_still_fits() -> None:
    secret, salt = new_webhook_secret(), b"0123456789abcdef"
    digest = hmac.digest(salt, secret.encode(), "sha256").hex()
    stored = f"hmac-sha256${salt.hex()}${digest}"
    assert verify_secret(secret, stored)
    assert not verify_secret(secret + "x", stored)
    assert not verify_secret(secret, stored.replace("hmac-sha256", "blake2b"))


@pytest.mark.parametrize("secret", ["", "short", "x" * 19])
def test_a_short_webhook_secret_is_refused(secret: str) -> None:
    with pytest.raises(WeakSecret, match="20"):
        hash_secret(secret)

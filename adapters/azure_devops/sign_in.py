"""Whether Azure DevOps knows a credential at all (connectionData), and how sure its refusal is."""

from typing import Any

from adapters.azure_devops.fields import Fields
from bot.ports import AuthenticationFailed

ANONYMOUS_ID = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
"""connectionData's user when nobody is signed in and the organisation has public projects."""

UNAUTHORIZED = 401


def check_signed_in(body: Any) -> Fields:
    """The signed-in user of an answer of ``_apis/connectionData``.

    Raises:
        AuthenticationFailed: it is nobody.
        FieldError: the answer is not as documented.
    """
    user = Fields.of(body, "answer").object("authenticatedUser")
    if user.guid("id") == ANONYMOUS_ID:
        raise AuthenticationFailed(
            "Azure DevOps does not know the credential and treats it as nobody"
        )
    return user


def is_certain(refusal: AuthenticationFailed) -> bool:
    """Whether a refusal is of the credential itself: a sign-in page, an expired token, a policy.

    A plain 401 is also what a token gets whose scopes leave the call out.
    """
    return refusal.status != UNAUTHORIZED or "has expired" in str(refusal)

import json

import pytest

from adapters.azure_devops.errors import RELATION_EXISTS, retry_after_s, to_error
from bot.ports import (
    AuthenticationFailed,
    AzureDevOpsError,
    BadAnswer,
    Conflict,
    Forbidden,
    NotFound,
    RateLimited,
    Rejected,
    Unreachable,
)


def body(message: str, type_key: str = "SomeException", **more: object) -> bytes:
    return json.dumps(
        {
            "$id": "1",
            "innerException": None,
            "message": message,
            "typeName": f"Microsoft.Sample.{type_key}, Microsoft.Sample",
            "typeKey": type_key,
            "errorCode": 0,
            "eventId": 3000,
            **more,
        }
    ).encode()


@pytest.mark.parametrize(
    ("status", "content", "kind", "code"),
    [
        (203, b"<html>Sign in</html>", AuthenticationFailed, ""),
        (200, b"<html>Sign in</html>", AuthenticationFailed, ""),
        (302, b"", AuthenticationFailed, ""),
        (401, b"", AuthenticationFailed, ""),
        (401, body("TF400813: The user '' is not authorized."), AuthenticationFailed, "TF400813"),
        (403, body("VS403463: Conditional Access"), AuthenticationFailed, "VS403463"),
        (403, b"<html>no</html>", Forbidden, "WebPage"),
        (
            403,
            body("not editable", "GitPullRequestStatusNotEditableException"),
            Forbidden,
            "GitPullRequestStatusNotEditableException",
        ),
        (404, b"", NotFound, ""),
        (
            404,
            body("TF401019: no repository", "GitRepositoryNotFoundException"),
            NotFound,
            "TF401019",
        ),
        (404, body("TF200016: no project"), NotFound, "TF200016"),
        (
            400,
            body("gone", "WorkItemTypeNotFoundException"),
            NotFound,
            "WorkItemTypeNotFoundException",
        ),
        (409, body("TF401192: stale", "GitPullRequestStaleException"), Conflict, "TF401192"),
        (409, body("TF401179: exists", "GitPullRequestExistsException"), Conflict, "TF401179"),
        (400, body("TF401179: exists"), Conflict, "TF401179"),
        (400, body("moved", "GitReferenceStaleException"), Conflict, "GitReferenceStaleException"),
        (
            400,
            body("The path '/x' in the add operation already exists."),
            Conflict,
            "SomeException",
        ),
        (412, body("VS403351: rev"), Conflict, "VS403351"),
        (400, body("TF201036: Relation already exists."), Conflict, RELATION_EXISTS),
        (
            400,
            body("no", "VssVersionOutOfRangeException"),
            Rejected,
            "VssVersionOutOfRangeException",
        ),
        (400, b"", Rejected, ""),
        (405, b"null", Rejected, ""),
        (422, b"[" * 100_000, Rejected, ""),
        (429, body("TF400733: blocked"), RateLimited, "TF400733"),
        (500, body("oops"), Unreachable, "SomeException"),
        (503, b"<html>", Unreachable, ""),
        (408, b"", Unreachable, ""),
        (301, b"", BadAnswer, ""),
    ],
)
def test_each_answer_becomes_its_error(
    status: int, content: bytes, kind: type[AzureDevOpsError], code: str
) -> None:
    error = to_error(status, {}, content)
    assert type(error) is kind
    assert (error.code, error.status) == (code, status)
    assert str(error).startswith("Azure DevOps")


def test_a_redirect_to_the_sign_in_is_an_authentication_failure_with_any_status() -> None:
    location = {"location": "https://spsprod.example.com/_signin?realm=x"}
    assert isinstance(to_error(307, location, b""), AuthenticationFailed)


def test_an_expired_token_is_told_as_such() -> None:
    text = b"Access Denied: The Personal Access Token used has expired."
    assert str(to_error(401, {}, text)) == "Azure DevOps: the personal access token has expired"


def test_iis_basic_authentication_is_suspected_on_a_server() -> None:
    headers = {"www-authenticate": 'Basic realm="ado.example.com"'}
    assert "IIS Basic Authentication" in str(to_error(401, headers, b""))
    services = {"www-authenticate": 'Bearer authorization_uri=x, Basic realm="y"'}
    assert "IIS" not in str(to_error(401, services, b""))


def test_broken_work_item_rules_are_named() -> None:
    rules = [
        {"fieldReferenceName": "System.State", "errorMessage": "not in the list"},
        {"fieldReferenceName": "System.Title", "errorMessage": "required"},
    ]
    answer = body("TF401320: Rule Error", customProperties={"RuleValidationErrors": rules})
    error = to_error(400, {}, answer)
    assert isinstance(error, Rejected)
    assert str(error) == "Azure DevOps: System.State: not in the list; System.Title: required"


def test_messages_are_one_short_line_without_control_characters_CHECKS_20() -> None:
    error = to_error(400, {}, body("a\r\n\x1b[31mb\u202ec\u200bd" + "x" * 5000))
    assert str(error).startswith("Azure DevOps: a [31mb c dxxx")
    assert len(str(error)) < 330
    assert str(error).endswith("…")


def test_html_is_never_quoted() -> None:
    assert "secret" not in str(to_error(403, {}, b"<html>Authorization: secret</html>"))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "0"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "999999"}, 3600.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Fri, 20 Nov 2026 09:00:10 GMT"}, None),
        (
            {
                "date": "Fri, 20 Nov 2026 09:00:00 GMT",
                "retry-after": "Fri, 20 Nov 2026 09:00:10 GMT",
            },
            10.0,
        ),
    ],
)
def test_retry_after_is_read_in_seconds(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds

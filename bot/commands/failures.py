"""What a failed call to Azure DevOps is called in a reply: why, and what to do next."""

from bot.ports import (
    AuthenticationFailed,
    AzureDevOpsError,
    BadAnswer,
    Conflict,
    ConnectionPaused,
    Forbidden,
    NotFound,
    RateLimited,
    Rejected,
    Unreachable,
)

ANSWER_WITHIN_S = 8.0
"""A person waits ten seconds at most to hear that Azure DevOps does not answer."""

THEY = "Azure DevOps"

_NEXT_STEPS: tuple[tuple[type[AzureDevOpsError], str, str], ...] = (
    (Unreachable, "Azure DevOps cannot be reached.", "Please try again in a few minutes."),
    (
        ConnectionPaused,
        "Azure DevOps is paused.",
        "I go on by myself once an administrator has renewed the credential.",
    ),
    (
        AuthenticationFailed,
        "Azure DevOps does not accept my credential.",
        "An operator has to renew it; `pullcord doctor` says which one.",
    ),
    (
        Forbidden,
        "Azure DevOps does not let me do this.",
        "Somebody who manages the project has to give my account the permission.",
    ),
    (NotFound, "Azure DevOps does not have it, or hides it from my account.", "Check the number."),
    (
        Conflict,
        "It was changed in Azure DevOps at the same moment.",
        "Please give the command again.",
    ),
    (Rejected, "Azure DevOps refused the change.", "Correct it there, then try again."),
    (
        BadAnswer,
        "Azure DevOps gave an answer that I do not understand.",
        "Please tell an operator if this stays so.",
    ),
)


def explain(error: AzureDevOpsError) -> str:
    """Two or three plain sentences: what happened, Azure DevOps' own words, and the next step."""
    if isinstance(error, RateLimited):
        wait = max(1, round(error.retry_after_s))
        return f"Azure DevOps asks me to slow down. Please try again in {wait} seconds."
    for kind, happened, next_step in _NEXT_STEPS:
        if isinstance(error, kind):
            own = str(error).strip()
            if kind is ConnectionPaused and own:  # our own words, with the connection's name
                return f"{own[0].upper()}{own[1:].rstrip('.')}. {next_step}"
            if own.startswith(happened.rstrip(".")):  # said in these words already, with a detail
                return f"{own.rstrip('.')}. {next_step}"
            return f"{happened} {_own_words(own)}{next_step}"
    return f"Azure DevOps reported a failure. {_own_words(str(error))}Please try again."


def _own_words(words: str) -> str:
    """What Azure DevOps said is ``Azure DevOps: words``; what we say of it begins otherwise."""
    words = words.strip().removeprefix(f"{THEY}: ")
    if not words:
        return ""
    is_ours = words.startswith((THEY, "the connection "))
    said = f"{words[0].upper()}{words[1:]}" if is_ours else f"It says: {words}"
    return f"{said} " if said[-1] in ".!?" else f"{said}. "

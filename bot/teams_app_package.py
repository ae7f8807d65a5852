"""The Teams app package: manifest and icons in one zip, made from ``manifest/`` and the settings.

Source: Microsoft Teams, "App manifest schema" (version 1.25) and "App package".
"""

import io
import json
import uuid
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bot.commands.catalogue import REGISTRY
from bot.commands.registry import manifest_commands
from bot.teams_model import ConversationKind

SCOPES = {
    "team": ConversationKind.CHANNEL,
    "groupChat": ConversationKind.GROUP,
    "personal": ConversationKind.PERSONAL,
}
SERVICES_DOMAINS = ("dev.azure.com", "*.visualstudio.com")
FILES = ("color.png", "outline.png")
LONGEST_PUBLISHER = 32
LONGEST_URL = 2048
_EPOCH = (2026, 1, 1, 0, 0, 0)  # the same settings give the same bytes


class PackageError(Exception):
    """The package cannot be made; ``str()`` names the setting and what to do."""


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who publishes the app, as people see it before they add it. Pages are https addresses.

    ``privacy_url`` and ``terms_url`` may be empty: then ``url`` stands for them.
    """

    name: str
    url: str
    privacy_url: str = ""
    terms_url: str = ""


def manifest(
    app_id: str, public_url: str, publisher: Publisher, *, link_domains: Sequence[str] = ()
) -> dict[str, Any]:
    """The app manifest for a bot.

    Args:
        app_id: the bot's application (client) id, a GUID; it is the app's id too.
        public_url: where the bot is reached; its host becomes a valid domain. May be empty.
        publisher: whose app it is.
        link_domains: hosts of Azure DevOps whose pasted addresses get a preview; Services' if none.

    Raises:
        PackageError: the id is not a GUID, or what Teams wants to know of the publisher is missing.
    """
    try:
        uuid.UUID(app_id)
    except ValueError:
        raise PackageError(
            "PULLCORD_TEAMS_APP_ID must be the bot's application id, a GUID like "
            "00000000-0000-0000-0000-000000000000"
        ) from None
    document: dict[str, Any] = json.loads(_template("manifest.json").read_bytes())
    document["id"] = app_id
    document["developer"] = _developer(publisher)
    document["bots"][0]["botId"] = app_id
    document["bots"][0]["commandLists"] = command_lists()
    document["composeExtensions"] = _link_previews(app_id, link_domains)
    host = urlsplit(public_url).hostname
    document["validDomains"] = [host] if host else []
    return document


def _developer(publisher: Publisher) -> dict[str, str]:
    name = publisher.name.strip()
    if not 0 < len(name) <= LONGEST_PUBLISHER:
        raise PackageError(f"PULLCORD_PUBLISHER_NAME must have 1 to {LONGEST_PUBLISHER} characters")
    if not publisher.url:
        raise PackageError(
            "PULLCORD_PUBLISHER_URL is not set: Teams shows people who publishes an app. Set it to "
            "an https page of your team or company. PULLCORD_PUBLISHER_PRIVACY_URL and "
            "PULLCORD_PUBLISHER_TERMS_URL are that page too, unless you set them"
        )
    privacy_url = publisher.privacy_url or publisher.url
    terms_url = publisher.terms_url or publisher.url
    return {
        "name": name,
        "websiteUrl": _page("PULLCORD_PUBLISHER_URL", publisher.url),
        "privacyUrl": _page("PULLCORD_PUBLISHER_PRIVACY_URL", privacy_url),
        "termsOfUseUrl": _page("PULLCORD_PUBLISHER_TERMS_URL", terms_url),
    }


def _page(setting: str, url: str) -> str:
    try:
        parts = urlsplit(url)
        is_page = parts.scheme == "https" and bool(parts.hostname) and not parts.username
    except ValueError:
        is_page = False
    if not is_page or len(url) > LONGEST_URL or any(character.isspace() for character in url):
        raise PackageError(f"{setting} must be an address like https://www.contoso.com/pullcord")
    return url


def command_lists() -> list[dict[str, Any]]:
    """What can be said in each scope, as Teams offers it while somebody writes."""
    return [
        {"scopes": [scope], "commands": manifest_commands(REGISTRY, kind)}
        for scope, kind in SCOPES.items()
    ]


def read_command_lists(package: bytes) -> object:
    """The command lists of a package that ``bot.teams_app_check`` found to be good."""
    with zipfile.ZipFile(io.BytesIO(package)) as opened:
        document = json.loads(opened.read("manifest.json").decode("utf-8-sig"))
    return document["bots"][0].get("commandLists")


def build_package(
    app_id: str, public_url: str, publisher: Publisher, *, link_domains: Sequence[str] = ()
) -> bytes:
    """The zip that an administrator uploads to Teams; raises PackageError."""
    document = manifest(app_id, public_url, publisher, link_domains=link_domains)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        text = json.dumps(document, indent=2, ensure_ascii=False)
        _add(package, "manifest.json", text.encode())
        for name in FILES:
            _add(package, name, _template(name).read_bytes())
    return buffer.getvalue()


def _link_previews(app_id: str, domains: Sequence[str]) -> list[dict[str, Any]]:
    """Teams asks the bot for a preview when an address on one of these hosts is pasted."""
    value = {"domains": list(dict.fromkeys(domains)) or list(SERVICES_DOMAINS)}
    return [{"botId": app_id, "messageHandlers": [{"type": "link", "value": value}]}]


def _add(package: zipfile.ZipFile, name: str, content: bytes) -> None:
    package.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)


def _template(name: str) -> Traversable:
    """A file of ``manifest/``: inside the installed package, or at the top of a checkout."""
    installed = resources.files("bot") / "manifest_template" / name
    if installed.is_file():
        return installed
    return Path(__file__).parent.parent / "manifest" / name

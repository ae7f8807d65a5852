"""Whether a Teams app package is one that Teams takes, and the one of these settings.

What Teams demands is Microsoft's: "App manifest schema" (version 1.25), "App package" and "Design
your app's icon". Only what this bot's package has is looked at.
"""

import io
import json
import re
import struct
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

MOST_BYTES = 5_000_000
SCHEMA = "https://developer.microsoft.com/json-schemas/teams/v{version}/MicrosoftTeams.schema.json"
REQUIRED = (
    *("manifestVersion", "version", "id", "developer", "name", "description"),
    *("icons", "accentColor", "bots"),
)
LONGEST = {
    ("name", "short"): 30,
    ("name", "full"): 100,
    ("description", "short"): 80,
    ("description", "full"): 4_000,
    ("developer", "name"): 32,
}
PAGES = ("websiteUrl", "privacyUrl", "termsOfUseUrl")
SCOPES = frozenset({"team", "groupChat", "personal"})
MOST_COMMANDS = 10
LONGEST_TITLE = 32
LONGEST_COMMAND_DESCRIPTION = 128
MOST_DOMAINS = 16
MOST_COMMAND_LISTS = 3
ICONS = {"color": 192, "outline": 32}

_GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_VERSION = re.compile(r"(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){2}")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_PNG = b"\x89PNG\r\n\x1a\n"
_WITH_ALPHA = frozenset({4, 6})
"""PNG colour types that have an alpha channel (PNG specification, 11.2.2)."""


def problems(package: bytes, *, app_id: str = "") -> list[str]:
    """What is wrong with a package, a sentence each; empty when nothing is.

    Args:
        package: the zip.
        app_id: the bot that it must be for; "" when that is not known.
    """
    if len(package) > MOST_BYTES:
        return ["The package is larger than Teams takes."]
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as opened:
            files = {
                item.filename: opened.read(item)
                for item in opened.infolist()
                if item.file_size <= MOST_BYTES
            }
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError):
        return ["It is no zip file."]
    if "manifest.json" not in files:
        return ["manifest.json is not at the top of the zip."]
    try:
        document = json.loads(files["manifest.json"].decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return ["manifest.json is no JSON."]
    if not isinstance(document, dict):
        return ["manifest.json is no JSON object."]
    return [
        *_document(document),
        *_bots(document, app_id),
        *_links(document),
        *_icons(document, files),
    ]


def _document(document: Mapping[str, Any]) -> Iterator[str]:
    missing = [name for name in REQUIRED if not document.get(name)]
    if missing:
        yield f"The manifest has no {', '.join(missing)}."
    version = str(document.get("manifestVersion", ""))
    if document.get("$schema") != SCHEMA.format(version=version):
        yield "$schema is not that of its manifestVersion."
    if not _VERSION.fullmatch(str(document.get("version", ""))):
        yield "version is not three numbers with dots."
    if not _GUID.fullmatch(str(document.get("id", ""))):
        yield "id is no GUID."
    if not _COLOUR.fullmatch(str(document.get("accentColor", ""))):
        yield "accentColor is not like #264678."
    for (part, name), limit in LONGEST.items():
        text = _object(document, part).get(name, "")
        if not isinstance(text, str) or not 0 < len(text) <= limit:
            yield f"{part}.{name} must have 1 to {limit} characters."
    for name in PAGES:
        if not str(_object(document, "developer").get(name, "")).startswith("https://"):
            yield f"developer.{name} is no https address."
    domains = _list(document, "validDomains")
    if len(domains) > MOST_DOMAINS or any("/" in str(domain) for domain in domains):
        yield f"validDomains must be at most {MOST_DOMAINS} host names."


def _bots(document: Mapping[str, Any], app_id: str) -> Iterator[str]:
    bots = _list(document, "bots")
    if len(bots) != 1 or not isinstance(bots[0], dict):
        yield "There must be one bot."
        return
    bot = bots[0]
    if not _GUID.fullmatch(str(bot.get("botId", ""))):
        yield "bots[0].botId is no GUID."
    elif app_id and str(bot["botId"]).lower() != app_id.lower():
        yield "It is the package of another bot than PULLCORD_TEAMS_APP_ID."
    scopes = {str(scope) for scope in _list(bot, "scopes")}
    if not scopes or not scopes <= SCOPES:
        yield f"bots[0].scopes must be of {', '.join(sorted(SCOPES))}."
    lists = _list(bot, "commandLists")
    if len(lists) > MOST_COMMAND_LISTS:
        yield f"bots[0].commandLists has more than {MOST_COMMAND_LISTS} lists."
    for place, each in enumerate(lists):
        yield from _commands(
            each if isinstance(each, dict) else {}, f"commandLists[{place}]", scopes
        )


def _commands(listed: Mapping[str, Any], where: str, scopes: set[str]) -> Iterator[str]:
    if not {str(scope) for scope in _list(listed, "scopes")} <= scopes:
        yield f"{where} is for a scope that the bot has not."
    commands = _list(listed, "commands")
    if not 0 < len(commands) <= MOST_COMMANDS:
        yield f"{where} must have 1 to {MOST_COMMANDS} commands."
    for command in commands:
        title, description = _texts(command, "title", "description")
        if not 0 < len(title) <= LONGEST_TITLE:
            yield f"{where}: a title must have 1 to {LONGEST_TITLE} characters."
        if not 0 < len(description) <= LONGEST_COMMAND_DESCRIPTION:
            yield f"{where}: the description of {title!r} is empty or too long."


def _links(document: Mapping[str, Any]) -> Iterator[str]:
    extensions = _list(document, "composeExtensions")
    if len(extensions) > 1:
        yield "There is more than one compose extension."
    for extension in extensions:
        bots = _list(document, "bots")
        bot = bots[0].get("botId") if bots and isinstance(bots[0], dict) else None
        if not isinstance(extension, dict) or extension.get("botId") != bot:
            yield "The compose extension is of another bot."
            continue
        for handler in _list(extension, "messageHandlers"):
            domains = _list(_object(handler, "value"), "domains")
            if not domains or any(not _is_domain(domain) for domain in domains):
                yield "The domains of link previews must be host names."


def _is_domain(domain: object) -> bool:
    pattern = r"(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?"
    return isinstance(domain, str) and re.fullmatch(pattern, domain) is not None


def _icons(document: Mapping[str, Any], files: Mapping[str, bytes]) -> Iterator[str]:
    for kind, side in ICONS.items():
        name = _object(document, "icons").get(kind)
        content = files.get(name) if isinstance(name, str) else None
        if content is None:
            yield f"The {kind} icon is not in the package."
            continue
        found = _png(content)
        if found is None:
            yield f"The {kind} icon is no PNG."
            continue
        width, height, colour_type = found
        if (width, height) != (side, side):
            yield f"The {kind} icon is {width}×{height}; Teams wants {side}×{side}."
        if kind == "outline" and colour_type not in _WITH_ALPHA and b"tRNS" not in content:
            yield "The outline icon has no transparency."


def _png(content: bytes) -> tuple[int, int, int] | None:
    """Width, height and colour type of a PNG (PNG specification, 11.2.2 IHDR)."""
    if not content.startswith(_PNG) or content[12:16] != b"IHDR" or len(content) < 33:
        return None
    width, height, _depth, colour_type = struct.unpack(">IIBB", content[16:26])
    return width, height, colour_type


def _object(value: object, name: str) -> Mapping[str, Any]:
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _list(value: object, name: str) -> list[Any]:
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, list) else []


def _texts(value: object, *names: str) -> list[str]:
    found = [value.get(name) if isinstance(value, Mapping) else None for name in names]
    return [each if isinstance(each, str) else "" for each in found]

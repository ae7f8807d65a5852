"""Whether the outside reaches us, by a good certificate, and whether the clock is right."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import aiohttp

from bot.cli.examining.finding import Finding
from bot.log_text import log_safe
from bot.ports import utc_now
from bot.settings import LOOPBACK_HOSTS, Settings

WITHIN_S = 10.0
MOST_SKEW = timedelta(minutes=2)
"""Tokens are taken with five minutes of leeway; Azure DevOps' times are compared with ours."""
CERTIFICATE_SOON = timedelta(days=14)
MESSAGES = "/api/messages"
METHOD_NOT_ALLOWED = 405


async def public_url(settings: Settings, http: aiohttp.ClientSession) -> list[Finding]:
    """Whether PULLCORD_PUBLIC_URL leads here, and how long its certificate is good."""
    what = "public URL"
    url = settings.public_url
    if not url:
        return [
            Finding(
                what,
                False,
                "PULLCORD_PUBLIC_URL is not set, so hooks cannot be made",
                "Set it to the https address at which Azure DevOps and Teams reach this machine.",
            )
        ]
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK_HOSTS:
        return [
            Finding(
                what,
                False,
                f"{url} is not https: Teams calls no other, and secrets would go in clear",
                "Put a proxy that ends https before Pullcord (docs/deploy).",
            )
        ]
    findings = [await _answers(what, url, http)]
    if parts.scheme == "https" and findings[0].is_well:
        findings += await _certificate(parts.hostname or "", parts.port or 443)
    return findings


async def _answers(what: str, url: str, http: aiohttp.ClientSession) -> Finding:
    """By an address that answers GET with 405 here, and with something else anywhere else."""
    try:
        async with (
            asyncio.timeout(WITHIN_S),
            http.get(url + MESSAGES, allow_redirects=False) as answer,
        ):
            status, allowed = answer.status, answer.headers.get("Allow", "")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        reason = log_safe(str(error) or "no answer in time")
        return Finding(
            what,
            False,
            f"{url} cannot be reached from here: {reason}",
            "Start `pullcord serve`; check the name, the proxy and the firewall. (Some networks do "
            "not let a machine reach itself from outside: then try it from elsewhere.)",
        )
    if status == METHOD_NOT_ALLOWED and "POST" in allowed:
        return Finding(what, True, f"{url} answers as Pullcord does")
    return Finding(
        what,
        False,
        f"{url}{MESSAGES} answers {status}: that is not Pullcord",
        f"Let the proxy pass {MESSAGES} and /webhooks/ on to Pullcord as they are.",
    )


async def _certificate(host: str, port: int) -> list[Finding]:
    what = "certificate"
    try:
        async with asyncio.timeout(WITHIN_S):
            _, writer = await asyncio.open_connection(
                host, port, ssl=ssl.create_default_context(), server_hostname=host
            )
    except ssl.SSLError as error:
        return [Finding(what, False, f"of {host} is not trusted: {error.reason}", "Renew it.")]
    except (TimeoutError, OSError):
        return []  # only a proxy of this machine's gets there, and that has looked at it
    certificate = writer.get_extra_info("peercert") or {}
    writer.close()
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    left = ends - utc_now()
    is_well = left > CERTIFICATE_SOON
    says = f"of {host} is good until {ends:%Y-%m-%d}"
    return [Finding(what, is_well, says, "" if is_well else "Renew it before that day.")]


async def clock(settings: Settings, http: aiohttp.ClientSession) -> Finding:
    """How far this machine's clock is from Microsoft's, whose signing keys must be reached too."""
    what = "clock"
    url = settings.teams_openid_metadata_url
    try:
        async with asyncio.timeout(WITHIN_S), http.get(url, allow_redirects=False) as answer:
            told = answer.headers.get("Date", "")
            status = answer.status
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        reason = log_safe(str(error) or "no answer in time")
        return Finding(
            what,
            False,
            f"{urlsplit(url).hostname} cannot be asked: {reason}",
            "Let this machine reach it: without its signing keys nobody in Teams is believed.",
        )
    try:
        skew = utc_now() - parsedate_to_datetime(told).astimezone(UTC)
    except ValueError:
        return Finding(what, True, f"{urlsplit(url).hostname} tells no time (answer {status})")
    seconds = round(skew.total_seconds())
    if abs(skew) > MOST_SKEW:
        where = "ahead" if seconds > 0 else "behind"
        return Finding(
            what,
            False,
            f"this machine is {abs(seconds)} seconds {where} of {urlsplit(url).hostname}",
            "Set the clock by NTP: tokens of Teams are refused beyond five minutes.",
        )
    return Finding(what, True, f"is right within {max(abs(seconds), 1)} s")

"""``POST /api/messages``: from an HTTP request to one event, or a refusal.

Teams repeats what is not answered within 15 s, so everything here is bounded below that.
"""

import asyncio
import logging
import traceback
from ipaddress import ip_address

import aiohttp
from aiohttp import web

from adapters.teams import body, invokes
from adapters.teams.adapter import TeamsAdapter
from adapters.teams.channel_token import ChannelToken, ChannelTokens
from adapters.teams.config import TeamsConfig
from adapters.teams.events import CARD_ACTION, event_of, link_of
from adapters.teams.fields import BadActivity, nested, required_text, text
from adapters.teams.places import is_channel, tenants_of
from adapters.teams.refusals import Refused, peer_address, refusal_answer
from adapters.teams.signing_keys import KeysUnavailable, SigningKeys
from bot.log_text import log_safe
from bot.metrics import MESSAGES
from bot.ports import Clock, PreviewLink, TeamsEvents, utc_now
from bot.teams_model import Json, LinkPasted, TeamsEvent

log = logging.getLogger(__name__)

# The only channel: in Web Chat or Direct Line the writer chooses tenant and sender.
CHANNEL = "msteams"
ANSWER_WITHIN_S = 12.0
PREVIEW_WITHIN_S = 4.0  # Teams gives up after five seconds
RETRY_AFTER_S = 5


class TeamsInbound:
    """Takes activities from Teams and hands each as one event to the bot.

    Args:
        config: Whom to believe.
        handle: Stores the event; see TeamsEvents.
        session: The shared HTTP session, for the signing keys.
        unavailable: What ``handle`` raises when it cannot store: answered 503.
        clock: Aware UTC times, for the tokens' lifetimes.
        preview: Draws what stands below a pasted address; None: nothing does.

    Attributes:
        is_closing: Set when the process stops: everything new is answered 503.
    """

    def __init__(
        self,
        config: TeamsConfig,
        handle: TeamsEvents,
        session: aiohttp.ClientSession,
        *,
        unavailable: tuple[type[Exception], ...] = (),
        clock: Clock = utc_now,
        preview: PreviewLink | None = None,
    ) -> None:
        self._config = config
        self._handle = handle
        self._unavailable = unavailable
        self._preview = preview
        self._tokens = ChannelTokens(
            SigningKeys(session, config.openid_metadata_url, clock),
            app_id=config.app_id,
            issuer=config.token_issuer,
            clock=clock,
        )
        self._adapter = TeamsAdapter()
        self.is_closing = False
        if config.unauthenticated:
            log.warning(
                "PULLCORD_TEAMS_UNAUTHENTICATED is on: every program on this machine can speak "
                "to the bot as anybody. Never use it where the bot can reach real work."
            )
        if not config.tenants:
            log.warning("no tenant is allowed: set PULLCORD_TEAMS_TENANT_ID, or nobody gets in")

    async def post(self, request: web.BaseRequest) -> web.Response:
        """Answer one request: 200, 4xx when it is refused, 503 when it cannot be taken now."""
        answer = await self._receive(request)
        MESSAGES.labels(status=str(answer.status)).inc()
        return answer

    async def _receive(self, request: web.BaseRequest) -> web.Response:
        if self.is_closing:
            return _not_now("Pullcord is stopping")
        try:
            body.check_size(request)
            token = await self._authenticated(request)
            activity = body.json_object(await body.read_body(request))
            self._check(activity, token)
        except Refused as refused:
            return refusal_answer(request, refused)
        except KeysUnavailable as error:
            log.warning("an activity was turned away: %s", error)
            return _not_now("the signing keys of Teams cannot be fetched")
        try:
            link = link_of(activity) if self._preview is not None else None
            event = event_of(activity)
        except BadActivity as error:
            refusal = refusal_answer(request, Refused(400, str(error)))
            if activity.get("name") != CARD_ACTION:
                return refusal
            return web.json_response(invokes.malformed_answer(str(error)), status=400)
        return await self._turn(activity, event, link)

    async def _authenticated(self, request: web.BaseRequest) -> ChannelToken | None:
        """The request's token; None for an unsigned one of the local Teams client."""
        authorization = request.headers.getall("Authorization", [])
        if self._config.unauthenticated and not authorization and _is_local(request):
            return None
        return await self._tokens.verify(authorization)

    def _check(self, activity: Json, token: ChannelToken | None) -> None:
        """Whether the token speaks for this activity, and the activity may come in at all."""
        try:
            required_text(activity, "type")
            channel = required_text(activity, "channelId")
            service_url = required_text(activity, "serviceUrl")
            required_text(nested(activity, "conversation"), "id", "conversation.")
            text(activity, "id")
            text(activity, "name")
            tenants = tenants_of(activity)
        except BadActivity as error:
            raise Refused(400, str(error)) from None
        if token is not None and channel not in token.endorsements:
            raise Refused(401, "the token's key is not endorsed for the channel", channel)
        if token is not None and token.service_url != service_url:
            raise Refused(401, "the token is for another service URL", service_url)
        if channel != CHANNEL:
            raise Refused(403, "the channel is not Teams", channel)
        if not self._config.hosts.allows(service_url):
            raise Refused(403, "the service URL is not on an allowed host", service_url)
        # In a shared channel somebody of another tenant writes: the bot says that it may not.
        checked = tenants[:1] if _is_said_in_a_channel(activity) else tenants
        for tenant in checked:
            if tenant.lower() not in self._config.tenants:
                raise Refused(403, "the tenant is not allowed", tenant or "none named")

    async def _turn(
        self, activity: Json, event: TeamsEvent | None, link: LinkPasted | None
    ) -> web.Response:
        is_invoke = activity["type"] == "invoke"

        async def answer() -> Json | None:
            if link is not None and self._preview is not None:
                async with asyncio.timeout(PREVIEW_WITHIN_S):
                    return invokes.preview_answer(await self._preview(link))
            if event is None:
                return invokes.not_offered_answer(text(activity, "name")) if is_invoke else None
            async with asyncio.timeout(ANSWER_WITHIN_S):
                answered = await self._handle(event)
            return invokes.card_answer(answered) if is_invoke else None

        try:
            said = await self._adapter.run_turn(activity, self._config.app_id, answer)
        except self._unavailable as error:
            log.warning("an activity could not be stored: %s", type(error).__name__)
            return _not_now("the activity cannot be stored now")
        except (
            Exception
        ) as error:  # a defect must become an answer: Teams shows anything else badly
            _log_failure(activity, error)
            if is_invoke:
                return web.json_response(invokes.failed_answer())
            return _not_now("the activity could not be handled")
        return web.json_response(said) if is_invoke else web.Response()


def _is_said_in_a_channel(activity: Json) -> bool:
    """Whether it is a message or a pressed button there: what a person is answered with a word."""
    is_said = activity["type"] in ("message", "messageUpdate")
    is_pressed = activity["type"] == "invoke" and text(activity, "name") == CARD_ACTION
    return (is_said or is_pressed) and is_channel(activity)


def _is_local(request: web.BaseRequest) -> bool:
    """Whether the connection itself is local, and nobody relays it: neither proxy nor browser."""
    if any(name in request.headers for name in ("Forwarded", "X-Forwarded-For", "Origin")):
        return False
    try:
        address = ip_address(peer_address(request))
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _not_now(reason: str) -> web.Response:
    return web.Response(status=503, text=reason, headers={"Retry-After": str(RETRY_AFTER_S)})


def _log_failure(activity: Json, error: Exception) -> None:
    """Kind and place of a failure; its message could hold what people wrote, or worse."""
    log.error(
        "handling %s %s failed with %s\n%s",
        log_safe(str(activity.get("type"))),
        log_safe(str(activity.get("name") or activity.get("id"))),
        type(error).__name__,
        "".join(traceback.format_tb(error.__traceback__)),
    )

"""Requests of other zones: who asks is known by a signature, and what it may have by its table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TypeVar

from twisted.logger import Logger
from twisted.web.http_headers import Headers

from .. import __version__
from ..answers import Powered, ZoneAbout, ZoneMachine, ZoneToken
from ..errors import (
    PolicyUnsupported,
    VMNotFound,
    VNCProxyError,
    ZoneDraining,
    ZoneError,
    ZoneForbidden,
    ZoneHopLimit,
    ZoneKeyRefused,
    ZoneLoop,
    ZonePolicyRefused,
)
from ..interfaces import ISessionRegistry, ITokenStore
from ..model import ConsoleType, Journey, Policy, UnixTime, Visit, VMAddress
from ..power import MachinePower
from ..tokens.issuing import IssueRequest, TokenIssuer
from ..tokens.machine_check import MachineCheck
from ..tokens.refusals import IssueRefused
from ..zones.receiving import Receiver, bearer, told
from ..zones.request import Act, Peer, Request, narrowed, passed
from .authentication import Unauthenticated
from .reply import Refusal, Reply

Body = TypeVar("Body")
Work = Callable[[Request, Peer], Awaitable[Reply[Body]]]

TTL = 30.0
"""Seconds within which a zone redeems the token that it was given."""

CHALLENGE = 'Bearer realm="vncproxy zone"'
"""The value of ``WWW-Authenticate`` where a request is not signed."""


class ZoneDesk:
    """Answers the requests of other zones.

    Args:
        zone: the name of this zone.
        peers: the zones that may ask, by name.
        store: remembers which requests came.
        issuer: issues the tokens.
        machines: checks that machines exist.
        sessions: whether this proxy takes new ones.
        time: wall-clock time.
        power: starts, stops and resets machines.
    """

    log = Logger()

    def __init__(
        self,
        zone: str,
        peers: Mapping[str, Peer],
        store: ITokenStore,
        issuer: TokenIssuer,
        machines: MachineCheck,
        sessions: ISessionRegistry,
        time: Callable[[], UnixTime],
        power: MachinePower,
    ) -> None:
        self._zone = zone
        self._receiver = Receiver(zone, peers, store, time)
        self._issuer = issuer
        self._machines = machines
        self._sessions = sessions
        self._time = time
        self._power = power

    async def issue(self, headers: Headers) -> Reply[ZoneToken]:
        """Issue a token that is good once, for a session of another zone.

        Raises:
            Refusal: with the code of a `ZoneError`, or of what is wrong with the machine.
        """
        return await self._answer(headers, Act.TOKEN, self._issue)

    async def check(self, headers: Headers) -> Reply[ZoneMachine]:
        """Make sure that a machine exists.

        Raises:
            Refusal: as `issue` does.
        """
        return await self._answer(headers, Act.CHECK, self._check)

    async def about(self, headers: Headers) -> Reply[ZoneAbout]:
        """Tell what this zone is, what time it has, and what the key may do.

        Raises:
            Refusal: as `issue` does.
        """
        return await self._answer(headers, Act.ABOUT, self._about)

    async def _answer(self, headers: Headers, act: Act, work: Work[Body]) -> Reply[Body]:
        if not bearer(headers):
            raise Unauthenticated("the request of another zone is signed", CHALLENGE)
        try:
            request, peer = await self._receiver.receive(headers, act)
            return await work(request, peer)
        except ZoneError as e:
            self.log.warn("zone request refused: {code}: {error}", code=e.code, error=e)
            raise Refusal(403, e.code, told(e)) from e

    async def _issue(self, request: Request, peer: Peer) -> Reply[ZoneToken]:
        vm = self._machine(request, peer)
        self._check_room()
        visit = Visit(request.iss, request.session or "", request.via)
        wanted = IssueRequest(
            vm,
            request.sub,
            ConsoleType.XVPVNC,  # no browser, hence no resume cookie: each entry asks again
            narrowed(request.policy, peer),
            TTL,
            visit=visit,
        )
        try:
            issued = await self._issuer.issue(wanted)
        except IssueRefused as e:
            raise _refused_by_rules(e) from e
        self.log.info(
            "zone {zone} gets token {token} for {vm}, user {user}, its session {session}",
            zone=request.iss,
            token=issued.id[:12],
            vm=vm,
            user=request.sub,
            session=request.session,
        )
        return Reply(201, {"token": issued.secret, "id": issued.id})

    async def power(self, headers: Headers) -> Reply[Powered]:
        """Start, stop or reset a machine for a user of another zone.

        Raises:
            Refusal: as `issue` does.
            VNCProxyError: see ``IPower``.
        """
        return await self._answer(headers, Act.POWER, self._act)

    async def _act(self, request: Request, peer: Peer) -> Reply[Powered]:
        vm, action = self._machine(request, peer), request.action
        who = {"user": request.sub, "from_zone": request.iss, "from_session": request.session}
        if action is None or action not in peer.power:
            refusal = ZoneForbidden(
                f"the zone {peer.name} may not {action and action.value}, accept.power"
            )
            if action is not None:
                self._power.refused(vm, action, refusal, who)
            raise refusal
        journey = Journey(request.session or "", request.sub, "", Policy(), request.via)
        done = await self._power.act(vm, action, journey, who)
        body: Powered = {"vm": str(vm), "action": action.value, "done": done}
        return Reply(200 if done else 202, body)

    async def _check(self, request: Request, peer: Peer) -> Reply[ZoneMachine]:
        vm = self._machine(request, peer)
        try:
            await self._machines.require(vm, request.via, partial(_check_shown, peer=peer))
        except IssueRefused as e:
            raise _refused_by_rules(e) from e
        return Reply(200, {"vm": str(vm)})

    async def _about(self, request: Request, peer: Peer) -> Reply[ZoneAbout]:
        body: ZoneAbout = {
            "zone": self._zone,
            "version": __version__,
            "time": self._time(),
            "backends": sorted(peer.backends),
            "hops": peer.hops,
            "max_duration": peer.max_duration,
            "idle_timeout": peer.idle_timeout,
            "mode": peer.mode.value,
        }
        return Reply(200, body)

    def _machine(self, request: Request, peer: Peer) -> VMAddress:
        """Return the machine that a request is about.

        Raises:
            ZoneLoop, ZoneHopLimit: its session has passed this zone, or too many.
            ZoneForbidden: the zone that asks may not see machines like this.
        """
        via = request.via
        if not via or via[-1] != request.iss:
            raise ZoneKeyRefused(f"the zone {request.iss} says it is {passed(via) or 'nowhere'}")
        if self._zone in via:
            raise ZoneLoop(f"{passed((*via, self._zone))}: the session has been here")
        if len(via) > peer.hops:
            raise ZoneHopLimit(
                f"{passed((*via, self._zone))}: {len(via)} borders, and from {request.iss} "
                f"{peer.hops} may be crossed, accept.hops"
            )
        return _allowed(request.vm, peer)

    def _check_room(self) -> None:
        refusal = self._sessions.refusal()
        if refusal is not None and refusal.elsewhere:
            raise ZoneDraining(refusal.code)


def _allowed(text: str, peer: Peer) -> VMAddress:
    try:
        vm = VMAddress.parse(text)
    except ValueError as e:
        raise Refusal(422, VMNotFound.code, str(e), field="vm") from e
    if not peer.may_see(vm.backend):
        raise ZoneForbidden(f"the zone {peer.name} may not use the backend {vm.backend!r}")
    return vm


def _check_shown(vm: VMAddress, peer: Peer) -> None:
    """Check where a backend points to, in one more zone."""
    if not peer.may_see(vm.backend):
        raise ZoneForbidden(f"the zone {peer.name} may not see the zone {vm.backend}")


def _refused_by_rules(error: IssueRefused) -> VNCProxyError:
    if error.reason == PolicyUnsupported.code:
        return ZonePolicyRefused(error.message)
    if error.field == "vm":
        return Refusal(404, VMNotFound.code, error.message, field="vm")
    return error

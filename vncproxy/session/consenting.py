"""Asks for consent and approval before the console of a session is connected.

Our page is asked by messages beside the console; other viewers look at a painted screen.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ..consent.approvals import Approvals
from ..consent.cards import ACCEPT, approval_card, banner_card, last_card, opening_card
from ..consent.consent import Consent
from ..consent.painted_viewer import PaintedViewer
from ..consent.pings import Pings
from ..errors import ClientGone, ConsentTimeout, ViewerHoldsKeys, VNCProxyError
from ..handshake.steps import StepError
from ..interfaces import IEventObserver
from ..model import Approval, Decided, Decision, Grant
from ..painted.card import Button
from ..relay.handshaking import run_handshake
from ..relay.leg import Leg
from ..upstream import Console
from .downstream import IDownstream
from .live import LiveSessions
from .page import BUILT_IN, Page
from .state import SessionState

NOTE_VIEW_ONLY: Final = " (view only)"
"""What viewers without a page find behind the desktop's name."""

QUIET_TIME: Final = 30.0
"""Seconds that a viewer may hold down keys until the console comes."""

LAST_CARD_TIME: Final = 8.0
"""Seconds for which a viewer without a page sees why its session does not begin."""

LAST_CARD_TIME_OF_A_STOP: Final = 2.0
"""The same where the proxy stops or is emptied, which waits for it."""

_SHORT: Final = 12


def noted(session: SessionState, name: str) -> str:
    """Return a desktop's name for the viewer of a session, which says that it only views."""
    if session.rights.may_control or session.user_request.can_move:
        return name
    return name.removesuffix(NOTE_VIEW_ONLY) + NOTE_VIEW_ONLY


def asks(grant: Grant, banner: str) -> bool:
    """Tell whether a session waits for consent or approval before it opens.

    A browser that enters a console again by its cookie has been asked before. The users of other
    zones are asked there.

    Args:
        banner: the text of the configuration; empty for none.
    """
    if grant.resumed:
        return False
    return grant.token.policy.asks or (bool(banner) and grant.token.visit is None)


class Consenting:
    """Asks for the consent and the approval that one session needs.

    Args:
        downstream: the connection of its user, whose token is good.
    """

    log = Logger()

    def __init__(self, session: SessionState, downstream: IDownstream, live: LiveSessions) -> None:
        self._session = session
        self._downstream = downstream
        self._live = live

    async def ask(self, grant: Grant) -> None:
        """Wait until nothing is missing.

        Raises:
            BannerDeclined, ApprovalDenied, ConsentTimeout: it will not come.
            ClientGone: the user has left.
        """
        session, services = self._session, self._live.services
        session.consent = consent = self._begin(grant)
        self._live.on_redeemed(session.id)
        limit = self._time_limit(grant)
        expiry = services.reactor.callLater(limit, self._expire, consent, limit)
        pings = None
        try:
            leg = await self._show(consent)
            pings = Pings(leg, services.timeouts, session.cancel)
            await consent.given
            await self._wait_until_quiet()
        finally:
            consent.on_change = consent.on_accepted = _nothing
            if pings is not None:
                pings.stop()
            if expiry.active():
                expiry.cancel()
        self._live.on_redeemed(session.id)

    def _begin(self, grant: Grant) -> Consent:
        policy = grant.token.policy
        own = "" if grant.token.visit else self._live.services.banner
        texts = dict.fromkeys(text for text in (own, policy.banner) if text)
        approvals = Approvals(policy.approval, grant.token.user)
        consent = Consent("\n\n".join(texts), approvals, self._live.services.time())
        consent.on_accepted = self._note_accepted
        return consent

    def _time_limit(self, grant: Grant) -> float:
        """Return the seconds that the wait may last; those of the session count from its start."""
        services, longest = self._live.services, grant.token.policy.max_duration
        if longest is None:
            return services.timeouts.approval
        since = services.reactor.seconds() - self._session.started
        left: float = longest - grant.age - since
        return max(1.0, min(services.timeouts.approval, left))

    def _expire(self, consent: Consent, limit: float) -> None:
        public = None if consent.accepted else "You did not answer in time. Open the link again."
        consent.refuse(ConsentTimeout(f"nothing in {limit:g} s, timeouts.approval", public=public))

    async def _show(self, consent: Consent) -> Leg:
        """Show the user what is asked; returns the leg to them."""
        session, leg = self._session, self._downstream.leg
        if session.user_request.can_talk and leg is not None:
            session.page = Page(session, leg, BUILT_IN)
            consent.on_change = lambda: session.tell_page("consent", **state_for_page(session))
        else:
            leg = await greet(self._downstream, self._live.services.timeouts.greeting)
            session.painted = PaintedViewer(leg, noted(session, self._machine))
            session.painted.on_press = self._pressed
            session.painted.on_violation = consent.refuse
            session.painted.start()
            consent.on_change = self._paint
        consent.on_change()
        return leg

    @property
    def _machine(self) -> str:
        return self._session.vm.vm if self._session.vm else ""

    def _paint(self) -> None:
        session = self._session
        assert session.painted is not None
        assert session.consent is not None
        consent = session.consent
        if not consent.accepted:
            session.painted.show(banner_card(consent.banner))
        else:
            state = consent.approvals.state()
            card = approval_card(state, self._machine, session.user, consent.since)
            session.painted.show(card)

    def _pressed(self, button: Button) -> None:
        consent = self._session.consent
        assert consent is not None
        if button == ACCEPT:
            consent.accept()
        else:
            consent.decline()

    async def _wait_until_quiet(self) -> None:
        """Wait until a viewer without a page holds nothing down, which would reach the console."""
        session = self._session
        if session.painted is None:
            session.tell_page("consent", given=True)
            return
        session.painted.on_violation = session.cancel
        session.painted.show(opening_card(self._machine))
        await wait_until_quiet(session.painted, self._live)

    def _note_accepted(self) -> None:
        assert self._session.consent is not None
        digest = hashlib.sha256(self._session.consent.banner.encode()).hexdigest()
        note(self._session, self._live, "accept", banner=digest[:_SHORT])


async def greet(downstream: IDownstream, limit: float) -> Leg:
    """Greet a viewer within a time limit in seconds; returns the leg to it.

    Raises:
        ClientGone: it has left, or does not answer.
    """
    try:
        leg = await downstream.open()
        await run_handshake(leg, downstream.greeting.greet(), limit)
    except StepError as e:
        raise ClientGone(f"the viewer left or fell silent: {e.detail}") from e
    return leg


async def leave_painted(
    painted: PaintedViewer, console: Console, server_init: bytes, live: LiveSessions
) -> bytes:
    """Bring a viewer from our painted screen to its console; returns what it is sent first.

    Args:
        server_init: the console's, with the name for the viewer.
    """
    try:
        await wait_until_quiet(painted, live)
        return painted.leave(server_init)
    except BaseException:
        console.leg.close(ClientGone(), live.services.timeouts.linger)
        raise


async def wait_until_quiet(painted: PaintedViewer, live: LiveSessions) -> None:
    """Wait until a viewer holds down no key and no button.

    Raises:
        ViewerHoldsKeys: it does for too long.
    """
    quiet = painted.wait_until_quiet()
    timer = live.services.reactor.callLater(QUIET_TIME, _give_up, quiet)
    try:
        await quiet
    finally:
        if timer.active():
            timer.cancel()


def _give_up(quiet: Deferred[None]) -> None:
    if not quiet.called:
        quiet.errback(ViewerHoldsKeys(f"a key or button is held down for {QUIET_TIME:g} s"))


async def show_last(session: SessionState, error: VNCProxyError, live: LiveSessions) -> None:
    """Show a viewer without a page why its session does not begin, for some seconds."""
    painted = session.painted
    if painted is None or painted.leg.is_closing:
        return
    seen = painted.show_last(last_card(error.sentence(session.id)))
    seconds = LAST_CARD_TIME_OF_A_STOP if error.elsewhere else LAST_CARD_TIME
    timer = live.services.reactor.callLater(seconds, painted.end_last)
    painted.leg.close_reason.addCallback(painted.end_last)
    await seen
    if timer.active():
        timer.cancel()


def note(session: SessionState, live: LiveSessions, event: str, **members: object) -> None:
    """Report an event of a session to the observers that take any."""
    info = session.info(live.services.reactor.seconds())
    for observer in live.services.observers:
        if IEventObserver.providedBy(observer):
            IEventObserver(observer).noted(info, event, members)


def decide(session: SessionState, decision: Decision, live: LiveSessions) -> Decided:
    """Take an approver's decision about a session."""
    consent = session.consent
    if consent is None or session.ending:
        return Decided(session.approval or Approval(0), waits=False)
    decided = consent.decide(decision)
    if decided.waits and not decided.refused:
        words = decision.reason or None
        note(session, live, decision.verdict.value, by=decision.approver, words=words)
        live.on_redeemed(session.id)
    return decided


def state_for_page(session: SessionState) -> dict[str, Any]:
    """Return the members of the message ``consent`` to the page of a session that waits."""
    consent = session.consent
    assert consent is not None
    approval = consent.approvals.state()
    return {
        "banner": consent.banner,
        "accepted": consent.accepted,
        "needed": approval.needed,
        "by": list(approval.by),
        "since": int(consent.since * 1000),
        "vm": session.vm.vm if session.vm else "",
        "user": session.user,
    }


def _nothing() -> None:
    """Do nothing."""

"""Types at the consoles of machines, each time by a session of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from twisted.internet.defer import Deferred

from ..errors import Busy, ClientGone, Forbidden
from ..keyboard.order import Typed, TypingOrder
from ..model import ConsoleType, Policy, Sharing, Token, VMAddress
from ..session.live import LiveSessions
from ..session.session import Session
from ..session.user_request import UserRequest
from .keyboard_viewer import KeyboardViewer
from .machine_turns import MachineTurns

MOST_AT_A_TIME: Final = 32
"""Sessions of this process that type at the same time."""

TOKEN_TIME: Final = 60.0
"""Seconds within which a session takes its token, which none else ever has."""

RequireRoom = Callable[[VMAddress], Awaitable[None]]
"""Raises an error where the console of a machine has one viewer at a time."""


class Typing:
    """Types at consoles.

    Args:
        live: the sessions of this process.
        require_room: is asked first, unless the console may be taken from its viewer.
        turns: of machines; it outlives this object.
    """

    def __init__(self, live: LiveSessions, require_room: RequireRoom, turns: MachineTurns) -> None:
        self._live = live
        self._require_room = require_room
        self._turns = turns
        self._under_way = 0

    async def type_keys(
        self, order: TypingOrder, on_session: Callable[[Session], object] = lambda session: None
    ) -> Typed:
        """Type, and return once all has arrived; a cancelled call ends the session.

        Args:
            on_session: called with the session when it begins.

        Raises:
            Forbidden: the policy lets it only view, or asks for the consent of people.
            KeysInterrupted: not everything was typed.
            Busy: too much is being typed, or others type at the machine for too long.
            VNCProxyError: there is no console.
        """
        _check(order.policy)
        if self._under_way >= MOST_AT_A_TIME:
            raise Busy(f"{MOST_AT_A_TIME} sessions type")
        self._under_way += 1
        try:
            if order.takes_over and order.policy.sharing is Sharing.TAKE_OVER:
                return await self._type(order, on_session)  # it ends what others type
            return await self._turns.run(order.vm, partial(self._in_turn, order, on_session))
        finally:
            self._under_way -= 1

    async def _in_turn(self, order: TypingOrder, on_session: Callable[[Session], object]) -> Typed:
        if not order.takes_over:
            await self._require_room(order.vm)
        return await self._type(order, on_session)

    async def _type(self, order: TypingOrder, on_session: Callable[[Session], object]) -> Typed:
        secret = await self._live.services.store.issue(self._token(order))
        viewer = KeyboardViewer(order.script, self._live, codes=order.codes)
        request = UserRequest(
            ConsoleType.XVPVNC,
            order.client,
            secret,
            confirmed=True,
            takes=order.takes_over,
            types=True,
        )
        session = viewer.begin(request)
        on_session(session)
        return await _unless_cancelled(viewer.finished, session)

    def _token(self, order: TypingOrder) -> Token:
        """Return a token for a viewer that has no cookie, since it never comes again."""
        now = self._live.services.time()
        return Token(order.vm, order.user, ConsoleType.XVPVNC, order.policy, now, now + TOKEN_TIME)


def _check(policy: Policy) -> None:
    if policy.view_only:
        raise Forbidden("view-only", public="This key's sessions may only view machines.")
    if policy.asks:
        words = "This key's sessions need the consent or the approval of people."
        raise Forbidden("banner or approval", public=words)


def _unless_cancelled(finished: Deferred[Typed], session: Session) -> Deferred[Typed]:
    """Return what fires as ``finished`` does; cancelling it ends the session, which ends it."""
    waiting: Deferred[Typed] = Deferred(lambda _: session.cancel(ClientGone("the caller has left")))

    def hand_on(result: object) -> None:
        if not waiting.called:
            waiting.callback(result)  # type: ignore[arg-type]  # or a failure

    finished.addBoth(hand_on)
    return waiting

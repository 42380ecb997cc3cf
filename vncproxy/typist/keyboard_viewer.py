"""A viewer of the proxy's own: it waits for its console, types, and leaves."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ..errors import (
    ClientGone,
    Forbidden,
    KeysInterrupted,
    UpstreamViolation,
    VNCProxyError,
)
from ..filters.held import HeldInput
from ..handshake.steps import Steps, Write
from ..keyboard.messages import ANNOUNCE, ASK, key_message
from ..keyboard.order import Typed
from ..keyboard.script import Pause, Press, Script
from ..model import Grant
from ..relay.leg import Leg
from ..relay.raw_framing import RawFraming
from ..rfb.greeting import Greeting
from ..session.downstream import IDownstream
from ..session.live import LiveSessions
from ..session.session import Session
from ..session.state import SessionState
from ..session.user_request import UserRequest
from .listening import Listening
from .loopback import Loopback

ANSWER_TIME: Final = 2.0
"""Seconds within which a server answers a request for a pixel; some answer none."""

STALL_TIME: Final = 15.0
"""Seconds for which a console may take no bytes."""


class _Greeted(Greeting):
    """The greeting of a viewer within the process, which needs none."""

    def greet(self) -> Steps[bool]:
        """Exchange nothing."""
        yield Write(b"")
        return True


@implementer(IDownstream)
class KeyboardViewer:
    """Types a script at the console of one session.

    Args:
        codes: whether scan codes are sent where the server takes them.

    Attributes:
        finished: fires with what was typed; fails with why it was not, or not all.
        strokes: how many times keys were pressed so far.
    """

    log = Logger()

    def __init__(self, script: Script, live: LiveSessions, *, codes: bool = True) -> None:
        self.session: SessionState | None = None
        self.greeting: Greeting = _Greeted()
        self.leg: Leg | None = None
        self.finished: Deferred[Typed] = Deferred()
        self.strokes = 0
        self._script = script
        self._live = live
        self._clock = live.services.reactor
        self._allow_codes = codes
        self._codes = False
        self._listening = Listening()
        self._held = HeldInput()
        self._loopback: Loopback | None = None
        self._waiting: Deferred[None] | None = None
        self._is_over = False
        self._opened_at = 0.0

    def begin(self, user_request: UserRequest) -> Session:
        """Start the session; returns it."""
        session = Session(user_request, self, self._live)
        session.start()
        return session

    async def admit(self, grant: Grant) -> None:
        """Do nothing: nothing is shown before the console is there."""

    async def open(self) -> Leg:
        """Return the leg, and type once the console's first message has come."""
        self.leg = leg = Leg(RawFraming(), self._clock, ClientGone)
        self._loopback = Loopback(leg, self._receive, self._clock)
        self._loopback.on_reading = self._wake
        self._opened_at = self._clock.seconds()
        leg.close_reason.addCallback(self._closed)
        Deferred.fromCoroutine(self._run()).addErrback(self._failed)
        return leg

    async def refuse(self, error: VNCProxyError, session_id: str) -> None:
        """Note why there is no console."""
        self._end(error)

    async def _run(self) -> None:
        await self._until(lambda: self._listening.greeted, self._live.services.timeouts.greeting)
        if self._is_over:
            return
        await self._ask(ANNOUNCE)
        if self._allow_codes and not self._listening.takes_codes:
            # servers that know of it say so in their first update, or in one of its own
            await self._until(lambda: self._listening.takes_codes, 0.2)
        self._codes = self._allow_codes and self._listening.takes_codes
        for step in self._script.steps:
            await self._type(step)
            if self._is_over:
                return
        await self._ask(b"")
        self._end(None)

    async def _type(self, step: Press | Pause) -> None:
        if isinstance(step, Press):
            self._require_control()
            for key in step.chord:
                await self._send(key_message(key, down=True, codes=self._codes))
            await self._pause(self._script.held(step))
            for key in reversed(step.chord):
                await self._send(key_message(key, down=False, codes=self._codes))
            self.strokes += not self._is_over
        await self._pause(self._script.rest(step))

    def _require_control(self) -> None:
        """Stop where what is sent would be dropped."""
        session = self.session
        if session is not None and not self._is_over and not session.rights.may_control:
            words = "Another user has the control of the machine, or an administrator took it."
            raise Forbidden("its session only views now", public=words)

    async def _ask(self, before: bytes) -> None:
        """Ask for a pixel, and wait for the answer: all keys before it have arrived then."""
        wanted = self._listening.updates + 1
        await self._send(before + ASK)
        await self._until(lambda: self._listening.updates >= wanted, ANSWER_TIME)

    async def _send(self, data: bytes) -> None:
        """Send a message once the console takes bytes.

        Raises:
            UpstreamViolation: it took none for too long.
        """
        assert self._loopback is not None
        loopback = self._loopback
        if not await self._until(lambda: loopback.reading, STALL_TIME):
            raise UpstreamViolation(f"it took no byte in {STALL_TIME:g} s")
        if not self._is_over:
            if data[:1] in (b"\x04", b"\xff"):
                self._held.note_key(data)
            loopback.send(data)

    async def _pause(self, seconds: float) -> None:
        await self._until(lambda: False, seconds)

    async def _until(self, is_so: Callable[[], bool], seconds: float) -> bool:
        """Wait until something is so, or the session is over; returns whether it is so in time."""
        end = self._clock.seconds() + seconds
        while not (is_so() or self._is_over):
            left = end - self._clock.seconds()
            if left <= 0:
                return False
            self._waiting = Deferred()
            timer: IDelayedCall = self._clock.callLater(left, self._wake)
            await self._waiting
            if timer.active():
                timer.cancel()
        return True

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)

    def _receive(self, data: bytes) -> None:
        try:
            self._listening.receive(data)
        except VNCProxyError as e:
            self._end(e)
        self._wake()

    def _closed(self, why: VNCProxyError) -> VNCProxyError:
        """Release what is held down, while the console is still connected.

        The legs of an ending session are closed one after the other, this one first.
        """
        session = self.session
        if session is not None and session.legs is not None and self._held.keys:
            session.legs[1].send(self._held.release())
        self._end(why)
        return why

    def _failed(self, failure: Failure) -> None:
        if isinstance(failure.value, VNCProxyError):
            self._end(failure.value)
        else:
            self.log.failure("what types at a console failed", failure)
            self._end(VNCProxyError("a defect: see the traceback above"))

    def _end(self, why: VNCProxyError | None) -> None:
        """Leave, and report what was typed, or why not all was."""
        if self._is_over:
            return
        self._is_over = True
        assert self.session is not None
        if why is None:
            seconds = self._clock.seconds() - self._opened_at
            result = Typed(self.session.id, self.strokes, seconds, self._codes)
            self._leave(partial(self.finished.callback, result))
        else:
            self._leave(partial(self.finished.errback, self._in_words(why)))
        self._wake()

    def _leave(self, report: Callable[[], object]) -> None:
        """Close the connection; what is reported then is behind all that the session does."""
        if self._loopback is None or self.leg is None:
            report()
            return
        self._loopback.loseConnection()
        self.leg.closed.addCallback(lambda _: report())

    def _in_words(self, why: VNCProxyError) -> VNCProxyError:
        """Return why not all was typed; why there was no console stands as it is."""
        session = self.session
        if session is None or not (session.is_open or why is session.reason):
            return why
        return KeysInterrupted.after(why, self.strokes, self._script.strokes)

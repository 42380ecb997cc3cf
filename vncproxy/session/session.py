"""One console from redeem to close: a linear coroutine up to the relay, callbacks after it."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from ..errors import HypervisorError, ProxyDraining, SessionEnded, VNCProxyError
from ..interfaces import IStage
from ..model import is_secret, new_id, secret_id
from ..relay.leg import Leg
from .closing import closed_by_console, explain_close, side_that_ended, told_by_zone
from .consenting import show_last
from .downstream import IDownstream
from .ends import Ends
from .live import LiveSessions
from .opening import Opening, without_secrets
from .services import Services
from .state import SessionState
from .user_request import UserRequest
from .watchdog import Watchdog, ZoneWatchdog


class Session(SessionState):
    """One console from redeem to close.

    Timeouts, limits, revocation and shutdown all end it by `cancel`.

    Args:
        downstream: the user's side, which knows the session from then on.
    """

    __slots__ = ("_downstream", "_live", "_watchdog")

    def __init__(
        self, user_request: UserRequest, downstream: IDownstream, live: LiveSessions
    ) -> None:
        services = live.services
        super().__init__(new_id(), user_request, services.time(), services.reactor.seconds())
        self.proxy, self.zone, self.proxy_id = services.proxy, services.zone, services.proxy_id
        self._downstream: IDownstream | None = downstream
        downstream.session = self
        self._live = live
        self._watchdog: Watchdog | None = None

    @property
    def _services(self) -> Services:
        """The services as they are now: a reload may have replaced them."""
        return self._live.services

    def start(self) -> None:
        """Begin."""
        opening = Deferred.fromCoroutine(self._run())
        opening.addErrback(self._log_failure)
        if self.legs is None:
            self.opening = opening

    async def _run(self) -> None:
        assert self._downstream is not None
        try:
            self._live.add(self)
            try:
                legs = await Opening(self, self._downstream, self._live).open_legs()
                self._start_relay(*legs)
            except BaseException:
                self._live.remove(self)
                raise
        except CancelledError:
            await self._refuse(self.reason)
        except VNCProxyError as e:
            await self._refuse(e)
        except Exception:  # noqa: BLE001 a defect must not leave a user without an answer
            self.log.failure("session {session} failed", session=self.id)
            await self._refuse(HypervisorError("a defect: see the traceback above"))

    async def _refuse(self, error: VNCProxyError) -> None:
        self.ending = True
        if not self.token_id and is_secret(self.user_request.token):
            self.token_id = secret_id(self.user_request.token)
        self._notify_observers("refused", error)
        assert self._downstream is not None
        await show_last(self, error, self._live)
        self.painted = None
        await self._downstream.refuse(error, self.id)

    def _start_relay(self, down: Leg, up: Leg, stages: Sequence[IStage]) -> None:
        """Let bytes flow until `_end` is called.

        No coroutine waits for it: it would be a third of what an idle session keeps in memory.
        """
        assert self.grant is not None
        self.legs, self._downstream, self.opening = (down, up), None, None
        self.grant, self.awaits = without_secrets(self.grant), None
        self._notify_observers("opened")
        try:
            self._watchdog = self._start_watchdog(down, up)
            self.rights.begin(self._mode_changed)
            token, per_user = self.grant.token, self._services.limits.bandwidth_per_user
            stages = self._live.bandwidth.with_pace(stages, token, per_user, down, up)
            self.step = joined = self._services.join(down, up, stages)
        except Exception:  # noqa: BLE001 nothing would watch the legs, nor end them
            self.log.failure("session {session}: the relay did not begin", session=self.id)
            self._end(HypervisorError("a defect: see the traceback above"))
        else:
            joined.addCallbacks(self._end, self._end_cancelled).addErrback(self._log_failure)

    def _start_watchdog(self, down: Leg, up: Leg) -> Watchdog:
        assert self.grant is not None
        services, idle_timeout = self._services, self.grant.token.policy.idle_timeout
        timer, to_zone = self._live.timer, self.border is not None and self.border.to_zone
        kind = ZoneWatchdog if to_zone else Watchdog
        tell = None if self.page is None else self.tell_page
        ends = Ends.of(self.grant, self.started, services.time)
        watchdog = kind(down, up, idle_timeout, services.timeouts, ends, self.cancel, timer, tell)
        watchdog.start()
        return watchdog

    def _end_cancelled(self, failure: Failure) -> None:
        failure.trap(CancelledError)
        self._end(self.reason)

    def _end(self, why: VNCProxyError) -> None:
        assert self.legs is not None
        self.ending = True
        self.rights.end()
        if self._watchdog is not None:
            self._watchdog.stop()
        down, up = self.legs
        why = self._moved(down) or why
        self.side = side_that_ended(down, up, why)
        why = told_by_zone(self, down, up, why)
        if closed_by_console(down, up, self._live):
            explained = Deferred.fromCoroutine(explain_close(self, why, self._live))
            explained.addCallback(self._close_legs).addErrback(self._log_failure)
        else:
            self._close_legs(why)

    def _moved(self, down: Leg) -> ProxyDraining | None:
        """Return why the page was asked to move, if that is why it has left."""
        peer_close = down.framing.peer_close
        left_for_it = peer_close is not None and peer_close.code == ProxyDraining.close_code
        return self.moving if left_for_it else None

    def _close_legs(self, why: VNCProxyError) -> None:
        assert self.legs is not None
        (down, up), close_timeout = self.legs, self._services.timeouts.linger
        # the id helps where something failed; other reasons are complete without it
        down.close(why, close_timeout, "" if isinstance(why, SessionEnded) else self.id)
        up.close(why, close_timeout)
        self._notify_observers("closed", why)
        self._live.remove(self)

    def _mode_changed(self, for_server: bytes, by: str, told: str) -> None:
        """Release what was held down at the server, and tell the page and the audit log."""
        assert self.legs is not None
        self.legs[1].send(for_server)
        self.tell_page("mode", mode=self.rights.effective.value, by=told)
        self._notify_observers("changed", by)

    def _notify_observers(self, event: str, *why: VNCProxyError | str) -> None:
        services = self._services
        info = self.info(services.reactor.seconds())
        for observer in services.observers:
            try:
                getattr(observer, event)(info, *why)
            except Exception:  # noqa: BLE001 a full disk must not end a session
                self.log.failure(
                    "session {session}: audit log or metrics could not take that it was {event}",
                    session=self.id,
                    event=event,
                )

    def _log_failure(self, failure: Failure) -> None:
        self.log.failure("session {session} failed", failure, session=self.id)

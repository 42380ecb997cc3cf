"""The services that sessions use: token store, backends, observers, limits, clocks, relay."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.defer import Deferred

from ..errors import VNCProxyError
from ..interfaces import IConsoleBackend, IRecorder, ISessionObserver, IStage, ITokenStore
from ..model import Limits, Timeouts, Token, UnixTime
from ..power import MachinePower
from ..relay import plain
from ..relay.leg import Leg
from .consoles import Consoles
from .logged_in import LoginRule
from .page import BUILT_IN, PageRequest
from .steps import OnStep


@dataclass(frozen=True, slots=True)
class Services:
    """What sessions use of the rest of the proxy; a reload replaces it for all of them.

    Attributes:
        time: the wall clock.
        reactor: for time limits and connections.
        power: starts, stops and resets machines.
        join: the relay.
        confirm: whether links ask before they are redeemed, unless their policy says otherwise.
        banner: the text that all users have to accept before they see a console; empty for none.
        check_viewers: whether the messages of all viewers are checked, and not only of those whose
            policy restricts them.
        show_users: whether users are told which other user has a console that is not shared.
        proxy: the name of this proxy.
        zone: the zone of this proxy, empty where there is only one.
        proxy_id: the id of this proxy.
        worker_id: the id of this process.
        on_step: is called after each step to a console.
        shows_zone: returns whether users of a zone, its name first, may see the machines of
            another one that is asked here; no zone may, unless it is given.
        recorder: records sessions; None where that is not configured.
        must_record: whether the session of a token is recorded.
        ends_unrecorded: whether a session ends that cannot be recorded any more.
        page_requests: what answers the requests of pages, by their names.
        login: which links demand a login; None where none do.
    """

    store: ITokenStore
    backends: Mapping[str, IConsoleBackend]
    observers: Sequence[ISessionObserver]
    limits: Limits
    timeouts: Timeouts
    time: Callable[[], UnixTime]
    reactor: Any
    power: MachinePower
    join: Callable[[Leg, Leg, Sequence[IStage]], Deferred[VNCProxyError]] = plain.join
    confirm: bool = False
    banner: str = ""
    check_viewers: bool = False
    show_users: bool = False
    proxy: str = ""
    zone: str = ""
    proxy_id: str = ""
    worker_id: str = ""
    on_step: OnStep = lambda backend, step, seconds, failed: None
    shows_zone: Callable[[str, str], bool] = lambda asking, asked: False
    recorder: IRecorder | None = None
    must_record: Callable[[Token], bool] = lambda token: token.policy.record
    ends_unrecorded: bool = False
    page_requests: Mapping[str, PageRequest] = field(default_factory=lambda: BUILT_IN)
    login: LoginRule | None = None

    def consoles(self) -> Consoles:
        """Return the consoles of all backends."""
        return Consoles(self.backends, self.timeouts, self.reactor, self.on_step)

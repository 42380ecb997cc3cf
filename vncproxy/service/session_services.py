"""What sessions use of the rest of the proxy, made from the settings and renewed by a reload."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ..backends.zone import ZoneSettings
from ..config.settings import BackendTable, Settings
from ..interfaces import IRecorder, ISessionObserver
from ..model import Identity, UnixTime
from ..power import MachinePower
from ..relay import fast, plain
from ..session.logged_in import LoginRule
from ..session.page import BUILT_IN, PageRequest
from ..session.services import Services
from ..session.steps import OnStep
from ..zones.request import Peer
from .components import Components


def services(
    settings: Settings,
    components: Components,
    observers: Sequence[ISessionObserver],
    now: Callable[[], UnixTime],
    reactor: Any,
    me: Identity,
    on_step: OnStep = lambda backend, step, seconds, failed: None,
    page_requests: Mapping[str, PageRequest] = BUILT_IN,
    recorder: IRecorder | None = None,
    *,
    power: MachinePower,
    login: LoginRule | None = None,
) -> Services:
    """Return what sessions use of the rest of the proxy, with the limits of these settings."""
    peers = peers_of(settings)
    return Services(
        store=components.store,
        backends=components.backends,
        observers=observers,
        limits=settings.limits,
        timeouts=settings.timeouts,
        time=now,
        reactor=reactor,
        power=power,
        join=partial(fast.join, reactor=reactor) if settings.relay.fast else plain.join,
        confirm=settings.tokens.confirm,
        banner=settings.consent.banner.strip(),
        check_viewers=settings.relay.check_viewers,
        show_users=settings.sharing.show_users,
        proxy=me.name,
        zone=me.zone,
        proxy_id=me.proxy_id,
        worker_id=me.worker_id,
        on_step=on_step,
        recorder=recorder,
        must_record=settings.recording.wants,
        ends_unrecorded=settings.recording.on_trouble == "end",
        shows_zone=lambda asking, asked: asking in peers and peers[asking].may_see(asked),
        page_requests=page_requests,
        login=login,
    )


def peers_of(settings: Settings) -> Mapping[str, Peer]:
    """Return the zones that may ask this one, by name."""
    return {name: _peer(name, table) for name, table in settings.zones.items()}


def _peer(name: str, table: BackendTable) -> Peer:
    assert isinstance(table.settings, ZoneSettings)
    return table.settings.peer(name)

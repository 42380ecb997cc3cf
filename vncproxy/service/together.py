"""Several users at one machine: what binds their sessions, and makes links to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.internet.interfaces import IReactorTime

from ..config.settings import Settings
from ..interfaces import IMachineSessions
from ..model import UnixTime
from ..session.registry import SessionRegistry
from ..together.binding import Binding
from ..together.links import SessionLinks
from ..together.memory import MemoryMachineSessions
from ..tokens.issuing import IssueRules, TokenIssuer
from ..tokens.machine_check import MachineCheck
from .components import Components
from .sites import urls_of

if TYPE_CHECKING:
    from ..cluster.cluster import Cluster


def bind_sessions(sessions: SessionRegistry, cluster: Cluster | None) -> Binding:
    """Let sessions that join others end with them, also where those are of other processes."""
    binding = Binding(sessions, _machines(sessions, cluster))
    sessions.require_host = binding.require_host
    sessions.on_left = binding.session_left
    if cluster is not None:
        cluster.on_machine = binding.noticed
        cluster.on_subscribed = binding.check
        cluster.on_beat.append(binding.check)
    return binding


def links_to_sessions(
    settings: Settings, components: Components, reactor: IReactorTime, now: Callable[[], UnixTime]
) -> SessionLinks:
    """Return what makes links to live sessions, which lead to this proxy."""
    tokens, backends = settings.tokens, components.backends
    rules = IssueRules(tokens.ttl, tokens.max_ttl, urls_of(settings), backends)
    machines = MachineCheck(backends, reactor, settings.timeouts.locate)
    return SessionLinks(TokenIssuer(components.store, rules, machines, now), backends)


def _machines(sessions: SessionRegistry, cluster: Cluster | None) -> IMachineSessions:
    if cluster is None:
        return MemoryMachineSessions(sessions)
    # txredisapi installs the reactor on import, and importing this module must not
    from ..together.redis import RedisMachineSessions

    return RedisMachineSessions(cluster.link, cluster.keys)

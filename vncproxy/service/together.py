"""Several users at one machine: what binds their sessions, and makes links to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.internet.interfaces import IReactorTime

from ..config.settings import Settings
from ..model import UnixTime
from ..session.registry import SessionRegistry
from ..together.company import Company, Note
from ..together.links import SessionLinks
from ..together.memory import MemoryMachineSessions
from ..tokens.issuing import IssueRules, TokenIssuer
from ..tokens.machine_check import MachineCheck
from .announced import urls_of
from .components import Components

if TYPE_CHECKING:
    from ..cluster.cluster import Cluster


def make_company(
    sessions: SessionRegistry, cluster: Cluster | None, note: Note, clock: IReactorTime
) -> Company:
    """Return what sessions know of others at their machines, also in other processes."""
    if cluster is None:
        memory = MemoryMachineSessions(sessions)
        alone = Company(sessions, sessions.of_machine, memory, note, clock)
        memory.on_change, memory.on_message = alone.driving.changed, alone.handing.received
        memory.on_entered = alone.changed
        return alone
    # txredisapi installs the reactor on import, and importing this module must not
    from ..cluster.keys import HEARTBEAT, LEASE
    from ..together.redis import RedisMachineSessions

    machines = RedisMachineSessions(cluster.link, cluster.keys)
    of_machine, lease = cluster.sessions.of_machine, LEASE - HEARTBEAT
    company = Company(sessions, of_machine, machines, note, clock, lease)
    cluster.on_machine = company.binding.noticed
    cluster.on_driver = company.handing.received
    cluster.on_subscribed = company.check
    cluster.on_beat.append(company.renew)
    return company


def links_to_sessions(
    settings: Settings, components: Components, reactor: IReactorTime, now: Callable[[], UnixTime]
) -> SessionLinks:
    """Return what makes links to live sessions, which lead to this proxy."""
    tokens, backends = settings.tokens, components.backends
    rules = IssueRules(tokens.ttl, tokens.max_ttl, urls_of(settings), backends)
    machines = MachineCheck(backends, reactor, settings.timeouts.locate)
    return SessionLinks(TokenIssuer(components.store, rules, machines, now), backends)

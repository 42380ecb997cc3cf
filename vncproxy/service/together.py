"""Several users at one machine: what binds their sessions is put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..interfaces import IMachineSessions
from ..session.registry import SessionRegistry
from ..together.binding import Binding
from ..together.memory import MemoryMachineSessions

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


def _machines(sessions: SessionRegistry, cluster: Cluster | None) -> IMachineSessions:
    if cluster is None:
        return MemoryMachineSessions(sessions)
    # txredisapi installs the reactor on import, and importing this module must not
    from ..together.redis import RedisMachineSessions

    return RedisMachineSessions(cluster.link, cluster.keys)
